// SPDX-License-Identifier: MIT
// A new variable, shared by two functions that change.
//: replaced work other
//: data shared_state
//: binds target:trace
#include "../peers.h"

NEW(static int shared_state;)

NOINLINE int other(int n)
{
	NEW(shared_state++;)
	return n + trace[1];
}

int work(int n)
{
	return trace[0] + other(n) NEW(+ shared_state);
}
