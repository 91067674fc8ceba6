// SPDX-License-Identifier: MIT
// Only the hot part changes: both parts are one function.
//: replaced work
//: binds target:complain
//: gcc needs old work\.cold
#include "../peers.h"

int work(int n)
{
	if (n < 0)
		complain("negative", n);
	return n * (OLD(5) NEW(7));
}
