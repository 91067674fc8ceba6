// SPDX-License-Identifier: MIT
/* Ops tables in a batch with static calls and keys: one commit, or none. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>

#include <repoint/batch.h>

#include "sites.h"

struct table {
	int (*f)(int);
};

static int add1(int x)
{
	return x + 1;
}

static int add2(int x)
{
	return x + 2;
}

RP_DEFINE_OPS(struct table, first, .f = add1);
RP_DEFINE_OPS(struct table, second, .f = add1);
RP_DEFINE_STATIC_CALL(call, add1);
RP_DEFINE_STATIC_KEY_FALSE(key);

SITE_CALL_AT(call_first, 0, "", 6, "rp_ops__first");
SITE_CALL_AT(call_second, 16, "", 6, "rp_ops__second");

static __attribute__((noinline)) int branch(void)
{
	return rp_static_branch_unlikely(&key) ? 2 : 1;
}

/* Everything is in its first or its second state. */
static void check_all(int n)
{
	const void *func = n == 1 ? (const void *)add1 : (const void *)add2;

	CHECK(site_is_call(call_first_site, func));
	CHECK(site_is_call(call_second_site, func));
	CHECK_EQ(call_first(5), 5 + n);
	CHECK_EQ(call_second(5), 5 + n);
	CHECK_EQ(rp_static_call(call)(5), 5 + n);
	CHECK_EQ(branch(), n);
}

static void set_members(int (*func)(int))
{
	rp_op_set(first, f, func);
	rp_op_set(second, f, func);
}

static struct rp_batch *fill(int n, struct rp_text_poke_opts *opts)
{
	struct rp_batch *batch;

	REQUIRE(rp_batch_begin(&batch, opts) == 0);
	set_members(n == 1 ? add1 : add2);
	CHECK_EQ(rp_batch_ops_rebind(batch, &first), 0);
	if (n == 1) {
		rp_batch_static_call_update(batch, call, add1);
		rp_batch_static_key_disable(batch, &key);
	} else {
		rp_batch_static_call_update(batch, call, add2);
		rp_batch_static_key_enable(batch, &key);
	}
	CHECK_EQ(rp_batch_ops_rebind(batch, &second), 0);
	return batch;
}

static void bind_all(void)
{
	CHECK_EQ(rp_ops_bind(&first), 0);
	CHECK_EQ(rp_ops_bind(&second), 0);
	check_all(1);
}

static void all_at_once(void)
{
	struct rp_text_poke_stats before, s;

	bind_all();
	start_idle_thread();
	for (int i = 0; i < 6; i++) {
		before = stats_now();
		CHECK_EQ(rp_batch_commit(fill(2 - i % 2, NULL)), 0);
		s = stats_now();
		check_all(2 - i % 2);
		CHECK_EQ(s.commits - before.commits, 1);
		CHECK_EQ(s.syncs - before.syncs, 1);
	}
}

/* The members count in commit, not when the table is added. */
static void members_of_commit(void)
{
	struct rp_batch *batch;

	bind_all();
	batch = fill(2, NULL);
	check_all(1);
	set_members(add1);
	CHECK_EQ(rp_batch_commit(batch), 0);
	CHECK(site_is_call(call_first_site, (const void *)add1));
	CHECK_EQ(branch(), 2);
}

static void twice(void)
{
	struct rp_batch *batch;

	bind_all();
	batch = fill(2, NULL);
	CHECK_EQ(rp_batch_ops_rebind(batch, &first), 0);
	CHECK_EQ(rp_batch_object_bind_ops(batch, &rp__object, &second,
					  RP_OPS_UNBIND), 0);
	CHECK_EQ(rp_batch_commit(batch), 0);
	CHECK(site_is_call(call_first_site, (const void *)add2));
	CHECK(site_is_built(call_second_site, 0x15, &second.f));
	CHECK_EQ(rp_ops_bind(&second), 0);
	check_all(2);
}

static void aborted(void)
{
	bind_all();
	rp_batch_abort(fill(2, NULL));
	set_members(add1);
	check_all(1);
	CHECK_EQ(rp_ops_rebind(&first), 0);
	check_all(1);
}

static void poke(uint8_t *at, uint8_t byte)
{
	uintptr_t page = (uintptr_t)at & -4096ul;

	REQUIRE(mprotect((void *)page, 4096, PROT_READ | PROT_WRITE |
			 PROT_EXEC) == 0);
	*(volatile uint8_t *)at = byte;
	REQUIRE(mprotect((void *)page, 4096, PROT_READ | PROT_EXEC) == 0);
}

/* The last site has somebody's breakpoint: nothing of the rest is done. */
static void or_none(void)
{
	struct rp_error error = { 0 };
	struct rp_text_poke_opts opts = { .sz = sizeof(opts), .error = &error };

	bind_all();
	poke(call_second_site, 0xcc);
	CHECK_EQ(rp_batch_commit(fill(2, &opts)), -EILSEQ);
	CHECK(error.addr == call_second_site);
	poke(call_second_site, 0x2e);
	set_members(add1);
	check_all(1);
	CHECK_EQ(rp_batch_commit(fill(2, &opts)), 0);
	check_all(2);
}

static void wrong_table(void)
{
	struct rp_error error = { 0 };
	struct rp_text_poke_opts opts = { .sz = sizeof(opts), .error = &error };
	struct rp_batch *batch;

	bind_all();
	batch = fill(2, &opts);
	CHECK_EQ(rp_batch_ops_rebind(batch, &error), 0);
	CHECK_EQ(rp_batch_commit(batch), -EINVAL);
	CHECK(strstr(error.message, "RP_DEFINE_OPS"));
	set_members(add1);
	check_all(1);
	batch = fill(2, &opts);
	CHECK_EQ(rp_batch_object_bind_ops(batch, NULL, &first, RP_OPS_REBIND),
		 -EINVAL);
	CHECK_EQ(rp_batch_commit(batch), -EINVAL);
	batch = fill(2, &opts);
	CHECK_EQ(rp_batch_object_bind_ops(batch, &rp__object, &first,
					  RP_OPS_BINDING_NR), -EINVAL);
	CHECK_EQ(rp_batch_commit(batch), -EINVAL);
	CHECK_EQ(rp_batch_object_bind_ops(NULL, &rp__object, &first,
					  RP_OPS_BIND), -EINVAL);
	set_members(add1);
	check_all(1);
}

TEST_MAIN(
	TEST(all_at_once),
	TEST(members_of_commit),
	TEST(twice),
	TEST(aborted),
	TEST(or_none),
	TEST(wrong_table),
)
