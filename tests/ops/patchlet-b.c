// SPDX-License-Identifier: MIT
/* A static function, with a patchlet in patchlet-code.S. */
#include "patchlet.h"

static __attribute__((noinline)) int add(int x)
{
	return x + 2;
}

RP_OP_PATCHLET(add, plus12);

RP_DEFINE_STATIC_OPS(struct patchlet_ops, local, add, add);

int b_call(int x)
{
	int ret;

	CALL(ret, local, f, x);
	return ret;
}

int b_bind(enum rp_ops_binding how)
{
	return rp_object_bind_ops(&rp__object, &local, how, NULL);
}
