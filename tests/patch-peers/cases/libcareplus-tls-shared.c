// SPDX-License-Identifier: MIT
// Thread-local variables of a library: the model is the dynamic one.
//: shared
//: replaced work
//: binds tls:libcareplus-tls-shared.c:errors tls:depth import:__tls_get_addr
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
