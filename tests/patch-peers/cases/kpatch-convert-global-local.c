// SPDX-License-Identifier: MIT
// A function and a variable become local: they are where they were.
//: replaced work
//: binds target:helper target:state
#include "../peers.h"

NEW(static) int state = 4;

NEW(static) NOINLINE int helper(int n)
{
	return n * state;
}

int work(int n)
{
	NEW(state++;)
	return helper(n) + (OLD(1) NEW(2));
}
