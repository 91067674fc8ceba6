// SPDX-License-Identifier: MIT
// c: too few arguments
// c++: too few arguments|no matching function
/* A call has the function's parameters. */
#include <repoint/static_call.h>

static int right(int a, int b) { return a + b; }

RP_DEFINE_STATIC_CALL(op, right);

int main(void)
{
#ifdef RIGHT
	return rp_static_call(op)(1, 2);
#else
	return rp_static_call(op)(1);
#endif
}
