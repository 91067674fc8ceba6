// SPDX-License-Identifier: MIT
// One function.
//: replaced work
//: binds target:limit
#include "../peers.h"

int work(int n)
{
	return limit + (OLD(n) NEW(n + 1));
}
