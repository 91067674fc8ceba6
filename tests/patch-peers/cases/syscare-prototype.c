// SPDX-License-Identifier: MIT
// A parameter more, of a function that only this file calls.
//: replaced work
//: added helper
//: binds target:trace
#include "../peers.h"

static NOINLINE int helper(int n NEW(, int by))
{
	return n + trace[n & 3] NEW(* by);
}

int work(int n)
{
	return trace[0] + helper(n NEW(, trace[1]));
}
