// SPDX-License-Identifier: MIT
// A function that is only there because of the fix has such variables of its own.
//: replaced work
//: added fresh
//: gcc data warned.*
//: clang data fresh.warned
//: gcc binds target:complain target:kpatch-special-static-2.c:helper target:trace
//: clang binds target:complain target:kpatch-special-static-2.c:helper target:trace
#include "../peers.h"

#define WARN_ONCE(x) ({							\
	static _Bool warned;						\
	if ((x) && !warned) {						\
		warned = 1;						\
		complain(__func__, 1);					\
	}								\
})

static NOINLINE int helper(int n)
{
	WARN_ONCE(n > 5);
	return n;
}

NEW(static NOINLINE int fresh(int n)
{
	WARN_ONCE(n > 6);
	return n * 3;
})

int work(int n)
{
	return trace[1] + helper(n) NEW(+ fresh(n));
}
