// SPDX-License-Identifier: MIT
/* Uses the keys, and looks at what its own calls have become. */
#include "matrix.h"
#include "../text/check.h"

SITE_SECTION(op);
SITE_SECTION(tail);
SITE_SECTION(cond);

__attribute__((constructor(101))) static void early(void)
{
	CHECK_EQ(rp_static_call_update(boot, booted), 0);
}

IN_SECTION(op) int call_op(int a, int b)
{
	return rp_static_call(op)(a, b) + 1;
}

IN_SECTION(tail) int tail_op(int a, int b)
{
	return rp_static_call(tail)(a, b);
}

IN_SECTION(cond) int cond_op(int a, int b)
{
	if (a < b)
		return rp_static_call(condition)(a, b);
	return 7;
}

NOINLINE long call_ten(void)
{
	return rp_static_call(ten)(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
}

NOINLINE struct small call_small(int a, int b)
{
	struct small s = { a, b };

	return rp_static_call(small)(s);
}

NOINLINE struct big call_big(long first, int n)
{
	struct big s;

	for (int i = 0; i < 6; i++)
		s.v[i] = first + i;
	return rp_static_call(big)(s, n);
}

NOINLINE double call_mean(double a, float b, int c)
{
	return rp_static_call(floating)(a, b, c);
}

NOINLINE double call_all(int n, double a, double b)
{
	return rp_static_call(variadic)(n, a, b);
}

NOINLINE int call_cond(int *evaluated)
{
	rp_static_call_cond(maybe)(++*evaluated);
	return *evaluated;
}

NOINLINE int call_maybe(void)
{
	return rp_static_call(maybe)(42);
}

NOINLINE int call_boot(void)
{
	return rp_static_call(boot)();
}

NOINLINE int branches(void)
{
	int taken = 0;

	if (rp_static_branch_unlikely(&off))
		taken |= 1;
	if (rp_static_branch_likely(&off))
		taken |= 2;
	if (rp_static_branch_unlikely(&on))
		taken |= 4;
	if (rp_static_branch_likely(&on))
		taken |= 8;
	return taken;
}

/* The branches are patched, not only right. */
static void check_branches(enum site_mode mode)
{
	const struct rp_static_key_site *site = rp__object.key_sites;
	int jumps = 0, nops = 0;

	for (; site < rp__object.key_sites_end; site++) {
		const uint8_t *code = (const uint8_t *)&site->code + site->code;

		jumps += *code == 0xe9;
		nops += *code == 0x0f;
	}
	if (mode == SITE_GENERIC)
		CHECK_EQ(jumps + nops, 0);
	else
		CHECK(jumps >= 2 && nops >= 2);
}

int user_failures(enum site_mode mode, int (*func)(int, int))
{
	CHECK(SITE_EXPECT(mode, op, op, func));
	CHECK(SITE_EXPECT(mode, tail, tail, func));
	CHECK(SITE_EXPECT(mode, cond, condition, func));
	check_branches(mode);
	return check_failures;
}
