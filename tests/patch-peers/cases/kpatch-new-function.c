// SPDX-License-Identifier: MIT
// A new function.
//: replaced work
//: added helper
//: binds target:limit target:trace
#include "../peers.h"

NEW(static NOINLINE int helper(int n)
{
	return n + limit;
})

int work(int n)
{
	return trace[n & 3] OLD(+ 1) NEW(* helper(n));
}
