// SPDX-License-Identifier: MIT
// Variables in a section of their own stay the program's.
//: replaced work
//: binds target:kpatch-data-read-mostly.c:rate target:ready
#include "../peers.h"

#define READ_MOSTLY	__attribute__((section(".data.read_mostly")))

static READ_MOSTLY int rate = 3;
int ready READ_MOSTLY = 1;

NOINLINE void set(int n)
{
	rate = n;
}

int work(int n)
{
	NEW(if (!ready)
		return 0;)
	return n * rate;
}
