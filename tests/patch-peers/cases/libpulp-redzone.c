// SPDX-License-Identifier: MIT
// A leaf that keeps what it has below the stack pointer.
//: replaced leaf
//: binds target:trace
#include "../peers.h"

NOINLINE int leaf(int n)
{
	volatile int v[12];

	for (int i = 0; i < 12; i++)
		v[i] = n + trace[i & 3];
	return v[n & 7] + (OLD(1) NEW(v[3]));
}

int work(int n)
{
	return leaf(n);
}
