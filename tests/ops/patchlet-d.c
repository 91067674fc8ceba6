// SPDX-License-Identifier: MIT
/* Patchlets alone, of functions of other files; and the table of the program. */
#include "patchlet.h"

__asm__(RP_PATCHLET(plus13, RP_CLOBBER_RAX)
	"leal 13(%rdi), %eax"
	RP_PATCHLET_END(plus13));

/* Asm around it: none of it may come in between. */
__asm__(".pushsection .text.unrelated,\"ax\",@progbits\n\t"
	"ud2\n\t"
	".popsection");

__asm__(RP_PATCHLET(unused, 0) "pause" RP_PATCHLET_END(unused));

RP_DEFINE_OPS(struct patchlet_ops, patchlet_table, global_add, global_add);

int table_f(int x)
{
	int ret;

	CALL(ret, patchlet_table, f, x);
	return ret;
}

int table_g(int x)
{
	int ret;

	CALL(ret, patchlet_table, g, x);
	return ret;
}
