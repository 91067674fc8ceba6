// SPDX-License-Identifier: MIT
/* Are the patchlets found, whole, and used for the functions they belong to? */
#include "../text/check.h"
#include "patchlet.h"

static int add4(int x)
{
	return x + 4;
}

RP_OP_PATCHLET(add4, plus14);

static void bind_all(enum rp_ops_binding how)
{
	CHECK_EQ(a_bind(how), 0);
	CHECK_EQ(b_bind(how), 0);
	CHECK_EQ(rp_object_bind_ops(&rp__object, &patchlet_table, how, NULL),
		 0);
}

static void check_calls(int more)
{
	CHECK_EQ(a_call(5), 6 + more);
	CHECK_EQ(b_call(5), 7 + more);
	CHECK_EQ(table_f(5), 8 + more);
	CHECK_EQ(table_g(5), 8 + more);
	CHECK_EQ(a_direct(5), 101);
}

/* Bounds are symbols: of the length of what is between them. */
static void check_records(void)
{
	const struct rp_patchlet *p = rp__object.patchlets;
	int nr = 0, length = 0;

	for (; p < rp__object.patchlets_end; p++, nr++)
		length += (int)((intptr_t)&p->end + p->end -
				((intptr_t)&p->start + p->start));
	CHECK_EQ(nr, 5);
	CHECK_EQ(length, 3 + 3 + 3 + 2 + 5);
	CHECK_EQ(rp__object.op_patchlets_end - rp__object.op_patchlets, 5);
}

int main(void)
{
	check_records();
	check_calls(0);
	bind_all(RP_OPS_BIND);
	check_calls(10);
	rp_op_set(patchlet_table, f, other_add);
	rp_op_set(patchlet_table, g, add4);
	bind_all(RP_OPS_REBIND);
	CHECK_EQ(table_f(5), 18);
	CHECK_EQ(table_g(5), 9);
	bind_all(RP_OPS_BIND_FINAL);
	CHECK_EQ(table_f(5), 18);
	CHECK_EQ(table_g(5), 19);
	bind_all(RP_OPS_UNBIND);
	rp_op_set(patchlet_table, g, global_add);
	check_calls(0);
	return check_status();
}
