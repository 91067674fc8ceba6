// SPDX-License-Identifier: MIT
#include "../peers.h"

NEW(int between(int n)
{
	return n ^ limit;
})

NOINLINE int other(int n)
{
	return trace[2] * (OLD(n) NEW(limit));
}
