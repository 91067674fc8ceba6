// SPDX-License-Identifier: MIT
// The same, with a change: bindings are those of the program.
//: gcc
//: flags -g0
//: assembler-old clang
//: replaced work
//: binds target:kpatch-secsym.c:helper target:kpatch-secsym.c:rate
#include "../peers.h"

static int rate = 3;

static NOINLINE int helper(int n)
{
	static int calls;

	return n * rate++ + calls++;
}

int work(int n)
{
	return helper(n NEW(+ 1)) + rate;
}
