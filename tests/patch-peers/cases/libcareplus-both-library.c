// SPDX-License-Identifier: MIT
// The library's half.
//: shared
//: replaced work
//: binds import:puts target:complaints import:printf
#include "../peers.h"

#include <stdio.h>

HIDDEN int complaints;

int work(int n)
{
	if (n == 3)
		printf("%d\n", n);
	NEW(puts("library");)
	return n + complaints;
}
