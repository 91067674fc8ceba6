// SPDX-License-Identifier: MIT
// Addends that lead out of the variable that they are relative to.
//: replaced work
//: binds target:kpatch-zero-page-rela.c:window
#include "../peers.h"

static int window[16];

NOINLINE void fill(int n)
{
	for (int i = 0; i < 16; i++)
		window[i] = n + i;
}

int work(int n)
{
	return window[n - 1000] + (OLD(1) NEW(window[n + 5000]));
}
