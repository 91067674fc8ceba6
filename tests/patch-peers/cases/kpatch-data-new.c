// SPDX-License-Identifier: MIT
// New variables: with a value, without, constant.
//: replaced work
//: data fresh cleared
//: binds target:limit
#include "../peers.h"

NEW(int fresh = 42;
static int cleared[8];
const short weights[4] = { 3, 1, 4, 1 };)

int work(int n)
{
	NEW(fresh += cleared[n & 7]++;
	n += weights[n & 3] + fresh;)
	return n + limit;
}
