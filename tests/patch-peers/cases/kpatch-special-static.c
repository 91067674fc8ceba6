// SPDX-License-Identifier: MIT
// __func__ and a variable that a macro makes do not stand for themselves.
//: replaced work
//: gcc binds target:complain target:kpatch-special-static.c:warned.* target:kpatch-special-static.c:helper
//: clang binds target:complain target:kpatch-special-static.c:work.warned target:kpatch-special-static.c:helper
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

int work(int n)
{
	WARN_ONCE(n > 7 NEW(&& n < 70));
	return helper(n);
}
