// SPDX-License-Identifier: MIT
// Objects without code yet.
//: new-flags -flto
//: refused 0704
#include "../peers.h"

int work(int n)
{
	return trace[0] + n * (OLD(3) NEW(5));
}
