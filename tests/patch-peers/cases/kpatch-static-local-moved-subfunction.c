// SPDX-License-Identifier: MIT
// What used a static local becomes a function of its own, which is inlined into
// no one: the variable is the same.
//: replaced work
//: added step
//: gcc binds target:kpatch-static-local-moved-subfunction.c:count.0
//: clang binds target:kpatch-static-local-moved-subfunction.c:step.count
#include "../peers.h"

static OLD(INLINE) NEW(NOINLINE) int step(int n)
{
	static int count = 3;

	count += n;
	return count;
}

int work(int n)
{
	return step(n) + step(n + 1);
}
