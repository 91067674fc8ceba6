// SPDX-License-Identifier: MIT
// c: redefinition
// c++: redefinition
/* A static call is defined once. */
#include <repoint/static_call.h>

static int right(void) { return 0; }

RP_DEFINE_STATIC_CALL(op, right);
#ifndef RIGHT
RP_DEFINE_STATIC_CALL(op, right);
#endif

int main(void)
{
	return rp_static_call(op)();
}
