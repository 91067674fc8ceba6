// SPDX-License-Identifier: MIT
// Ten parameters, in registers of both kinds and on the stack.
//: replaced many
//: binds target:trace
#include "../peers.h"

NOINLINE int many(int a, double b, int c, float d, int e, double f, long g,
		  float h, char i, double j, int k, int l, int m, double n)
{
	trace[0] += a + b + c + d;
	return trace[1] + e * f + g * h + i * j + k * l +
	       m * (OLD(n) NEW(n + 1));
}

int work(int n)
{
	return many(n, 2., 3, 4.f, 5, 6., 7, 8.f, 9, 10., 11, 12, 13, 14.);
}
