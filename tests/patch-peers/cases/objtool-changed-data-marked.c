// SPDX-License-Identifier: MIT
// The same, when the fix says what is meant.
//: replaced
//: set ratio
//: binds target:ratio
#include "../peers.h"

#include <repoint/livepatch.h>

int ratio = OLD(3) NEW(4);
NEW(RP_LIVEPATCH_SET(ratio);)

NOINLINE void set_ratio(int n)
{
	ratio = n;
}

int work(int n)
{
	return n * ratio;
}
