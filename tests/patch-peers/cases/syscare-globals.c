// SPDX-License-Identifier: MIT
// Global variables are read and written, and there is a new one.
//: replaced work
//: data fresh hidden_fresh
//: binds target:limit target:progress target:state
#include "../peers.h"

int state = 3;
NEW(int fresh = 8;
static int hidden_fresh[4];)

int work(int n)
{
	NEW(progress = "global";
	state = limit + n;
	hidden_fresh[n & 3] = fresh++;
	limit = hidden_fresh[state & 3];)
	return n + state;
}
