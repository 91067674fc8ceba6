// SPDX-License-Identifier: MIT
/* The exact bytes of a site in each state: <repoint/ops.h>, "How it works". */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "sites.h"

struct table {
	int (*f)(int);
	int (*spare)(int);
};

static int add1(int x)
{
	return x + 1;
}

static int add2(int x)
{
	return x + 2;
}

RP_DEFINE_OPS(struct table, table, .f = add1);

#define SLOT	"rp_ops__table"

SITE_CALL_AT(plain, 16, "", 6, SLOT);
SITE_CALL_AT(prefixed, 16, ".byte 0x2e, 0x2e, 0x2e\n\t", 9, SLOT);
SITE_CALL_AT(longest, 16, ".skip 9, 0x2e\n\t", 15, SLOT);
SITE_TAIL_AT(tail, 16, SLOT);

static void set(int (*func)(int))
{
	rp_op_set(table, f, func);
	CHECK_EQ(rp_ops_rebind(&table), 0);
}

static void check_prefixes(void)
{
	CHECK(!memcmp(prefixed_insn, "\x2e\x2e\x2e", 3));
	CHECK(!memcmp(longest_insn,
		      "\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e\x2e", 9));
}

static void check_calls(int x, int wanted)
{
	check_prefixes();
	CHECK_EQ(plain(x), wanted);
	CHECK_EQ(prefixed(x), wanted);
	CHECK_EQ(longest(x), wanted);
}

static void check_all(int x, int wanted)
{
	check_calls(x, wanted);
	CHECK_EQ(tail(x), wanted);
}

static void check_built(void)
{
	CHECK(site_is_built(plain_site, 0x15, &table.f));
	CHECK(site_is_built(prefixed_site, 0x15, &table.f));
	CHECK(site_is_built(longest_site, 0x15, &table.f));
	CHECK(site_is_built(tail_site, 0x25, &table.f));
}

static void check_direct(const void *func)
{
	CHECK(site_is_call(plain_site, func));
	CHECK(site_is_call(prefixed_site, func));
	CHECK(site_is_call(longest_site, func));
	CHECK(site_is_jump(tail_site, func));
}

static void unbound_and_bound(void)
{
	check_built();
	check_all(1, 2);
	CHECK_EQ(rp_ops_bind(&table), 0);
	check_direct((const void *)add1);
	check_all(1, 2);
	set(add2);
	check_direct((const void *)add2);
	check_all(1, 3);
	CHECK_EQ(rp_ops_unbind(&table), 0);
	check_built();
	check_all(1, 3);
	rp_op_set(table, f, add1);
	check_all(1, 2);
	/* Bound for good: the same bytes, where all are within a block. */
	CHECK_EQ(rp_ops_bind_final(&table), 0);
	check_direct((const void *)add1);
}

/* Between two calls of bind, a site does what the last one made of it. */
static void not_before_rebind(void)
{
	CHECK_EQ(rp_ops_bind(&table), 0);
	rp_op_set(table, f, add2);
	check_direct((const void *)add1);
	check_all(1, 2);
	CHECK_EQ(rp_ops_bind(&table), 0);
	check_all(1, 3);
}

static void nop(void)
{
	set(RP_OP_NOP(struct table, f));
	CHECK_BYTES(plain_site, "\x66\x0f\x1f\x44\x00\x00");
	CHECK_BYTES(prefixed_site, "\x66\x0f\x1f\x44\x00\x00");
	CHECK_BYTES(longest_site, "\x66\x0f\x1f\x44\x00\x00");
	CHECK_BYTES(tail_site, "\xc3\xcc\xcc\xcc\xcc\xcc");
	check_all(1, NOTHING);
	CHECK_EQ(rp_ops_unbind(&table), 0);
	check_built();
	tail(1);
	plain(1);
}

static void return0(void)
{
	set(RP_OP_RETURN0(struct table, f));
	CHECK_BYTES(plain_site, "\x2e\x2e\x2e\x2e\x31\xc0");
	CHECK_BYTES(prefixed_site, "\x2e\x2e\x2e\x2e\x31\xc0");
	CHECK_BYTES(longest_site, "\x2e\x2e\x2e\x2e\x31\xc0");
	CHECK(site_is_jump(tail_site, (const void *)rp_static_call_return0));
	check_all(1, 0);
	CHECK_EQ(rp_ops_unbind(&table), 0);
	check_all(1, 0);
}

/* A call of NULL stays what it is, in its place: it faults as in C. */
static void null_member(void)
{
	CHECK_EQ(rp_ops_bind(&table), 0);
	set(NULL);
	check_built();
	set(add2);
	check_direct((const void *)add2);
}

static bool is_far(const void *func)
{
	intptr_t distance = (intptr_t)((uintptr_t)func - (uintptr_t)plain_site);

	return distance != (int32_t)distance;
}

/* Out of reach: an island in between, which is `jmp *slot(%rip)`. */
static void far_function(void)
{
	union {
		void *object;
		int (*func)(int);
	} far = { dlsym(RTLD_DEFAULT, "abs") };
	const uint8_t *island;
	const void *target;

	if (!far.object || !is_far(far.object))
		test_skip("the C library is not out of reach here");
	set(far.func);
	CHECK(plain_site[0] == 0x2e && plain_site[1] == 0xe8);
	island = (const uint8_t *)site_rel32(plain_site + 2);
	CHECK(island[0] == 0xff && island[1] == 0x25);
	memcpy(&target, (const void *)site_rel32(island + 2), sizeof(target));
	CHECK(target == far.object);
	check_direct(island);
	check_all(-5, 5);
	set(add1);
	check_direct((const void *)add1);
	check_all(-5, -4);
	/* The same island again. */
	set(far.func);
	check_direct(island);
	CHECK_EQ(rp_ops_unbind(&table), 0);
	check_built();
	check_all(-5, 5);
}

/* ---- where a site lies ---- */

struct wide {
	int (*f)(int);
};

RP_DEFINE_STATIC_OPS(struct wide, wide, .f = add1);

#define WIDE		"rp_ops__wide"
#define AT(n)								\
	SITE_CALL_AT(call_at_##n, n, "", 6, WIDE);			\
	SITE_TAIL_AT(tail_at_##n, n, WIDE)

AT(0); AT(1); AT(2); AT(3); AT(4); AT(5); AT(6); AT(7);
AT(8); AT(9); AT(10); AT(11); AT(12); AT(13); AT(14); AT(15);
AT(58); AT(59); AT(63);

static const struct {
	uint8_t *site;
	int (*func)(int);
	unsigned int at;
	bool is_tail;
} ats[] = {
#define LIST(n)								\
	{ call_at_##n##_site, call_at_##n, n, false },			\
	{ tail_at_##n##_site, tail_at_##n, n, true }
	LIST(0), LIST(1), LIST(2), LIST(3), LIST(4), LIST(5), LIST(6), LIST(7),
	LIST(8), LIST(9), LIST(10), LIST(11), LIST(12), LIST(13), LIST(14),
	LIST(15), LIST(58), LIST(59), LIST(63),
};

#define NR_ATS	(sizeof(ats) / sizeof(*ats))

static bool at_is_direct(size_t i, const void *func)
{
	return ats[i].is_tail ? site_is_jump(ats[i].site, func) :
				site_is_call(ats[i].site, func);
}

static bool at_is_built(size_t i)
{
	return site_is_built(ats[i].site, ats[i].is_tail ? 0x25 : 0x15,
			     &wide.f);
}

/* Returns how many of the sites straddle: they go through the table. */
static int check_ats(int (*func)(int), bool final)
{
	int left = 0;

	for (size_t i = 0; i < NR_ATS; i++) {
		bool left_alone = !final && straddles(ats[i].site);

		CHECK_EQ((uintptr_t)ats[i].site % 64, ats[i].at);
		CHECKF(left_alone ? at_is_built(i) :
				    at_is_direct(i, (const void *)func),
		       "at %u%s: not %s", ats[i].at,
		       ats[i].is_tail ? ", tail" : "",
		       left_alone ? "as built" : "direct");
		CHECK_EQ(ats[i].func(5), func(5));
		left += left_alone;
	}
	return left;
}

static void straddling(void)
{
	int wanted = engine_block() == 16 ? 14 : 24;

	CHECK_EQ(rp_ops_bind(&wide), 0);
	CHECK_EQ(check_ats(add1, false), wanted);
	rp_op_set(wide, f, add2);
	CHECK_EQ(rp_ops_rebind(&wide), 0);
	CHECK_EQ(check_ats(add2, false), wanted);
	CHECK_EQ(rp_ops_bind_final(&wide), 0);
	CHECK_EQ(check_ats(add2, true), 0);
	/* In the way in which it was bound. */
	rp_op_set(wide, f, add1);
	CHECK_EQ(rp_ops_rebind(&wide), 0);
	CHECK_EQ(check_ats(add1, true), 0);
	CHECK_EQ(rp_ops_bind(&wide), 0);
	CHECK_EQ(check_ats(add1, false), wanted);
	CHECK_EQ(rp_ops_unbind(&wide), 0);
	for (size_t i = 0; i < NR_ATS; i++)
		CHECK(at_is_built(i));
}

static void straddling_with_threads(void)
{
	struct rp_text_poke_opts opts = {
		.sz = sizeof(opts), .protocol = RP_PROTOCOL_STOPPED
	};
	int left;

	start_idle_thread();
	CHECK_EQ(rp_ops_bind(&wide), 0);
	left = check_ats(add1, false);
	CHECK(left > 0);
	CHECK_EQ(stats_now().sites[RP_PROTOCOL_BREAKPOINT], 0);
	/* Sites that straddle are in the way: nothing of it is done. */
	rp_op_set(wide, f, add2);
	CHECK_EQ(rp_ops_bind_final(&wide), -ENOTSUP);
	rp_op_set(wide, f, add1);
	CHECK_EQ(check_ats(add1, false), left);
	/* The caller vouches for them; from then on, each time. */
	CHECK_EQ(rp_object_bind_ops(&rp__object, &wide, RP_OPS_BIND_FINAL,
				    &opts), 0);
	CHECK_EQ(check_ats(add1, true), 0);
	rp_op_set(wide, f, add2);
	CHECK_EQ(rp_ops_rebind(&wide), -ENOTSUP);
	CHECK_EQ(rp_ops_unbind(&wide), -ENOTSUP);
	rp_op_set(wide, f, add1);
	CHECK_EQ(check_ats(add1, true), 0);
	rp_op_set(wide, f, add2);
	CHECK_EQ(rp_object_bind_ops(&rp__object, &wide, RP_OPS_REBIND, &opts),
		 0);
	CHECK_EQ(check_ats(add2, true), 0);
	CHECK_EQ(stats_now().sites[RP_PROTOCOL_BREAKPOINT], 0);
}

TEST_MAIN(
	TEST(unbound_and_bound),
	TEST(not_before_rebind),
	TEST(nop),
	TEST(return0),
	TEST(null_member),
	TEST(far_function),
	TEST(straddling),
	TEST(straddling_with_threads),
)
