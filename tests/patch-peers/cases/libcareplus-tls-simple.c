// SPDX-License-Identifier: MIT
// Thread-local variables of the program.
//: replaced work
//: binds tls:depth tls:libcareplus-tls-simple.c:errors
#include "../peers.h"

__thread int depth = 2;
static __thread int errors;

NOINLINE void failed(void)
{
	errors++;
}

int work(int n)
{
	depth += n;
	NEW(if (errors)
		depth += errors;)
	return depth;
}
