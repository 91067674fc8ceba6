// SPDX-License-Identifier: MIT
/*
 * One site among many whose bytes are not ours: -EILSEQ says where, nothing at
 * all is changed, and after a repair the same batch works.
 */
#include "site.h"
#include "check.h"

#include <errno.h>
#include <sys/mman.h>

#include <repoint/batch.h>

static int one(void)
{
	return 1;
}

static int two(void)
{
	return 2;
}

RP_DEFINE_STATIC_CALL(call, one);
RP_DEFINE_STATIC_KEY_FALSE(first);
RP_DEFINE_STATIC_KEY_FALSE(broken);
RP_DEFINE_STATIC_KEY_TRUE(last);

static NOINLINE int look(void)
{
	return rp_static_call(call)() * 1000 +
	       (rp_static_branch_unlikely(&first) ? 100 : 0) +
	       (rp_static_branch_unlikely(&last) ? 1 : 0);
}

/* Never run: its site is what gets broken. */
NOINLINE static int is_broken(void)
{
	return rp_static_branch_unlikely(&broken) ? 1 : 0;
}

static uint8_t *site_of(const struct rp_static_key *key)
{
	const struct rp_static_key_site *site = rp__object.key_sites;

	for (; site < rp__object.key_sites_end; site++)
		if ((uintptr_t)&site->key + (uintptr_t)(intptr_t)site->key ==
		    (uintptr_t)key)
			return (uint8_t *)((uintptr_t)&site->code +
					   (uintptr_t)(intptr_t)site->code);
	return NULL;
}

static void write_byte(uint8_t *at, uint8_t byte)
{
	uintptr_t page = (uintptr_t)at & -(uintptr_t)4096;

	CHECK_EQ(mprotect((void *)page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	*at = byte;
	CHECK_EQ(mprotect((void *)page, 4096, PROT_READ | PROT_EXEC), 0);
}

static int commit_all(struct rp_error *error)
{
	static struct rp_text_poke_opts opts;
	struct rp_batch *batch = NULL;

	opts.sz = sizeof(opts);
	opts.error = error;
	CHECK_EQ(rp_batch_begin(&batch, &opts), 0);
	CHECK_EQ(rp_batch_static_call_update(batch, call, two), 0);
	CHECK_EQ(rp_batch_static_key_enable(batch, &first), 0);
	CHECK_EQ(rp_batch_static_key_enable(batch, &broken), 0);
	CHECK_EQ(rp_batch_static_key_disable(batch, &last), 0);
	return rp_batch_commit(batch);
}

static void check_untouched(void)
{
	CHECK_EQ(look(), 1001);
	CHECK(rp_static_call_query(call) == one);
	CHECK_EQ(rp_static_key_count(&first), 0);
	CHECK_EQ(rp_static_key_count(&broken), 0);
	CHECK_EQ(rp_static_key_count(&last), 1);
}

int main(void)
{
	uint8_t *site = site_of(&broken.key), saved;
	struct rp_text_poke_stats stats, later;
	static struct rp_error error;

	CHECK_EQ(is_broken(), 0);
	if (!site)
		return 1;
	stats.sz = later.sz = sizeof(stats);
	saved = site[3];
	write_byte(&site[3], 0x7e);
	rp_text_poke_get_stats(&stats);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(commit_all(&error), -EILSEQ);
		CHECK_EQ(error.code, -EILSEQ);
		CHECK(error.addr == site);
		CHECK_EQ(error.found[3], 0x7e);
		CHECK_EQ(rp_static_key_inc(&broken), -EILSEQ);
		CHECK_EQ(site[3], 0x7e);
		check_untouched();
	}
	rp_text_poke_get_stats(&later);
	CHECK_EQ(later.commits, stats.commits);
	CHECK_EQ(later.mprotects, stats.mprotects);

	/* A debugger's breakpoint is no different. */
	write_byte(&site[3], saved);
	saved = site[0];
	write_byte(&site[0], 0xcc);
	CHECK_EQ(commit_all(&error), -EILSEQ);
	CHECK_EQ(site[0], 0xcc);
	check_untouched();

	write_byte(&site[0], saved);
	CHECK_EQ(commit_all(&error), 0);
	CHECK_EQ(look(), 2100);
	CHECK_EQ(is_broken(), 1);
	return check_status();
}
