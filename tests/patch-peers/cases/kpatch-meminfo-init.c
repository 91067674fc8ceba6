// SPDX-License-Identifier: MIT
// A change in what runs before main only.
//: refused 0709
#include "../peers.h"

static NOINLINE void register_limit(int n)
{
	limit = n * (OLD(2) NEW(3));
}

__attribute__((constructor)) static void init(void)
{
	register_limit(limit);
}

int work(int n)
{
	return n + limit;
}
