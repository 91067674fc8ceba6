// SPDX-License-Identifier: MIT
/* A static function, with a patchlet in this file. */
#include "patchlet.h"

__asm__(RP_PATCHLET(plus11, RP_CLOBBER_RAX)
	"leal 11(%rdi), %eax"
	RP_PATCHLET_END(plus11));

/* patchlet-b.c has one of this name, too: LTO renames one of them. */
static __attribute__((noinline)) int add(int x)
{
	return x + 1;
}

RP_OP_PATCHLET(add, plus11);

RP_DEFINE_STATIC_OPS(struct patchlet_ops, local, add, add);

int a_call(int x)
{
	int ret;

	CALL(ret, local, f, x);
	return ret;
}

/* With a constant, of which compilers make a clone. */
int a_direct(int x)
{
	return x ? add(100) : add(200);
}

int a_bind(enum rp_ops_binding how)
{
	return rp_object_bind_ops(&rp__object, &local, how, NULL);
}
