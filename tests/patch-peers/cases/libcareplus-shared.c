// SPDX-License-Identifier: MIT
// A library, with an exported function that others may replace.
//: shared
//: replaced work
//: binds import:exported target:libcareplus-shared.c:state
#include "../peers.h"

static int state = 4;

NOINLINE int exported(int n)
{
	return n + state++;
}

int work(int n)
{
	NEW(n += exported(n + 1);)
	return exported(n) * state;
}
