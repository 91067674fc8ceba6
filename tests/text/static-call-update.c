// SPDX-License-Identifier: MIT
/*
 * A call calls what was set last, before and after any number of updates. There
 * is nothing else to patch in this object.
 */
#include "site.h"
#include "check.h"

static int add(int a, int b)
{
	return a + b;
}

static int sub(int a, int b)
{
	return a - b;
}

static int mul(int a, int b)
{
	return a * b;
}

RP_DEFINE_STATIC_CALL(op, add);

SITE_SECTION(compute);

IN_SECTION(compute) static int compute(int a, int b)
{
	return rp_static_call(op)(a, b) * 10;
}

static void check_sites(int (*func)(int, int))
{
	CHECK(SITE_EXPECT(TEST_MODE, compute, op, func));
#if RP__HAVE_TRAMPOLINE
	CHECK(site_tramp_is_patched(site_tramp(op), (const void *)func));
#else
	(void)func;
#endif
}

int main(void)
{
	check_sites(add);
	CHECK_EQ(compute(5, 3), 80);
	CHECK_EQ(rp_static_call_update(op, sub), 0);
	CHECK_EQ(compute(5, 3), 20);
	check_sites(sub);
	CHECK_EQ(rp_static_call_update(op, mul), 0);
	CHECK_EQ(compute(5, 3), 150);
	/* The same again changes nothing. */
	CHECK_EQ(rp_static_call_update(op, mul), 0);
	CHECK_EQ(compute(5, 3), 150);
	for (int i = 0; i < 1000; i++) {
		CHECK_EQ(rp_static_call_update(op, i & 1 ? add : sub), 0);
		CHECK_EQ(compute(5, 3), i & 1 ? 80 : 20);
	}
	return check_status();
}
