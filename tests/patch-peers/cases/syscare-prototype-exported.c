// SPDX-License-Identifier: MIT
// The same of one that others call.
//: refused 0717 helper
#include "../peers.h"

NOINLINE int helper(int n NEW(, int by))
{
	return n + trace[n & 3] NEW(* by);
}

int (*volatile pointer)() = helper;

int work(int n)
{
	return trace[0] + helper(n NEW(, trace[1]));
}
