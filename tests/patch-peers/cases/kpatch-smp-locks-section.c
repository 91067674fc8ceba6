// SPDX-License-Identifier: MIT
// A table of instructions, with which code is changed at start: the new code is
// as the compiler wrote it. (Of a place behind the first instruction it would not be.)
//: gcc replaced work
//: clang refused 0708 smp_locks
//: gcc binds target:trace
#include "../peers.h"

int work(int n)
{
	__asm__ volatile(".pushsection .smp_locks, \"a\"\n"
			 ".balign 4\n"
			 ".long 671f - .\n"
			 ".popsection\n"
			 "671:	lock; addl %1, %0"
			 : "+m"(trace[0])
			 : "r"(n));
	return trace[0] + (OLD(1) NEW(2));
}
