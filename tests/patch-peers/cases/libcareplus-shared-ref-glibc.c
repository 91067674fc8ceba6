// SPDX-License-Identifier: MIT
// A library that calls the C library as it did not before.
//: shared
//: replaced work
//: binds import:strtol import:puts
#include "../peers.h"

#include <stdio.h>
#include <stdlib.h>

int work(int n)
{
	puts("library");
	return n NEW(+ strtol("12", NULL, n));
}
