// SPDX-License-Identifier: MIT
/*
 * One program for all ways to build: what calls and branches do before and
 * after updates, and, in user.c, whether they do it the way that was asked for.
 *
 * usage: matrix generic|out-of-line|inline|any
 */
#include "matrix.h"
#include "../text/check.h"

static enum site_mode mode;

static void check_ints(void)
{
	CHECK_EQ(call_op(5, 3), 9);
	CHECK_EQ(tail_op(5, 3), 8);
	CHECK_EQ(cond_op(5, 3), 7);
	CHECK_EQ(cond_op(3, 5), 8);
	CHECK_EQ(user_failures(mode, add), 0);
	CHECK_EQ(inline_op(5, 3), 8);

	CHECK_EQ(rp_static_call_update(op, sub), 0);
	CHECK_EQ(rp_static_call_update(tail, sub), 0);
	CHECK_EQ(rp_static_call_update(condition, sub), 0);
	CHECK(rp_static_call_query(op) == sub);
	CHECK_EQ(call_op(5, 3), 3);
	CHECK_EQ(tail_op(5, 3), 2);
	CHECK_EQ(cond_op(5, 3), 7);
	CHECK_EQ(cond_op(3, 5), -2);
	CHECK_EQ(inline_op(5, 3), 2);
	CHECK_EQ(user_failures(mode, sub), 0);

	CHECK_EQ(rp_static_call_update(tail, RP_STATIC_CALL_RET0(add)), 0);
	CHECK_EQ(rp_static_call_update(condition, RP_STATIC_CALL_RET0(add)), 0);
	CHECK_EQ(tail_op(5, 3), 0);
	CHECK_EQ(cond_op(3, 5), 0);
	CHECK_EQ(cond_op(5, 3), 7);
}

static void check_many(void)
{
	CHECK_EQ(call_ten(), 55);
	CHECK_EQ(rp_static_call_update(ten, alt10), 0);
	CHECK_EQ(call_ten(), -5);
}

static void check_structs(void)
{
	CHECK_EQ(call_small(1, 2).a, 2);
	CHECK_EQ(call_big(10, 6).v[0], 15);
	CHECK_EQ(rp_static_call_update(small, keep_small), 0);
	CHECK_EQ(rp_static_call_update(big, same_big), 0);
	CHECK_EQ(call_small(1, 2).a, 1);
	CHECK_EQ(call_small(1, 2).b, 2);
	CHECK_EQ(call_big(10, 6).v[0], 16);
	CHECK_EQ(call_big(10, 6).v[5], 15);
}

static void check_floating(void)
{
	CHECK(call_mean(1, 2, 6) == 3);
	CHECK(call_all(2, 1.5, 2.25) == 3.75);
	CHECK_EQ(rp_static_call_update(floating, product), 0);
	CHECK_EQ(rp_static_call_update(variadic, last_of), 0);
	CHECK(call_mean(1.5, 2, 6) == 18);
	CHECK(call_all(2, 1.5, 2.25) == 2.25);
}

static int twice(int a)
{
	return 2 * a;
}

static void check_null(void)
{
	int evaluated = 0;

	CHECK(rp_static_call_query(maybe) == NULL);
	CHECK_EQ(call_cond(&evaluated), 1);
	CHECK_EQ(rp_static_call_update(maybe, twice), 0);
	CHECK_EQ(call_maybe(), 84);
	CHECK_EQ(call_cond(&evaluated), 2);
	CHECK_EQ(rp_static_call_update(maybe, RP_STATIC_CALL_RET0(twice)), 0);
	CHECK_EQ(call_maybe(), 0);
	CHECK_EQ(rp_static_call_update(maybe, NULL), 0);
	CHECK_EQ(call_cond(&evaluated), 3);
}

static void check_keys(void)
{
	CHECK_EQ(branches(), 4 | 8);
	CHECK_EQ(rp_static_key_enable(&off), 0);
	CHECK_EQ(branches(), 15);
	CHECK_EQ(inline_op(5, 3), 1000);
	CHECK_EQ(rp_static_key_disable(&on), 0);
	CHECK_EQ(branches(), 1 | 2);
	CHECK_EQ(rp_static_key_disable(&off), 0);
	CHECK_EQ(branches(), 0);
	CHECK_EQ(rp_static_key_enable(&on), 0);
	CHECK_EQ(branches(), 4 | 8);
	CHECK_EQ(inline_op(5, 3), 2);
}

int main(int argc, char **argv)
{
	static const char *const modes[] = {
		"generic", "out-of-line", "inline", "any"
	};

	for (int i = 0; argc == 2 && i < 4; i++)
		if (!strcmp(argv[1], modes[i]))
			mode = (enum site_mode)i;
	CHECK_EQ(call_boot(), 1);
	check_ints();
	check_many();
	check_structs();
	check_floating();
	check_null();
	check_keys();
	return check_status();
}
