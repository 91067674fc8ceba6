// SPDX-License-Identifier: MIT
// A clone for a constant argument, and its caller.
//: gcc
//: needs old scale\.constprop
//: replaced scale.constprop.*
//: binds target:limit target:trace
#include "../peers.h"

static NOINLINE int scale(int n, int by)
{
	for (int i = 0; i < 4; i++)
		trace[i] += by * (OLD(n) NEW(limit));
	return trace[n & 3] / by;
}

int work(int n)
{
	return scale(n, 6) + scale(n + 1, 6);
}
