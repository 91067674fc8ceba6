// SPDX-License-Identifier: MIT
// Assembly in a function.
//: replaced work
//: binds target:trace
#include "../peers.h"

int work(int n)
{
	int out;

	__asm__("leal 3(%1,%1), %0\n\t" NEW("addl $4, %0") : "=r"(out) : "r"(n));
	return out + trace[0];
}
