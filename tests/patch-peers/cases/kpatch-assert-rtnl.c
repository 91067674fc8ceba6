// SPDX-License-Identifier: MIT
// A warning that is given once, above and below a change: only the change counts.
//: replaced changed
//: gcc binds target:complain target:kpatch-assert-rtnl.c:warned.*
//: clang binds target:complain target:kpatch-assert-rtnl.c:changed.warned
#include "../peers.h"

#define ASSERT_ONCE(x) ({						\
	static _Bool warned;						\
	if (!(x) && !warned) {						\
		warned = 1;						\
		complain(#x, __LINE__);					\
	}								\
})

NOINLINE int above(int n)
{
	ASSERT_ONCE(n < 100);
	return n + 1;
}

NOINLINE int changed(int n)
{
	NEW(
	if (n < 0)
		return 0;
	)
	ASSERT_ONCE(n < 200);
	return n + 2;
}

int work(int n)
{
	ASSERT_ONCE(n < 300);
	return above(n) + changed(n);
}
