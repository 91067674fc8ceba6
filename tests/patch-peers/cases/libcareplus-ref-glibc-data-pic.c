// SPDX-License-Identifier: MIT
// The same, compiled for any address.
//: flags -fPIC
//: replaced work
//: binds target:trace import:stderr import:fprintf
#include "../peers.h"

#include <stdio.h>

int work(int n)
{
	NEW(fprintf(stderr, "%d and %d\n", n, n);)
	return trace[0] + n;
}
