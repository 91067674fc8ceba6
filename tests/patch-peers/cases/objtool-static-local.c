// SPDX-License-Identifier: MIT
// A static local of a function that changes, and one of a function that does not.
//: replaced work
//: gcc binds target:objtool-static-local.c:calls.* target:limit target:objtool-static-local.c:helper
//: clang binds target:objtool-static-local.c:work.calls target:limit target:objtool-static-local.c:helper
#include "../peers.h"

static NOINLINE int helper(int n)
{
	static int calls;

	return n ^ calls++;
}

int work(int n)
{
	static int calls;

	calls += n;
	NEW(calls += limit;)
	return helper(calls);
}
