// SPDX-License-Identifier: MIT
// C and C++ in one program.
//: with syscare-mixed-2.cc
//: ld -lstdc++
//: replaced work other
//: binds target:trace target:limit
#include "../peers.h"

int other(int n);

int work(int n)
{
	return trace[0] + other(OLD(n) NEW(limit));
}
