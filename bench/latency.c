// SPDX-License-Identifier: MIT
/*
 * How long an update takes, and how long until every thread that runs through
 * the site has used the new function: static calls by each protocol, beside
 * the store to a pointer that they replace.
 *
 * A store returns at once and promises nothing; an update that has returned
 * promises that no thread starts the old function. The fair counterpart is a
 * store and a membarrier.
 */
#define _GNU_SOURCE
#include "latency.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <repoint/batch.h>

#include "report.h"

#define THREADS_MAX	4
#define SPINS		2000

/* struct way - one way to change what is called. */
struct way {
	const char *name;
	void (*change)(const struct way *way, unsigned int to);
	bool pointer;
	struct rp_text_poke_opts opts;
};

static unsigned int (*function(unsigned int to))(void)
{
	return to ? latency_one : latency_zero;
}

static void store(const struct way *way, unsigned int to)
{
	(void)way;
	latency_pointer = function(to);
}

static void store_and_barrier(const struct way *way, unsigned int to)
{
	store(way, to);
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
		bench_die("membarrier failed");
}

static void update(const struct way *way, unsigned int to)
{
	struct rp_text_poke_opts opts = way->opts;
	struct rp_batch *batch;

	opts.sz = sizeof(opts);
	bench_check(rp_batch_begin(&batch, &opts), "batch");
	rp_batch_static_call_update(batch, latency_call, function(to));
	bench_check(rp_batch_commit(batch), way->name);
}

static const struct way ways[] = {
	{ "pointer: store", store, true, { 0 } },
	{ "pointer: store, membarrier", store_and_barrier, true, { 0 } },
	{ "static call, one store", update, false,
	  { .protocol = RP_PROTOCOL_ATOMIC } },
	{ "static call, breakpoint", update, false,
	  { .protocol = RP_PROTOCOL_BREAKPOINT } },
	{ "static call, breakpoint, /proc/self/mem", update, false,
	  { .protocol = RP_PROTOCOL_BREAKPOINT,
	    .backend = RP_BACKEND_PROC_MEM } },
};

#define NR_WAYS		(sizeof(ways) / sizeof(*ways))

/* struct crowd - the threads, and what was measured of each way. */
struct crowd {
	unsigned int nr;
	pthread_t thread[THREADS_MAX];
	struct watcher watcher[THREADS_MAX];
	unsigned int state[2];
	struct samples returned[NR_WAYS], returned_ratio[NR_WAYS];
	struct samples seen[NR_WAYS], seen_ratio[NR_WAYS];
};

static bool all_see(const struct crowd *crowd, bool pointer, unsigned int to)
{
	for (unsigned int i = 0; i < crowd->nr; i++) {
		const struct watcher *w = &crowd->watcher[i];
		const unsigned int *seen = pointer ? &w->seen_pointer
						   : &w->seen_call;

		if (__atomic_load_n(seen, __ATOMIC_RELAXED) != to)
			return false;
	}
	return true;
}

/* With more threads than CPUs, the updating one has to make room. */
static void wait_for_all(const struct crowd *crowd, bool pointer,
			 unsigned int to)
{
	for (unsigned int spins = 0; !all_see(crowd, pointer, to); spins++) {
		if (spins > SPINS)
			sched_yield();
		else
			__asm__ volatile("pause");
	}
}

static void flip(struct crowd *crowd, const struct way *way, double *returned,
		 double *seen)
{
	unsigned int to = !crowd->state[way->pointer];
	uint64_t start = bench_ns();

	way->change(way, to);
	*returned = (double)(bench_ns() - start) / 1000;
	wait_for_all(crowd, way->pointer, to);
	*seen = (double)(bench_ns() - start) / 1000;
	crowd->state[way->pointer] = to;
}

static void run_round(struct crowd *crowd, unsigned int round, bool count)
{
	double returned[NR_WAYS], seen[NR_WAYS];

	for (unsigned int i = 0; i < NR_WAYS; i++) {
		unsigned int w = (i + round) % NR_WAYS;

		flip(crowd, &ways[w], &returned[w], &seen[w]);
	}
	for (unsigned int w = 0; count && w < NR_WAYS; w++) {
		samples_add(&crowd->returned[w], returned[w]);
		samples_add(&crowd->returned_ratio[w],
			    returned[w] / returned[1]);
		samples_add(&crowd->seen[w], seen[w]);
		samples_add(&crowd->seen_ratio[w], seen[w] / seen[0]);
	}
}

static void *run_thread(void *data)
{
	latency_loop(data);
	return NULL;
}

static void start(struct crowd *crowd, unsigned int nr)
{
	memset(crowd, 0, sizeof(*crowd));
	crowd->nr = nr;
	crowd->state[0] = rp_static_call_query(latency_call) == latency_one;
	crowd->state[1] = latency_pointer == latency_one;
	for (unsigned int i = 0; i < nr; i++) {
		crowd->watcher[i].seen_call = crowd->watcher[i].seen_pointer =
			2;
		if (pthread_create(&crowd->thread[i], NULL, run_thread,
				   &crowd->watcher[i]))
			bench_die("pthread_create failed");
	}
	wait_for_all(crowd, false, crowd->state[0]);
	wait_for_all(crowd, true, crowd->state[1]);
}

static void stop(struct crowd *crowd)
{
	for (unsigned int i = 0; i < crowd->nr; i++)
		__atomic_store_n(&crowd->watcher[i].stop, true,
				 __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < crowd->nr; i++)
		pthread_join(crowd->thread[i], NULL);
}

static void report_ways(struct report *report, unsigned int threads,
			const char *what, struct samples *value,
			struct samples *ratio)
{
	for (unsigned int w = 0; w < NR_WAYS; w++) {
		struct row row = {
			.section = "latency", .unit = "us",
			.value = samples_stats(&value[w]),
			.ratio = samples_stats(&ratio[w]),
		};

		snprintf(row.group, sizeof(row.group), "%u thread%s, until %s",
			 threads, threads > 1 ? "s" : "", what);
		snprintf(row.name, sizeof(row.name), "%s", ways[w].name);
		report_row(report, &row);
		samples_deinit(&value[w]);
		samples_deinit(&ratio[w]);
	}
}

static void run(struct report *report, unsigned int threads,
		unsigned int rounds)
{
	static struct crowd crowd;

	start(&crowd, threads);
	for (unsigned int round = 0; round < rounds + 2; round++)
		run_round(&crowd, round, round >= 2);
	stop(&crowd);
	report_ways(report, threads, "the call returns", crowd.returned,
		    crowd.returned_ratio);
	report_ways(report, threads, "all threads have used the new function",
		    crowd.seen, crowd.seen_ratio);
}

void bench_latency(struct report *report, const struct bench_options *options)
{
	if (!bench_calls_to((void *)latency_loop, 64, (void *)latency_zero))
		bench_die("latency: the static call is not inline");
	if (syscall(SYS_membarrier,
		    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))
		bench_die("membarrier cannot be registered");
	run(report, 1, options->quick ? 3 : 1000);
	run(report, THREADS_MAX, options->quick ? 3 : 150);
}
