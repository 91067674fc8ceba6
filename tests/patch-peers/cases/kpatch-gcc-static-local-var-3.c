// SPDX-License-Identifier: MIT
// Static locals of one name in several functions, and a new one in front of
// them that takes their numbers.
//: replaced work
//: clang data early.count
//: gcc data count.1
//: gcc binds target:kpatch-gcc-static-local-var-3.c:count.1 target:kpatch-gcc-static-local-var-3.c:second
//: clang binds target:kpatch-gcc-static-local-var-3.c:work.count target:kpatch-gcc-static-local-var-3.c:second
#include "../peers.h"

NEW(static INLINE int early(int n)
{
	static int count;

	return count += n;
})

static NOINLINE int second(int n)
{
	static int count = 2;

	return count += n;
}

int work(int n)
{
	static int count = 1;

	NEW(n = early(n);)
	count += second(n);
	return count;
}
