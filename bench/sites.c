// SPDX-License-Identifier: MIT
/*
 * A program with a million call sites (fewer without -DSITES_MILLION), which
 * tells what their registration took, and what updates take:
 *
 *   sites ROUNDS      prints "name value" lines, which start.c reads
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <repoint/static_call.h>

#include "bench.h"
#include "stamp.h"
#include "stats.h"
#include "worker.h"

#define SITE_SIZE	64

static __attribute__((noinline)) void target_a(void)
{
	__asm__ volatile("");
}

static __attribute__((noinline)) void target_b(void)
{
	__asm__ volatile("nop");
}

#ifdef SITES_MILLION
# define SITES_ALL(X)	X(1) X(100) X(10000) X(1000000)
#else
# define SITES_ALL(X)	X(1) X(100) X(10000)
#endif

#define DEFINE(nr)							\
	RP_DEFINE_STATIC_CALL(many_##nr, target_a);			\
	extern void run_many_##nr(void) BENCH_HIDDEN;			\
	extern uint8_t sites_many_##nr[] BENCH_HIDDEN;			\
	static int update_##nr(void (*func)(void))			\
	{								\
		return rp_static_call_update(many_##nr, func);		\
	}
#define ENTRY(nr)							\
	{ nr, &rp_key__many_##nr, update_##nr, run_many_##nr,		\
	  sites_many_##nr },

SITES_ALL(DEFINE)

static const struct many {
	size_t nr;
	struct rp_static_call_key *key;
	int (*update)(void (*func)(void));
	void (*run)(void);
	const uint8_t *sites;
} many[] = { SITES_ALL(ENTRY) };

#define NR_MANY	(sizeof(many) / sizeof(*many))

static void check_inline(const struct many *m, void (*target)(void))
{
	int32_t rel;

	for (size_t i = 0; i < m->nr; i++) {
		const uint8_t *site = m->sites + i * SITE_SIZE;

		memcpy(&rel, site + 1, sizeof(rel));
		if (*site != 0xe8 ||
		    (uintptr_t)site + 5 + (uintptr_t)(intptr_t)rel !=
		    (uintptr_t)target)
			bench_die("site %zu of %zu does not call its target",
				  i, m->nr);
	}
}

/* The second thread, while there is one. */
static struct worker *worker;

/* Commits of one key with many sites; each changes all of them. */
static void updates(const struct many *m, const char *when, unsigned int rounds)
{
	struct samples samples = { NULL, 0, 0 };

	rounds = m->nr >= 1000000 ? (rounds + 3) / 4 : rounds;
	for (unsigned int r = 0; r < 2 * rounds; r++) {
		uint64_t start;

		worker_wait(worker);
		start = bench_ns();
		bench_check(m->update(r % 2 ? target_a : target_b), "update");
		samples_add(&samples, (double)(bench_ns() - start) /
				      (double)m->nr);
		if (r < 2)
			check_inline(m, r % 2 ? target_a : target_b);
	}
	printf("%s_%zu %.3f\n", when, m->nr, samples_stats(&samples).median);
	samples_deinit(&samples);
}

/*
 * Register again, with keys that were changed behind the library's back, so
 * that all sites change: now the pages are private already.
 */
static void register_again(double nr)
{
	uint64_t start;

	rp_object_unregister(&rp__object);
	for (size_t i = 0; i < NR_MANY; i++) {
		many[i].key->func = (void *)target_b;
		many[i].key->target = (void *)target_b;
	}
	start = bench_ns();
	bench_check(rp_object_register(&rp__object), "registration");
	printf("again_ns %.3f\n", (double)(bench_ns() - start) / nr);
	for (size_t i = 0; i < NR_MANY; i++) {
		check_inline(&many[i], target_b);
		bench_check(many[i].update(target_a), "update");
	}
}

static void print_registration(void)
{
	double sites = (double)(rp__object.call_sites_end -
				rp__object.call_sites);

	printf("sites %.0f\n", sites);
	printf("register_ms %.4f\n",
	       (double)(stamp_after.ns - stamp_before.ns) / 1e6);
	printf("register_ns %.3f\n",
	       (double)(stamp_after.ns - stamp_before.ns) / sites);
	printf("faults %" PRIu64 "\n",
	       stamp_after.faults - stamp_before.faults);
	printf("table_bytes %.3f\n",
	       (double)sizeof(struct rp_static_call_site));
	printf("anon_bytes %.3f\n",
	       (double)(stamp_after.data_anon - stamp_before.data_anon) /
	       sites);
	printf("text_bytes %.3f\n",
	       (double)(stamp_after.text_anon - stamp_before.text_anon) /
	       sites);
	printf("peak_bytes %.3f\n", (double)stamp_peak() / sites);
	register_again(sites);
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? (unsigned int)atoi(argv[1]) : 4;

	bench_pin(0);
	for (size_t i = 0; i < NR_MANY; i++)
		check_inline(&many[i], target_a);
	print_registration();
	for (size_t i = 0; i < NR_MANY; i++)
		updates(&many[i], "single", rounds);
	worker = worker_start(NULL);
	for (size_t i = 0; i < NR_MANY; i++)
		updates(&many[i], "busy", rounds);
	worker_stop(worker);
	for (size_t i = 0; i < NR_MANY; i++) {
		worker = worker_start(many[i].run);
		updates(&many[i], "running", rounds);
		worker_stop(worker);
	}
	return 0;
}
