// SPDX-License-Identifier: MIT
/*
 * What it costs to change N sites in one batch, from rp_text_poke_batch_begin()
 * to the return of commit, for N from 1 to a million; beside the same done by
 * hand, without any of the checks: mprotect, one store for each site, mprotect,
 * membarrier.
 */
#define _GNU_SOURCE
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <repoint/text_poke.h>

#include "arena.h"
#include "report.h"
#include "worker.h"

#define GOAL_NS	30
#define WAYS_MAX	4

/* struct way - one way to change all sites of an arena. */
struct way {
	const char *name;
	void (*change)(struct arena *arena, const struct way *way);
	struct rp_text_poke_opts opts;
	size_t sites_max;
	double goal;
};

/* ---- ways ---- */

static void by_hand(struct arena *arena, const struct way *way)
{
	uint64_t word;

	(void)way;
	if (mprotect(arena->code, arena->size,
		     PROT_READ | PROT_WRITE | PROT_EXEC))
		bench_die("mprotect failed");
	for (size_t i = 0; i < arena->nr; i++) {
		uint8_t *site = arena->sites + i * ARENA_SITE_SIZE;

		memcpy(&word, site, sizeof(word));
		arena_insn(arena, i, !arena->state, (uint8_t *)&word);
		__atomic_store_n((uint64_t *)site, word, __ATOMIC_RELAXED);
	}
	mprotect(arena->code, arena->size, PROT_READ | PROT_EXEC);
	if (syscall(SYS_membarrier,
		    MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0))
		bench_die("membarrier failed");
	arena->state = !arena->state;
}

static void by_engine(struct arena *arena, const struct way *way)
{
	struct rp_text_poke_batch *batch;
	struct rp_error error;
	struct rp_text_poke_opts opts = way->opts;
	uint8_t old[5], new[5];
	int result;

	opts.sz = sizeof(opts);
	opts.error = &error;
	bench_check(rp_text_poke_batch_begin(&batch, &opts), "batch");
	for (size_t i = 0; i < arena->nr; i++) {
		arena_insn(arena, i, arena->state, old);
		arena_insn(arena, i, !arena->state, new);
		rp_text_poke_batch_add(batch,
				       arena->sites + i * ARENA_SITE_SIZE, old,
				       new, sizeof(new));
	}
	result = rp_text_poke_batch_commit(batch);
	if (result < 0)
		bench_die("commit of %zu sites: %s", arena->nr, error.message);
	arena->state = !arena->state;
}

/* The first two are the base and what most users get. */
static const struct way ways[] = {
	{ "by hand, no checks", by_hand, .sites_max = (size_t)-1 },
	{ "engine", by_engine, .sites_max = (size_t)-1, .goal = GOAL_NS },
	{ "engine, breakpoints", by_engine,
	  .opts = { .protocol = RP_PROTOCOL_BREAKPOINT },
	  .sites_max = (size_t)-1 },
	{ "engine, breakpoints, /proc/self/mem", by_engine,
	  .opts = { .protocol = RP_PROTOCOL_BREAKPOINT,
		    .backend = RP_BACKEND_PROC_MEM },
	  .sites_max = 10000 },
};

/* ---- measuring ---- */

struct results {
	struct samples ns[WAYS_MAX];
	struct samples ratio[WAYS_MAX];
};

/* The second thread, while there is one. */
static struct worker *worker;

static double time_one(struct arena *arena, const struct way *way)
{
	uint64_t start;

	worker_wait(worker);
	start = bench_ns();
	way->change(arena, way);
	return (double)(bench_ns() - start) / (double)arena->nr;
}

static void run_round(struct arena *arena, unsigned int nr_ways,
		      unsigned int round, struct results *results)
{
	double ns[WAYS_MAX] = { 0 };

	for (unsigned int i = 0; i < nr_ways; i++) {
		unsigned int w = (i + round) % nr_ways;

		if (arena->nr <= ways[w].sites_max)
			ns[w] = time_one(arena, &ways[w]);
	}
	arena_check(arena);
	for (unsigned int w = 0; w < nr_ways; w++) {
		if (ns[w] <= 0)
			continue;
		samples_add(&results->ns[w], ns[w]);
		samples_add(&results->ratio[w], ns[w] / ns[0]);
	}
}

static void report_ways(struct report *report, const struct arena *arena,
			const char *when, unsigned int nr_ways,
			struct results *results)
{
	for (unsigned int w = 0; w < nr_ways; w++) {
		struct row row = {
			.section = "commit", .unit = "ns/site",
			.value = samples_stats(&results->ns[w]),
			.ratio = samples_stats(&results->ratio[w]),
			.absolute = true,
		};

		snprintf(row.group, sizeof(row.group), "%zu site%s, %s",
			 arena->nr, arena->nr > 1 ? "s" : "", when);
		snprintf(row.name, sizeof(row.name), "%s", ways[w].name);
		/* Below that, system calls are what costs. */
		if (arena->nr >= 10000 && strcmp(when, "first touch"))
			row.goal = ways[w].goal;
		if (row.value.nr)
			report_row(report, &row);
		samples_deinit(&results->ns[w]);
		samples_deinit(&results->ratio[w]);
	}
}

static unsigned int rounds_for(size_t nr, bool quick)
{
	if (quick)
		return 2;
	return nr >= 1000000 ? 11 : nr >= 10000 ? 60 : 400;
}

static void steady(struct report *report, struct arena *arena,
		   const char *when, unsigned int nr_ways, bool quick)
{
	struct results results = { .ns = { { NULL, 0, 0 } } };

	for (unsigned int w = 0; w < nr_ways; w++)
		if (arena->nr <= ways[w].sites_max)
			time_one(arena, &ways[w]);
	for (unsigned int r = 0; r < rounds_for(arena->nr, quick); r++)
		run_round(arena, nr_ways, r, &results);
	report_ways(report, arena, when, nr_ways, &results);
}

/* New pages each time: the kernel copies each when it is written. */
static void first_touch(struct report *report, size_t nr, bool quick)
{
	struct results results = { .ns = { { NULL, 0, 0 } } };
	unsigned int rounds = rounds_for(nr, quick) / 2 + 1;
	struct arena arena;

	for (unsigned int r = 0; r < rounds; r++) {
		double ns[2];

		for (unsigned int i = 0; i < 2; i++) {
			unsigned int w = (i + r) % 2;

			arena_init(&arena, nr);
			arena_call(&arena);
			ns[w] = time_one(&arena, &ways[w]);
			arena_check(&arena);
			arena_deinit(&arena);
		}
		for (unsigned int w = 0; w < 2; w++) {
			samples_add(&results.ns[w], ns[w]);
			samples_add(&results.ratio[w], ns[w] / ns[0]);
		}
	}
	report_ways(report, &arena, "first touch", 2, &results);
}

static struct arena *current;

static void run_current(void)
{
	arena_call(current);
}

static void with_worker(struct report *report, struct arena *arena,
			bool running, bool quick)
{
	current = arena;
	worker = worker_start(running ? run_current : NULL);
	steady(report, arena,
	       running ? "a second thread runs them"
		       : "a second thread runs elsewhere",
	       running ? 2 : WAYS_MAX, quick);
	worker_stop(worker);
	worker = NULL;
}

void bench_commit(struct report *report, const struct bench_options *options)
{
	static const size_t sizes[] = { 1, 100, 10000, 1000000 };
	size_t nr_sizes = options->quick ? 3 : 4;
	struct arena arena[4];

	bench_pin(0);
	/* The library needs less as long as no other thread was ever made. */
	for (size_t i = 0; i < nr_sizes; i++) {
		first_touch(report, sizes[i], options->quick);
		arena_init(&arena[i], sizes[i]);
		steady(report, &arena[i], "no other thread", 2, options->quick);
	}
	for (size_t i = 0; i < nr_sizes; i++) {
		with_worker(report, &arena[i], false, options->quick);
		with_worker(report, &arena[i], true, options->quick);
		arena_deinit(&arena[i]);
	}
	bench_unpin();
}
