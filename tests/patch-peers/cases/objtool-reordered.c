// SPDX-License-Identifier: MIT
// Functions and variables in another order, a comment, other names of locals:
// no change.
//: nothing
#include "../peers.h"

static int first = 1;
OLD(static int second = 2;)
static NOINLINE int one(int n)
{
	OLD(int sum = n + first++;)
	NEW(/* The sum. */ int s = n + first++;)
	return OLD(sum) NEW(s);
}
NEW(static int second = 2;
static int two(int n);
int work(int n)
{
	return one(n) + two(n);
})
static NOINLINE int two(int n)
{
	return n + second++;
}
OLD(int work(int n)
{
	return one(n) + two(n);
})
