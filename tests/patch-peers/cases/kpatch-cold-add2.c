// SPDX-License-Identifier: MIT
// The same, beside functions that have one already.
//: replaced work
//: binds target:complain target:kpatch-cold-add2.c:before
//: gcc needs old before\.cold
//: gcc needs new work\.cold
#include "../peers.h"

static NOINLINE int before(int n)
{
	if (n == 77)
		complain("before", n);
	return n + 1;
}

int work(int n)
{
	NEW(if (n < 0)
		complain("negative", n);)
	return before(n) * 5;
}

NOINLINE int after(int n)
{
	if (n == 78)
		complain("after", n);
	return n + 3;
}
