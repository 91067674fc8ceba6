// SPDX-License-Identifier: MIT
/*
 * What a call costs when there are many of them: 4096 and 16384 sites, one in
 * each 64 bytes, run in a chain. There, what a kind of call occupies in the
 * caches and the branch predictors counts, which one hot loop never shows.
 *
 * Text that is patched becomes private memory of the process. So that this
 * does not count for or against anyone, all chains get new private pages
 * before each round but one, which shows what that is worth.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <repoint/batch.h>

#include "callee_op.h"
#include "contest.h"

#define SITES_MAX	16384u
#define SITE_SIZE	64u

extern uint8_t chain_targets[] BENCH_HIDDEN;
extern uint64_t (*volatile chain_pointer)(uint64_t x) BENCH_HIDDEN;
extern void *chain_pointers[SITES_MAX] BENCH_HIDDEN;

uint64_t (*volatile chain_pointer)(uint64_t x) = step;
void *chain_pointers[SITES_MAX];

RP_DEFINE_STATIC_CALL(chain_one, step);

#define CHAINS(X, size)							\
	X(one, size)							\
	X(one_loaded, size)						\
	X(one_inline, size)						\
	X(one_op, size)							\
	X(shared_pointer, size)						\
	X(pointers, size)						\
	X(many, size)							\
	X(many_inline, size)						\
	X(tramps, size)

/*
 * Branch predictors index by address: the same code elsewhere may be several
 * percent faster. So each chain exists more than once.
 */
#define COPIES	4

#define DECLARE(kind, size)						\
	extern uint64_t BENCH_HIDDEN					\
	chain_##kind##_##size##_0(uint64_t x, uint64_t turns),		\
	chain_##kind##_##size##_1(uint64_t x, uint64_t turns),		\
	chain_##kind##_##size##_2(uint64_t x, uint64_t turns),		\
	chain_##kind##_##size##_3(uint64_t x, uint64_t turns);
#define CHAIN(kind, size)						\
	static bench_fn *const chain_##kind##_##size##_all[COPIES] = {	\
		chain_##kind##_##size##_0, chain_##kind##_##size##_1,	\
		chain_##kind##_##size##_2, chain_##kind##_##size##_3,	\
	};
#define FN(kind, size)		chain_##kind##_##size##_all

CHAINS(DECLARE, 4096)
CHAINS(DECLARE, 16384)
CHAINS(CHAIN, 4096)
CHAINS(CHAIN, 16384)

#define ONE_TARGET(size)						\
	{ "direct call", FN(one, size), NULL, 0 },			\
	{ "direct call, pages as loaded (control)",			\
	  FN(one_loaded, size), NULL, 0 },				\
	{ "static call, inline", FN(one_inline, size), NULL, 1.05 },	\
	{ "bound op", FN(one_op, size), NULL, 1.05 },			\
	{ "one pointer for all", FN(shared_pointer, size), NULL, 0 },	\
	{ "a pointer for each site", FN(pointers, size), NULL, 0 },	\
	{ "a static call for each site, out of line",			\
	  FN(tramps, size), NULL, 0 }
#define MANY_TARGETS(size)						\
	{ "direct call", FN(many, size), NULL, 0 },			\
	{ "static call, inline", FN(many_inline, size), NULL, 1.05 },	\
	{ "a pointer for each site", FN(pointers, size), NULL, 0 },	\
	{ "a static call for each site, out of line",			\
	  FN(tramps, size), NULL, 0 }

enum { ONE_TARGETS = 7, MANY_TARGETS_NR = 4 };

static const struct entrant one_target[2][ONE_TARGETS] = {
	{ ONE_TARGET(4096) }, { ONE_TARGET(16384) },
};
static const struct entrant many_targets[2][MANY_TARGETS_NR] = {
	{ MANY_TARGETS(4096) }, { MANY_TARGETS(16384) },
};

/* ---- fresh pages ---- */

/* Copy the pages of a chain, and put the copy in their place. */
static void refresh_one(bench_fn *fn, size_t sites)
{
	size_t size = (64 + sites * SITE_SIZE + 64 + 4095) & ~(size_t)4095;
	void *old = (void *)fn, *copy;

	copy = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (copy == MAP_FAILED)
		bench_die("no memory for a copy of a chain");
	memcpy(copy, old, size);
	if (mprotect(copy, size, PROT_READ | PROT_EXEC) < 0 ||
	    mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, old) != old)
		bench_die("the pages of a chain cannot be replaced");
}

static void refresh(const struct entrant *entrants, size_t nr,
		    bench_fn *const *but, size_t sites)
{
	for (size_t i = 0; i < nr; i++)
		for (int copy = 0; copy < COPIES; copy++)
			if (entrants[i].fn != but)
				refresh_one(entrants[i].fn[copy], sites);
}

static void refresh_small(void)
{
	refresh(one_target[0], ONE_TARGETS, chain_one_loaded_4096_all, 4096);
	refresh(many_targets[0], MANY_TARGETS_NR, NULL, 4096);
}

static void refresh_large(void)
{
	refresh(one_target[1], ONE_TARGETS, chain_one_loaded_16384_all, 16384);
	refresh(many_targets[1], MANY_TARGETS_NR, NULL, 16384);
}

/* ---- targets ---- */

/* The static calls k_aaaa to k_dppp: those to chain_targets at start. */
static size_t find_keys(struct rp_static_call_key **keys)
{
	const int32_t *record = __start_rp_static_call_keys;
	size_t nr = 0;

	for (; record < __stop_rp_static_call_keys; record++) {
		struct rp_static_call_key *key =
			(void *)((uintptr_t)record +
				 (uintptr_t)(intptr_t)*record);
		uintptr_t at = (uintptr_t)key->func - (uintptr_t)chain_targets;

		if (at < SITES_MAX * SITE_SIZE) {
			keys[at / SITE_SIZE] = key;
			nr++;
		}
	}
	return nr;
}

/* One batch for 16384 static calls. */
static void set_targets(struct rp_static_call_key **keys, bool many)
{
	struct rp_batch *batch;

	bench_check(rp_batch_begin(&batch, NULL), "batch");
	for (size_t i = 0; i < SITES_MAX; i++) {
		void *target = many ? chain_targets + i * SITE_SIZE
				    : (void *)step;

		chain_pointers[i] = target;
		rp_batch_key_update(batch, keys[i], target);
	}
	bench_check(rp_batch_commit(batch), "batch of 16384 static calls");
}

/* ---- the contests ---- */

static void check_inline(bench_fn *fn, size_t sites, bool many)
{
	const uint8_t *site = (const uint8_t *)fn + 64;

	for (size_t i = 0; i < sites; i++, site += SITE_SIZE)
		/* mov; call, of an op with a prefix */
		if (!bench_calls_to(site, 3 + 6,
				    many ? chain_targets + i * SITE_SIZE
					 : (const void *)step))
			bench_die("site %zu of a chain is not inline", i);
}

static void check_bytes(unsigned int large, size_t sites, bool many)
{
	bench_fn *const *ones = large ? chain_one_inline_16384_all
				      : chain_one_inline_4096_all;
	bench_fn *const *ops = large ? chain_one_op_16384_all
				     : chain_one_op_4096_all;
	bench_fn *const *each = large ? chain_many_inline_16384_all
				      : chain_many_inline_4096_all;

	for (int copy = 0; copy < COPIES; copy++) {
		check_inline(ones[copy], sites, false);
		check_inline(ops[copy], sites, false);
		check_inline(each[copy], sites, many);
	}
}

static void run(struct report *report, const struct bench_options *options,
		unsigned int large, bool many, bool cold)
{
	size_t sites = large ? 16384 : 4096;
	char group[64];
	struct contest contest = {
		.section = "sites", .group = group,
		.entrants = many ? many_targets[large] : one_target[large],
		.nr = many ? MANY_TARGETS_NR : ONE_TARGETS, .placements = COPIES,
		.rounds = options->quick ? 1 : large ? 60 : 100,
		.turns = options->quick || cold ? 1 : large ? 3 : 10,
		.cold = cold,
		.ops = (double)sites,
		.refresh = large ? refresh_large : refresh_small,
	};

	snprintf(group, sizeof(group), "%zu sites, %s%s", sites,
		 many ? "a target each" : "one target",
		 cold ? ", once, after other code" : "");
	check_bytes(large, sites, many);
	contest_run(report, &contest);
}

void bench_chains(struct report *report, const struct bench_options *options)
{
	struct rp_static_call_key **keys = calloc(SITES_MAX, sizeof(*keys));
	size_t nr;

	if (!keys)
		bench_die("no memory for keys");
	bench_check(rp_ops_bind_final(&op_bound), "bind");
	nr = find_keys(keys);
	if (nr != SITES_MAX)
		bench_die("%zu static calls instead of %u", nr, SITES_MAX);
	for (int many = 0; many < 2; many++) {
		set_targets(keys, many);
		for (unsigned int large = 0; large < 2; large++)
			run(report, options, large, many, false);
	}
	for (unsigned int large = 0; large < 2; large++)
		run(report, options, large, true, true);
	free(keys);
}
