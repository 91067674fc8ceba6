// SPDX-License-Identifier: MIT
// A constant changes that only the changed function reads: it comes along.
//: replaced work
//: binds target:trace
#include "../peers.h"

static const int weights[8] = { 1, 2, OLD(3) NEW(4), 5, 8, 13, 21, 34 };

int work(int n)
{
	return trace[0] + weights[n & 7];
}
