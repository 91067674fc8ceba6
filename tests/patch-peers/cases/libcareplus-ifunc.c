// SPDX-License-Identifier: MIT
// Calls of an IFUNC of the program, and of one of the C library.
//: flags -fno-builtin
//: replaced work
//: gcc binds slot:chosen import:memset target:trace
//: clang binds slot:chosen import:memset target:trace
#include "../peers.h"

#include <string.h>

static int fast(int n)
{
	return n + trace[0];
}

static int slow(int n)
{
	return n + trace[1];
}

static int (*resolve(void))(int)
{
	return sizeof(long) == 8 ? fast : slow;
}

int chosen(int n) __attribute__((ifunc("resolve")));

int work(int n)
{
	NEW(memset(trace, n, (n & 3) * 4);)
	return chosen(n) + chosen(trace[2]) OLD(+ 1);
}
