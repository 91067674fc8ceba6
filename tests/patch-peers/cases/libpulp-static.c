// SPDX-License-Identifier: MIT
// A program without any library: nothing is imported.
//: ld -no-pie -static
//: flags -fno-pie
//: replaced work
//: binds target:trace target:printf
#include "../peers.h"

#include <stdio.h>

int work(int n)
{
	NEW(printf("process %d\n", n);)
	return trace[0] + n;
}
