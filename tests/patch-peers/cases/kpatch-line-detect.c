// SPDX-License-Identifier: MIT
// Lines move, and with them numbers that are passed on: no change.
//: nothing
#include "../peers.h"

#define CHECK(x)	((x) ? (void)0 : give_up(#x, __LINE__))
#ifdef PATCHED
/*
 * Nothing but lines.
 */
#endif

int work(int n)
{
	CHECK(n < 1000);
	CHECK(n > -1000);
	return n * 2;
}
