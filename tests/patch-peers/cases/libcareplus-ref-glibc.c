// SPDX-License-Identifier: MIT
// A function of the C library that the program did not call.
//: replaced work
//: binds target:trace import:strspn
#include "../peers.h"

#include <string.h>

int work(int n)
{
	return trace[0] + n NEW(+ strspn((const char *)trace, "abc"));
}
