// SPDX-License-Identifier: MIT
// Profiling: a call in front of each function, and a table of these calls.
//: flags -pg -mfentry -mrecord-mcount -fno-pie
//: ld -pg -no-pie
//: gcc
//: replaced work
//: binds import:__fentry__ target:limit
#include "../peers.h"

NOINLINE int stays(int n)
{
	return n + limit;
}

int work(int n)
{
	return n OLD(+) NEW(*) limit;
}
