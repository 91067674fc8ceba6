// SPDX-License-Identifier: MIT
// New data, and a pointer to data of the program in it.
//: replaced work
//: gcc data state.* links
//: clang data work.state links
//: binds target:limit target:trace
#include "../peers.h"

NEW(int *links[] = { &limit, trace, trace + 2 };)

int work(int n)
{
	NEW(static int state;

	state += *links[n % 3];
	n += state;
	links[0] = trace;)
	return n + trace[1];
}
