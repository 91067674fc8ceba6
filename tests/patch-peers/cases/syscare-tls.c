// SPDX-License-Identifier: MIT
// Thread-local variables in both of a program's models.
//: flags -ftls-model=initial-exec
//: replaced work
//: binds tls:depth target:trace
#include "../peers.h"

__thread int depth;

int work(int n)
{
	depth++;
	NEW(depth += trace[1];)
	return depth + n;
}
