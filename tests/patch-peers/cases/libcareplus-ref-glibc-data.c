// SPDX-License-Identifier: MIT
// Data of the C library that the program did not refer to: within reach of GCC's
// code for programs only if the program has a copy, and this one has none.
//: gcc refused 0721 stderr
//: clang replaced work
//: clang binds target:trace import:stderr import:fprintf
#include "../peers.h"

#include <stdio.h>

int work(int n)
{
	NEW(fprintf(stderr, "%d and %d\n", n, n);)
	return trace[0] + n;
}
