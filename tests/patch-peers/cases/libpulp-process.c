// SPDX-License-Identifier: MIT
// A program at a fixed address.
//: flags -fno-pie
//: ld -no-pie
//: replaced work
//: binds target:trace target:libpulp-process.c:state import:puts
#include "../peers.h"

#include <stdio.h>

static int state = 9;

int work(int n)
{
	NEW(puts("process");)
	return trace[0] + state++ + n;
}
