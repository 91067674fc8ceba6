// SPDX-License-Identifier: MIT
// A new function that is only pointed to.
//: replaced work
//: added compare
//: binds import:qsort target:trace
#include "../peers.h"

#include <stdlib.h>

NEW(static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
})

int work(int n)
{
	NEW(qsort(trace, 4, sizeof(*trace), compare);)
	return trace[n & 3];
}
