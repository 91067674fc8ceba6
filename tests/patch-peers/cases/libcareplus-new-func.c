// SPDX-License-Identifier: MIT
// A new exported function, called through the program's code only.
//: replaced work
//: added fresh
//: binds target:trace
#include "../peers.h"

NEW(NOINLINE int fresh(int n)
{
	return n + trace[1];
})

int work(int n)
{
	return trace[0] + (OLD(n) NEW(fresh(n)));
}
