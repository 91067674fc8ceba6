// SPDX-License-Identifier: MIT
// Static functions in tables: references are by section and offset.
//: replaced second
//: binds target:limit
#include "../peers.h"

static NOINLINE int first(int n)
{
	return n + 1;
}

static NOINLINE int second(int n)
{
	return n + OLD(trace[0]) NEW(limit);
}

static int third(int n)
{
	return n + 3;
}

int (*const table[])(int) = { first, second, third };

int work(int n)
{
	return table[n % 3](n);
}
