// SPDX-License-Identifier: MIT
// c: static call op: function of another type
// c++: invalid conversion from|cannot initialize a variable of type
/* A function of another type cannot become the target. */
#include <repoint/static_call.h>

static int right(int a) { return a; }
static long wrong(int a) { return a; }

RP_DEFINE_STATIC_CALL(op, right);

int main(void)
{
	long (*volatile unused)(int) = wrong;

	(void)unused;
#ifdef RIGHT
	return rp_static_call_update(op, right);
#else
	return rp_static_call_update(op, wrong);
#endif
}
