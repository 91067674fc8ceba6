// SPDX-License-Identifier: MIT
// The least that there is: what is printed.
//: replaced work
//: binds import:puts
#include "../peers.h"

#include <stdio.h>

int work(int n)
{
	puts(OLD("UNPATCHED") NEW("PATCHED"));
	return n;
}
