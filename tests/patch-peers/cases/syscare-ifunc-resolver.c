// SPDX-License-Identifier: MIT
// A changed resolver.
//: refused 0716 resolve
#include "../peers.h"

static int fast(int n)
{
	return n + trace[0];
}

static int slow(int n)
{
	return n + trace[1];
}

static int (*resolve(void))(int)
{
	return OLD(slow) NEW(fast);
}

int chosen(int n) __attribute__((ifunc("resolve")));

int work(int n)
{
	return chosen(n);
}
