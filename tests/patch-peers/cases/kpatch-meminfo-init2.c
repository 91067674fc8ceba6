// SPDX-License-Identifier: MIT
// A changed constructor.
//: refused 0709
#include "../peers.h"

__attribute__((constructor)) USED static void init(void)
{
	limit = OLD(11) NEW(12);
}

int work(int n)
{
	return n + limit;
}
