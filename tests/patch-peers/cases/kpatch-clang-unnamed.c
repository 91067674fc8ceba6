// SPDX-License-Identifier: MIT
// Constants without a name of their own, and one more in front of them.
// (GCC lets a caller know what its callee clobbers, so the caller changes, too.)
//: clang replaced changed
//: clang binds target:trace
//: gcc replaced changed work
//: gcc binds target:trace target:stays
#include "../peers.h"

struct pair {
	long a, b, c, d, e, f, g, h, i;
};

NOINLINE long sum(struct pair p)
{
	return p.a + p.b * trace[p.c & 3] + p.i;
}

NOINLINE int changed(int n)
{
	NEW(const struct pair q = { 9, 8, 7, 6, 5, 4, 3, 2, 1 };
	n += ((const long *)&q)[(unsigned int)n % 9];)
	return n + trace[0];
}

NOINLINE int stays(int n)
{
	const struct pair p = { 1, 2, 3, 4, 5, 6, 7, 8, 9 };

	return ((const long *)&p)[(unsigned int)n % 9];
}

int work(int n)
{
	return changed(n) + stays(n);
}
