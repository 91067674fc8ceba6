// SPDX-License-Identifier: MIT
// The program's half of a fix in a program and a library.
//: replaced work
//: binds target:trace import:puts
#include "../peers.h"

#include <stdio.h>

int work(int n)
{
	NEW(puts("program");)
	return n + trace[0];
}
