// SPDX-License-Identifier: MIT
// Clones get other numbers, since one that came first is gone; their code stays.
//: gcc
//: needs old third\.constprop
//: replaced work
//: binds target:kpatch-mangled-symbol-modification.c:third.* target:limit
#include "../peers.h"

#define SCALE(name, op)							\
static NOINLINE int name(int n, int by)					\
{									\
	for (int i = 0; i < 4; i++)					\
		trace[i] op by * n;					\
	return trace[n & 3] / by;					\
}

OLD(SCALE(second, -=))
SCALE(third, ^=)

int work(int n)
{
	OLD(n += second(n, 5) + second(n + 1, 5);)
	NEW(n += limit;)
	return third(n, 6) + third(n + 1, 6);
}
