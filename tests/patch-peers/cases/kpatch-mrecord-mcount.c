// SPDX-License-Identifier: MIT
// Room for patching in front of and in each function, and a table of it.
//: flags -fpatchable-function-entry=16,14
//: replaced work
//: binds target:stays
#include "../peers.h"

NOINLINE int stays(int n)
{
	return n + limit;
}

int work(int n)
{
	return stays(n) OLD(+) NEW(*) 3;
}
