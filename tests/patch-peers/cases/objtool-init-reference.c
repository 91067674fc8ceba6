// SPDX-License-Identifier: MIT
// New code that calls what ran before main: it is still there.
//: replaced work
//: binds target:objtool-init-reference.c:set_up target:trace
#include "../peers.h"

__attribute__((constructor)) NOINLINE USED static void set_up(void)
{
	trace[0] = 5;
	trace[1]++;
}

int work(int n)
{
	NEW(if (n > 1)
		set_up();)
	return n + trace[1];
}
