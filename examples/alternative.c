// SPDX-License-Identifier: MIT
/* The example of docs/alternatives.md. */
#include <repoint/alternative.h>
#include <stdio.h>

static __attribute__((noinline)) unsigned long count_bits(unsigned long x)
{
	unsigned long n;

	rp_alternative_io("xorl %%eax, %%eax\n"
			  "1:\ttestq %%rdi, %%rdi\n\t"
			  "jz 2f\n\t"
			  "leaq -1(%%rdi), %%rdx\n\t"
			  "andq %%rdx, %%rdi\n\t"
			  "incq %%rax\n\t"
			  "jmp 1b\n"
			  "2:",
			  "popcntq %%rdi, %%rax", RP_FEATURE_POPCNT,
			  RP_OUTPUTS("=&a" (n), "+D" (x)), RP_NONE,
			  RP_CLOBBERS("rdx", "cc"));
	return n;
}

int main(int argc, char **argv)
{
	(void)argv;
	printf("%lu\n", count_bits(0xfffe + (unsigned long)argc));
	return 0;
}
