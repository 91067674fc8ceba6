// SPDX-License-Identifier: MIT
/*
 * Commits of several threads at once, on the same sites and the same pages,
 * and signal handlers that run the sites at any moment.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "arena.h"

/* The first GROUP sites are changed together and never alone. */
enum { GROUP = 8, LOOSE = 8, NR = GROUP + LOOSE };

static struct arena arena;
static struct site sites[NR];
static struct maps_text before;

static void setup(void)
{
	static const enum site_kind kinds[] = {
		SITE_CALL, SITE_TAIL, SITE_CALL_MEM, SITE_JCC,
	};

	arena_init(&arena, NR * SITE_SLOT, -1);
	/* Mixed in memory; some are within a block, some are not. */
	for (unsigned int i = 0; i < NR; i++)
		arena_add(&arena, &sites[i * 5 % NR], kinds[i % 4], i * 9 % 64);
	arena_ready(&arena);
	maps_read(&before, arena.text, arena.size);
}

static void maps_are_as_before(void)
{
	static struct maps_text now;

	maps_read(&now, arena.text, arena.size);
	maps_equal(&before, &now);
}

/* libc blocks signals in a thread that begins or ends: all at a time. */
static pthread_barrier_t barrier;

static void meet(void)
{
	pthread_barrier_wait(&barrier);
}

static void sites_are_legal(void)
{
	for (unsigned int i = 0; i < NR; i++) {
		long value = sites[i].call(0);

		CHECKF(site_value_is_legal(&sites[i], value),
		       "site %u returns %lx", i, value);
	}
}

/* ---- batches and singles ---- */

/* struct updater - a thread; @done commits succeeded, @refused came late. */
struct updater {
	pthread_t thread;
	uint64_t seed;
	bool batches;
	enum rp_backend backend;
	unsigned int done, refused;
};

enum { UPDATERS = 4, COMMITS = 400 };
static struct updater updaters[UPDATERS];

static unsigned int draw(struct updater *u, unsigned int below)
{
	u->seed = u->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)((u->seed >> 33) % below);
}

/*
 * The state that a site seems to be in. Others change it meanwhile, so it may
 * be none (in a window), or out of date when it is committed.
 */
static unsigned int look(const struct site *site)
{
	for (unsigned int i = 0; i < site->states; i++)
		if (site_is_in(site, i))
			return i;
	return 0;
}

static void add(struct rp_text_poke_batch *batch, const struct site *site,
		unsigned int from, unsigned int to)
{
	REQUIRE(!rp_text_poke_batch_add(batch, site->insn, site->bytes[from],
					site->bytes[to], site->len));
}

/* The group from one state to another, and some loose sites anywhere. */
static int commit_batch(struct updater *u)
{
	struct rp_text_poke_opts opts = poke_opts(0, u->backend);
	unsigned int from = look(&sites[0]) % 3, to = (from + 1 + draw(u, 2)) % 3;
	struct rp_text_poke_batch *batch;

	REQUIRE(!rp_text_poke_batch_begin(&batch, &opts));
	for (unsigned int i = 0; i < GROUP; i++)
		add(batch, &sites[i], from, to);
	for (unsigned int i = 0; i < 2; i++) {
		struct site *site = &sites[GROUP + draw(u, LOOSE / 2) * 2 + i];

		add(batch, site, look(site), draw(u, site->states));
	}
	return rp_text_poke_batch_commit(batch);
}

static int commit_single(struct updater *u)
{
	struct rp_text_poke_opts opts = poke_opts(0, u->backend);
	struct site *site = &sites[GROUP + draw(u, LOOSE)];
	unsigned int from = look(site);
	unsigned int to = (from + 1 + draw(u, site->states - 1)) % site->states;

	return rp_text_poke_single(site->insn, site->bytes[from],
				   site->bytes[to], site->len, &opts);
}

static void *update(void *arg)
{
	struct updater *u = arg;

	meet();
	while (u->done < COMMITS && !test_failed()) {
		int error = u->batches ? commit_batch(u) : commit_single(u);

		CHECKF(!error || error == -EILSEQ, "commit: %d", error);
		if (error)
			u->refused++;
		else
			u->done++;
		sites_are_legal();
	}
	meet();
	return NULL;
}

static void run_updaters(unsigned int nr)
{
	pthread_barrier_init(&barrier, NULL, nr);
	for (unsigned int i = 0; i < nr; i++) {
		updaters[i].seed = i + 1;
		REQUIRE(!pthread_create(&updaters[i].thread, NULL, update,
					&updaters[i]));
	}
	for (unsigned int i = 0; i < nr; i++)
		pthread_join(updaters[i].thread, NULL);
}

static void group_is_in_one_state(void)
{
	unsigned int state = look(&sites[0]);

	for (unsigned int i = 0; i < NR; i++)
		CHECKF(site_is_in(&sites[i], i < GROUP ? state :
						       look(&sites[i])),
		       "site %u is not in state %u", i, state);
}

static void batches_against_singles(enum rp_backend other)
{
	unsigned int refused = 0, done = 0;

	setup();
	for (unsigned int i = 0; i < UPDATERS; i++) {
		updaters[i].batches = i & 1;
		updaters[i].backend = i & 2 ? other : RP_BACKEND_MPROTECT;
	}
	run_updaters(UPDATERS);
	for (unsigned int i = 0; i < UPDATERS; i++) {
		done += updaters[i].done;
		refused += updaters[i].refused;
	}
	CHECK_EQ(done, UPDATERS * COMMITS);
	/* They did get in each other's way. */
	CHECK(refused > 0 || cpus() < 2);
	CHECK(stats_now().sites[RP_PROTOCOL_ATOMIC] > 100);
	CHECK(stats_now().sites[RP_PROTOCOL_BREAKPOINT] > 100);
	group_is_in_one_state();
	maps_are_as_before();
}

static void batches_and_singles(void)
{
	batches_against_singles(RP_BACKEND_MPROTECT);
}

static void batches_and_singles_by_both_backends(void)
{
	batches_against_singles(RP_BACKEND_PROC_MEM);
}

/* ---- one page ---- */

/* Each thread has a site of its own, on one page. */
static void *flip(void *arg)
{
	struct site *site = arg;

	meet();
	for (unsigned int i = 0; i < 2 * COMMITS; i++) {
		unsigned int to = (site->state + 1) % site->states;

		/* Nobody else changes it: nothing may go wrong. */
		CHECK_EQ(site_poke(site, to, NULL), 0);
		CHECK_EQ(site->call(0), site->value[to]);
	}
	meet();
	return NULL;
}

/* One closes its window while the other writes: a fault, or worse. */
static void two_threads_on_a_page(void)
{
	pthread_t threads[2];

	setup();
	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 2; i++)
		REQUIRE(!pthread_create(&threads[i], NULL, flip, &sites[i]));
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	CHECK_EQ(stats_now().commits, 4 * COMMITS);
	CHECK_EQ(stats_now().sites[RP_PROTOCOL_STOPPED], 0);
	maps_are_as_before();
}

/* ---- a profiler ---- */

static unsigned int ticks;

static void on_tick(int signal)
{
	(void)signal;
	sites_are_legal();
	__atomic_fetch_add(&ticks, 1, __ATOMIC_SEQ_CST);
}

static timer_t start_ticks(void)
{
	struct sigaction action = { .sa_handler = on_tick,
				    .sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGPROF };
	struct itimerspec spec = { { 0, 100000 }, { 0, 100000 } };
	timer_t timer;

	REQUIRE(sigaction(SIGPROF, &action, NULL) == 0);
	REQUIRE(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	REQUIRE(timer_settime(timer, 0, &spec, NULL) == 0);
	return timer;
}

static bool stop;

static void *spin(void *unused)
{
	meet();
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST))
		sites_are_legal();
	return unused;
}

/* 10 kHz, in whichever thread: on all sites, in all windows. */
static void profiler_runs_sites(enum rp_backend backend)
{
	enum { TICKS = 3000 };
	struct updater u = { .seed = 1, .batches = true, .backend = backend };
	uint64_t traps;
	pthread_t spinner;
	timer_t timer;

	setup();
	pthread_barrier_init(&barrier, NULL, 2);
	REQUIRE(!pthread_create(&spinner, NULL, spin, NULL));
	meet();
	timer = start_ticks();
	while (__atomic_load_n(&ticks, __ATOMIC_SEQ_CST) < TICKS ||
	       u.done < COMMITS) {
		CHECK_EQ(commit_batch(&u), 0);
		u.done++;
		if (test_failed())
			test_end();
	}
	timer_delete(timer);
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	pthread_join(spinner, NULL);
	traps = stats_now().traps;
	CHECKF(traps > 0 || cpus() < 2, "no thread met a breakpoint");
	maps_are_as_before();
}

static void profiler_mprotect(void)
{
	profiler_runs_sites(RP_BACKEND_MPROTECT);
}

static void profiler_proc_mem(void)
{
	profiler_runs_sites(RP_BACKEND_PROC_MEM);
}

TEST_MAIN(
	TEST(batches_and_singles),
	TEST(batches_and_singles_by_both_backends),
	TEST(two_threads_on_a_page),
	TEST(profiler_mprotect),
	TEST(profiler_proc_mem),
)
