// SPDX-License-Identifier: MIT
// Code that a function keeps in a section for what goes wrong, with a table of
// where: the function cannot be replaced without it.
//: refused 0708
#include "../peers.h"

int work(int n)
{
	int sum = OLD(1) NEW(2);

	__asm__ volatile("1:	addl	%1, %0\n"
			 "2:\n"
			 ".pushsection .text.fixup, \"ax\"\n"
			 "3:	movl	$-1, %0\n"
			 "	jmp	2b\n"
			 ".popsection\n"
			 ".pushsection .fixup_table, \"a\"\n"
			 "	.long	1b - .\n"
			 "	.long	3b - .\n"
			 ".popsection"
			 : "+r"(sum)
			 : "r"(n));
	return sum;
}
