// SPDX-License-Identifier: MIT
// A number that changes beside __LINE__ is a change.
//: replaced second
//: binds target:give_up target:trace
#include "../peers.h"

#define CHECK(x)	((x) ? (void)0 : give_up(#x, __LINE__))
#ifdef PATCHED
/* Two lines,
 * or three. */
#endif

NOINLINE int first(int n)
{
	CHECK(trace[1] < 1000);
	return n;
}

NOINLINE int second(int n)
{
	CHECK(trace[1] < 1000);
	return n + trace[n & (OLD(1) NEW(3))];
}

int work(int n)
{
	return first(n) + second(n);
}
