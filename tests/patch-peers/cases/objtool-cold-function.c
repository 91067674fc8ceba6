// SPDX-License-Identifier: MIT
// A function that is cold as a whole.
//: replaced rarely
//: binds target:progress
#include "../peers.h"

COLD int rarely(int n)
{
	progress = OLD("seldom") NEW("rarely");
	return n;
}

int work(int n)
{
	return n > 4 ? rarely(n) : n;
}
