// SPDX-License-Identifier: MIT
// Only the cold part changes, so the other one has to come along.
//: replaced work
//: binds target:complain
//: gcc needs old work\.cold
#include "../peers.h"

int work(int n)
{
	if (n < 0)
		complain("negative", OLD(1) NEW(2));
	return n * 5;
}
