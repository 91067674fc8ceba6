// SPDX-License-Identifier: MIT
// What the linker has thrown away is not there to be called: it is not taken
// from an object of which it is not known whether it still is what ran.
//: ld -Wl,--gc-sections
//: flags -ffunction-sections -fdata-sections
//: refused 0714 unused
#include "../peers.h"

int unused_state = 7;

NOINLINE int unused(int n)
{
	return n * unused_state++;
}

int work(int n)
{
	return trace[0] + (OLD(n) NEW(unused(n)));
}
