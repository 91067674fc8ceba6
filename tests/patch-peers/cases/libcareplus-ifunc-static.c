// SPDX-License-Identifier: MIT
// A static IFUNC has two symbols, of which the resolver's is not what is called.
//: replaced work
//: gcc binds slot:libcareplus-ifunc-static.c:resolve target:trace
//: clang binds slot:chosen target:trace
#include "../peers.h"

static int fast(int n)
{
	return n + trace[1];
}

static int (*resolve(void))(int)
{
	return fast;
}

static int chosen(int n) __attribute__((ifunc("resolve")));

int work(int n)
{
	return trace[0] + chosen(n NEW(+ 4));
}
