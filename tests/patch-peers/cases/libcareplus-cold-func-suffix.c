// SPDX-License-Identifier: MIT
// Cold parts with a suffix, of static functions and of several at once.
//: needs old helper\.cold
//: gcc
//: replaced helper
//: binds target:complain target:trace target:give_up
#include "../peers.h"

static NOINLINE int helper(int n)
{
	if (n < 0)
		complain("negative", n);
	if (n > 1000)
		give_up(OLD("large") NEW("too large"), n);
	return n * trace[0];
}

int work(int n)
{
	if (n == 77)
		complain("work", n);
	return helper(n) + trace[1];
}
