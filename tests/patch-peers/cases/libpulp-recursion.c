// SPDX-License-Identifier: MIT
// A function that calls itself: the new one calls the new one.
//: replaced work
//: flags -fno-optimize-sibling-calls
//: binds target:trace
#include "../peers.h"

int work(int n)
{
	if (n <= 0)
		return trace[0];
	return work(n - 1) * n + (OLD(1) NEW(trace[1]));
}
