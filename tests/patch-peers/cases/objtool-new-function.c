// SPDX-License-Identifier: MIT
// New functions that call each other, and old ones.
//: replaced work
//: added even odd
//: binds target:trace target:plain_call
#include "../peers.h"

NEW(NOINLINE static int odd(int n);

NOINLINE static int even(int n)
{
	return n <= 0 ? 1 : trace[0] + odd(plain_call(n) - 9);
}

NOINLINE static int odd(int n)
{
	return n <= 0 ? 0 : trace[1] - even(plain_call(n) - 9);
})

int work(int n)
{
	return trace[2] + (OLD(n) NEW(even(n)));
}
