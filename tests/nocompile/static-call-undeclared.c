// SPDX-License-Identifier: MIT
// c: rp_(tramp|key)__other.*(undeclared|implicit)|undeclared identifier .rp_(tramp|key)__other
// c++: rp_(tramp|key)__other.*not declared|undeclared identifier .rp_(tramp|key)__other
/* The name is that of a static call. */
#include <repoint/static_call.h>

static int right(void) { return 0; }

RP_DEFINE_STATIC_CALL(op, right);

int main(void)
{
#ifdef RIGHT
	return rp_static_call(op)();
#else
	return rp_static_call_update(other, right);
#endif
}
