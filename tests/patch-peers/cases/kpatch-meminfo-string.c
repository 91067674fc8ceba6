// SPDX-License-Identifier: MIT
// One string changes, and nothing else.
//: replaced work
//: binds target:complain target:limit
#include "../peers.h"

int work(int n)
{
	complain(OLD("MemTotal") NEW("MemTotal:"), n);
	complain("MemFree", limit);
	return n;
}
