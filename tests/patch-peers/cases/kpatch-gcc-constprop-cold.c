// SPDX-License-Identifier: MIT
// A clone that has a cold part.
//: gcc
//: needs old scale\.constprop\.[0-9]+\.cold
//: replaced scale.constprop.*
//: binds target:complain target:trace
#include "../peers.h"

static NOINLINE int scale(int n, int by)
{
	if (n < 0)
		complain("scale", OLD(n) NEW(-n));
	for (int i = 0; i < 4; i++)
		trace[i] += by * n;
	return trace[n & 3] / by;
}

int work(int n)
{
	return scale(n, 6) + scale(n + 1, 6);
}
