// SPDX-License-Identifier: MIT
#include "../peers.h"

__asm__(".file \"same.c\"");

static int state = 4;

static NOINLINE int helper(int n)
{
	return n ^ state++;
}

NOINLINE int other(int n)
{
	return trace[1] + helper(n NEW(- state));
}
