// SPDX-License-Identifier: MIT
// Functions that begin with a landing pad: the detour is behind it.
//: flags -fcf-protection
//: replaced work
//: binds target:trace
//: detour 4
#include "../peers.h"

int work(int n)
{
	return trace[0] * (OLD(n) NEW(n + 1));
}
