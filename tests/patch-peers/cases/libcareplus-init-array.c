// SPDX-License-Identifier: MIT
// A new constructor would not run.
//: refused 0722
#include "../peers.h"

NEW(__attribute__((constructor)) static void set_up(void)
{
	trace[0] = 4;
})

int work(int n)
{
	return n + trace[OLD(1) NEW(2)];
}
