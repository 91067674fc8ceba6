// SPDX-License-Identifier: MIT
// The cold part goes.
//: replaced work
//: binds
//: gcc needs old work\.cold
#include "../peers.h"

int work(int n)
{
	OLD(if (n < 0)
		complain("negative", n);)
	return n * 5;
}
