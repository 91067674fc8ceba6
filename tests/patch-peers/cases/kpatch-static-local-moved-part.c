// SPDX-License-Identifier: MIT
// What used a static local is split off as .part: the variable is the same.
//: gcc
//: needs new step\.part\.0
//: replaced first second
//: added step.part.0
//: binds target:kpatch-static-local-moved-part.c:count.* target:complain target:trace
#include "../peers.h"

static int step(int n)
{
	static int count = 3;

	NEW(if (n < 0)
		return 0;)
	count += n;
	for (int i = 0; i < 4; i++) {
		complain("step", trace[i]);
		trace[i] ^= count * n;
		complain("steps", count);
	}
	return count;
}

int first(int n)
{
	return step(n) + 1;
}

int second(int n)
{
	return step(n + 4) + 2;
}

int work(int n)
{
	return first(n) + second(n);
}
