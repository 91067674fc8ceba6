// SPDX-License-Identifier: MIT
// A function gets a cold part.
//: replaced work
//: binds target:complain target:trace
//: gcc needs new work\.cold
#include "../peers.h"

int work(int n)
{
	NEW(if (n < 0) {
		complain("negative", n);
		return -1;
	})
	return n * 5 + trace[1];
}
