// SPDX-License-Identifier: MIT
// An entry across a boundary of pages.
//: replaced work
//: binds target:trace
#include "../peers.h"

__asm__(".pushsection .text.crossing, \"ax\"\n"
	".balign 4096\n"
	".skip 4094, 0xcc\n"
	".popsection");

__attribute__((section(".text.crossing"), aligned(1))) int work(int n)
{
	return trace[0] * (OLD(n) NEW(n + 1));
}
