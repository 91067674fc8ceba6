// SPDX-License-Identifier: MIT
// The address of a place in the function itself.
//: replaced work
//: binds target:last
#include "../peers.h"

void *last;

#define THIS_IP	({ __label__ here; here: &&here; })

NOINLINE int stays(int n)
{
	last = THIS_IP;
	return n + 1;
}

int work(int n)
{
	last = THIS_IP;
	return n * (OLD(3) NEW(5));
}
