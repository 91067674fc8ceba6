// SPDX-License-Identifier: MIT
// A table of places in functions that somebody walks: the replacement's places
// would not be in it.
//: refused 0708 bug_table
#include "../peers.h"

extern const int __start_bug_table[] WEAK, __stop_bug_table[] WEAK;

#define BUG_ENTRY(line)							\
	__asm__ volatile("1:\n"						\
			 ".pushsection bug_table, \"a\"\n"		\
			 "	.long	1b - .\n"			\
			 "	.long	%c0\n"				\
			 ".popsection" : : "i"(line))

NOINLINE int walk(void)
{
	return __stop_bug_table - __start_bug_table;
}

int work(int n)
{
	if (n > 100) {
		BUG_ENTRY(1);
		complain("bug", OLD(1) NEW(2));
	}
	return n;
}
