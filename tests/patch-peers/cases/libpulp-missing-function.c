// SPDX-License-Identifier: MIT
// The function is not in the binary.
//: ld -Wl,--gc-sections
//: flags -ffunction-sections
//: nothing
#include "../peers.h"

NOINLINE int unused(int n)
{
	return trace[n & 3] * (OLD(3) NEW(4));
}

int work(int n)
{
	return trace[0] + n;
}
