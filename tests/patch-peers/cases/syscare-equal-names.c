// SPDX-License-Identifier: MIT
// Two files have static functions and variables of equal names, and equal file
// names in the symbol table: told apart by their unit.
//: with syscare-equal-names-2.c
//: replaced other work
//: binds target:trace target:same.c:helper target:same.c:helper target:same.c:state target:same.c:state
#include "../peers.h"

__asm__(".file \"same.c\"");

int other(int n);

static int state = 3;

static NOINLINE int helper(int n)
{
	return n * state++;
}

int work(int n)
{
	return trace[0] + helper(n NEW(+ state)) + other(n);
}
