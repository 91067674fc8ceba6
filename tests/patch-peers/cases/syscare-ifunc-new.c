// SPDX-License-Identifier: MIT
// A new IFUNC: its resolver cannot run before main.
//: refused 0716
#include "../peers.h"

NEW(static int fast(int n)
{
	return n + trace[1];
}

static int (*resolve(void))(int)
{
	return fast;
}

static int chosen(int n) __attribute__((ifunc("resolve")));)

int work(int n)
{
	return trace[0] + (OLD(n) NEW(chosen(n)));
}
