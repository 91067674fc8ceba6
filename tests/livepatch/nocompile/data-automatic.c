// SPDX-License-Identifier: MIT
// c: not (a compile-time )?constant
// c++: constant expression|non-.constexpr. function|not constant
/* A variable on the stack is nowhere when the payload is made. */
#include <repoint/livepatch.h>

int f(void)
{
#ifdef RIGHT
	static int calls = 2;
#else
	int calls = 2;
#endif
	RP_LIVEPATCH_SET(calls);

	return ++calls;
}
