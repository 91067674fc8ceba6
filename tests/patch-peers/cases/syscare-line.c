// SPDX-License-Identifier: MIT
// Lines inserted in front of __LINE__ in functions that do not change.
//: replaced first
//: binds target:give_up target:trace
#include "../peers.h"

#define CHECK(x)	((x) ? (void)0 : give_up(#x, __LINE__))

NOINLINE int first(int n)
{
	NEW(
	if (n == 7)
		return 9;
	)
	CHECK(trace[0] < 1000);
	return n + trace[3];
}

NOINLINE int second(int n)
{
	CHECK(trace[1] < 1000);
	return n;
}

int work(int n)
{
	CHECK(trace[2] < 1000);
	return first(n) + second(n);
}
