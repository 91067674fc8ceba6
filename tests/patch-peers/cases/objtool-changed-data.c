// SPDX-License-Identifier: MIT
// The initial value of a variable changes.
//: refused 0706 ratio
#include "../peers.h"

int ratio = OLD(3) NEW(4);

NOINLINE void set_ratio(int n)
{
	ratio = n;
}

int work(int n)
{
	return n * ratio;
}
