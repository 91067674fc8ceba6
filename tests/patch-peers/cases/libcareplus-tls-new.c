// SPDX-License-Identifier: MIT
// A new thread-local variable: threads that live have no room for it.
//: refused 0712 fresh
#include "../peers.h"

NEW(static __thread int fresh;)

int work(int n)
{
	NEW(n += fresh++;)
	return n + trace[0];
}
