// SPDX-License-Identifier: MIT
// New code that calls functions which stay: exported, and static.
//: replaced work
//: binds target:trace target:complain target:libcareplus-ref-orig-single.c:helper
#include "../peers.h"

static NOINLINE int helper(int n)
{
	return n * trace[1] + trace[3];
}

int work(int n)
{
	NEW(complain("new", n);
	n += helper(n + 1);)
	return trace[0] + helper(n);
}
