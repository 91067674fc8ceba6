// SPDX-License-Identifier: MIT
// Macros in the debug information, in COMDAT groups.
//: flags -g3
//: replaced work
//: binds target:trace
#include "../peers.h"

#include <stdio.h>

int work(int n)
{
	return trace[0] + n * (OLD(3) NEW(5));
}
