// SPDX-License-Identifier: MIT
/* The table of ops-early.c, and the only site. */
#include "early.h"

static int add1(int x)
{
	return x + 1;
}

int early_add2(int x)
{
	return x + 2;
}

RP_DEFINE_OPS(struct early_table, early, .f = add1);

int early_call(int x)
{
	int ret;

	rp_op_asm(early, f, RP_OUTPUTS("=a" (ret), "+D" (x)), RP_NONE,
		  RP_CLOBBERS("rcx", "rdx", "rsi", "r8", "r9", "r10", "r11",
			      RP_CLOBBERS_FP));
	return ret;
}

int early_is_direct(void)
{
	const struct rp_op_site *record = rp__object.op_sites;
	const uint8_t *site = (const uint8_t *)&record->code + record->code;

	return site[0] == 0x2e && site[1] == 0xe8;
}
