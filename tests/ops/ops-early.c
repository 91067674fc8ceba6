// SPDX-License-Identifier: MIT
/* Bound before any constructor ran, the library's own included. */
#include "../text/check.h"

#include <repoint/ops.h>

#include "early.h"

static int preinit_found, preinit_bind, preinit_direct;

static void preinit(void)
{
	preinit_found = early_call(5);
	preinit_bind = rp_ops_bind(&early);
	preinit_direct = early_is_direct() && early_call(5) == 6;
}

__attribute__((section(".preinit_array"), used))
static void (*preinit_entry)(void) = preinit;

static int first_found, first_bind, first_direct;

/* Linked before the file with the table: its constructor runs first. */
__attribute__((constructor(101))) static void first(void)
{
	first_found = early_call(5);
	rp_op_set(early, f, early_add2);
	first_bind = rp_ops_rebind(&early);
	first_direct = early_is_direct() && early_call(5) == 7;
}

int main(void)
{
	CHECK_EQ(preinit_found, 6);
	CHECK_EQ(preinit_bind, 0);
	CHECK(preinit_direct);
	CHECK_EQ(first_found, 6);
	CHECK_EQ(first_bind, 0);
	CHECK(first_direct);
	CHECK(early_is_direct());
	CHECK_EQ(early_call(5), 7);
	CHECK_EQ(rp_ops_unbind(&early), 0);
	CHECK(!early_is_direct());
	CHECK_EQ(early_call(5), 7);
	return check_status();
}
