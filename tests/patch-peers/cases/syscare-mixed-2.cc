// SPDX-License-Identifier: MIT
#include "../peers.h"

extern "C" NOINLINE int other(int n);

template <int step> INLINE int add(int n)
{
	return n + trace[step];
}

int other(int n)
{
	return add<OLD(1) NEW(2)>(n) ^ limit;
}
