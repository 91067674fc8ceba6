// SPDX-License-Identifier: MIT
/*
 * Threads in the trap handler while commits begin and end around them; the
 * thread that commits in its own breakpoints; signals that come meanwhile.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"

static struct arena arena;
static struct site sites[SITE_KIND_NR];
static struct site *site = &sites[SITE_CALL];
static struct worker worker;

static const struct rp_text_poke_opts breakpoint = {
	.sz = sizeof(breakpoint), .protocol = RP_PROTOCOL_BREAKPOINT
};

static void setup(void)
{
	arena_init(&arena, (SITE_KIND_NR + 1) * SITE_SLOT, -1);
	for (int kind = 0; kind < SITE_KIND_NR; kind++)
		arena_add(&arena, &sites[kind], (enum site_kind)kind, 61);
	arena_ready(&arena);
	worker_start(&worker, 1);
}

static struct rp_text_poke_stats before;

static void expect_counts(unsigned int traps, unsigned int retries)
{
	struct rp_text_poke_stats now = stats_now();

	CHECK_EQ(now.traps - before.traps, traps);
	CHECK_EQ(now.retries - before.retries, retries);
	before = now;
}

/* ---- another thread, at each point ---- */

enum { TIMES = 5 };
static enum rp__inject_point at;
static unsigned int met;

static void run_all(void *arg)
{
	unsigned int state = (unsigned int)(uintptr_t)arg;

	for (int i = 0; i < TIMES; i++) {
		for (int kind = 0; kind < SITE_KIND_NR; kind++) {
			struct site *s = &sites[kind];

			CHECKF(s->call(0) == s->value[state % s->states],
			       "%s at %s: not what state %u does",
			       site_kind_name(s->kind), point_name(at), state);
		}
	}
}

static unsigned int next_state;

/* Old until the breakpoints are there, new from then on. */
static void run_at(enum rp__inject_point point)
{
	unsigned int state = next_state - point_in(point, POINTS_BEFORE);

	if (point != at)
		return;
	met++;
	before = stats_now();
	worker_post(&worker, run_all, (void *)(uintptr_t)state);
	worker_wait(&worker);
	expect_counts(point_in(point, POINTS_INT3) ? TIMES * SITE_KIND_NR : 0,
		      0);
}

static void sites_at_each_point(enum rp_backend backend)
{
	struct rp_text_poke_opts opts = poke_opts(RP_PROTOCOL_BREAKPOINT,
						  backend);

	setup();
	for (at = 0; at < RP__INJECT_NR; at++) {
		if (!point_in(at, POINTS_COMMIT))
			continue;
		/* From each state to the next one. */
		for (next_state = 1; next_state <= 60; next_state++) {
			hook_points(run_at);
			REQUIRE(sites_poke(sites, SITE_KIND_NR, next_state,
					   &opts) == 0);
			hook_points(NULL);
		}
		CHECK_EQ(met, 60);
		met = 0;
		REQUIRE(sites_poke(sites, SITE_KIND_NR, 0, &opts) == 0);
	}
}

static void sites_at_each_point_mprotect(void)
{
	sites_at_each_point(RP_BACKEND_MPROTECT);
}

static void sites_at_each_point_proc_mem(void)
{
	sites_at_each_point(RP_BACKEND_PROC_MEM);
}

/* ---- late traps ---- */

/* The worker is held at one point of the handler. */
static enum rp__inject_point hold_at;
static struct event held, release;
static long late_value;

static void run_site(void *arg)
{
	(void)arg;
	late_value = site->call(0);
}

static void hold(enum rp__inject_point point)
{
	if (gettid_now() == worker.tid) {
		if (point == hold_at && !event_is_set(&held)) {
			event_set(&held);
			event_wait(&release);
		}
	} else if (point == RP__INJECT_INT3_SYNCED && !event_is_set(&held)) {
		worker_post(&worker, run_site, NULL);
		event_wait(&held);
	}
}

static void trap_and_hold(enum rp__inject_point point)
{
	setup();
	before = stats_now();
	hold_at = point;
	hook_points(hold);
	CHECK_EQ(site_poke(site, 1, &breakpoint), 0);
	REQUIRE(event_is_set(&held));
}

static void let_go(void)
{
	event_set(&release);
	worker_wait(&worker);
}

/* The kernel kept it until the batch was over: it runs the site again. */
static void trap_after_the_batch(void)
{
	trap_and_hold(RP__INJECT_TRAP_ENTER);
	let_go();
	CHECK_EQ(late_value, VALUE_B);
	expect_counts(0, 1);
}

static void trap_after_three_batches(void)
{
	trap_and_hold(RP__INJECT_TRAP_ENTER);
	CHECK_EQ(site_poke(site, 2, &breakpoint), 0);
	CHECK_EQ(site_poke(site, 3, &breakpoint), 0);
	let_go();
	CHECK_EQ(late_value, 0);
	expect_counts(0, 1);
}

/* A batch is a list only until it is committed, also for a handler. */
static void trap_while_a_batch_is_open(void)
{
	struct rp_text_poke_batch *batch;

	trap_and_hold(RP__INJECT_TRAP_ENTER);
	REQUIRE(rp_text_poke_batch_begin(&batch, &breakpoint) == 0);
	REQUIRE(site_add(batch, site, 2) == 0);
	let_go();
	CHECK_EQ(late_value, VALUE_B);
	expect_counts(0, 1);
	CHECK_EQ(rp_text_poke_batch_commit(batch), 0);
}

/* While the next commit has its own breakpoint on the same site. */
static void go_on_at_int3(enum rp__inject_point point)
{
	if (gettid_now() == worker.tid)
		return;
	if (point == RP__INJECT_INT3_SYNCED || point == RP__INJECT_TAIL_SYNCED)
		if (!event_is_set(&release))
			let_go();
}

static void trap_in_the_next_batch(void)
{
	trap_and_hold(RP__INJECT_TRAP_ENTER);
	hook_points(go_on_at_int3);
	CHECK_EQ(site_poke(site, 2, &breakpoint), 0);
	REQUIRE(event_is_set(&release));
	CHECK_EQ(late_value, VALUE_NOTHING);
	expect_counts(1, 0);
}

/* In the window of another site: this one is complete. */
static void trap_in_a_batch_of_others(void)
{
	trap_and_hold(RP__INJECT_TRAP_ENTER);
	hook_points(go_on_at_int3);
	CHECK_EQ(site_poke(&sites[SITE_TAIL], 1, &breakpoint), 0);
	REQUIRE(event_is_set(&release));
	CHECK_EQ(late_value, VALUE_B);
	expect_counts(0, 1);
}

static void let_go_at_int3(enum rp__inject_point point)
{
	if (gettid_now() == worker.tid)
		hold(point);
	else
		go_on_at_int3(point);
}

static struct event first_retired;

static void hold_twice(enum rp__inject_point point)
{
	if (gettid_now() == worker.tid && point == RP__INJECT_TRAP_ENTER) {
		event_set(&held);
		event_wait(&first_retired);
	} else if (gettid_now() == worker.tid) {
		if (point == RP__INJECT_TRAP_MISSED &&
		    !event_is_set(&release)) {
			event_set(&held);
			event_wait(&release);
		}
	} else if (point == RP__INJECT_INT3_SYNCED) {
		worker_post(&worker, run_site, NULL);
		event_wait(&held);
	}
}

/*
 * It looked when no batch was there, and looks at the byte when the next one's
 * breakpoint is: that is not somebody else's.
 */
static void trap_between_two_batches(void)
{
	setup();
	before = stats_now();
	hook_points(hold_twice);
	CHECK_EQ(site_poke(site, 1, &breakpoint), 0);
	REQUIRE(event_is_set(&held));
	held.set = 0;
	event_set(&first_retired);
	event_wait(&held);
	hook_points(let_go_at_int3);
	CHECK_EQ(site_poke(site, 2, &breakpoint), 0);
	REQUIRE(event_is_set(&release));
	CHECK_EQ(late_value, VALUE_NOTHING);
	expect_counts(1, 0);
}

/* ---- the batch stays while a handler looks at it ---- */

static struct worker helper;
static struct event window_closed;
static bool let_go_soon;

static void let_go_later(void *arg)
{
	(void)arg;
	event_wait(&window_closed);
	/* Time for a commit that does not wait to be over. */
	usleep(30000);
	__atomic_store_n(&let_go_soon, true, __ATOMIC_SEQ_CST);
	event_set(&release);
}

static void hold_found(enum rp__inject_point point)
{
	hold(point);
	if (point == RP__INJECT_WINDOW_CLOSED)
		event_set(&window_closed);
	if (point == RP__INJECT_BATCH_RETIRED)
		CHECK(__atomic_load_n(&let_go_soon, __ATOMIC_SEQ_CST));
}

static void commit_waits_for_handlers(void)
{
	setup();
	before = stats_now();
	worker_start(&helper, 1);
	worker_post(&helper, let_go_later, NULL);
	hold_at = RP__INJECT_TRAP_FOUND;
	hook_points(hold_found);
	CHECK_EQ(site_poke(site, 1, &breakpoint), 0);
	CHECK(__atomic_load_n(&let_go_soon, __ATOMIC_SEQ_CST));
	worker_wait(&worker);
	CHECK_EQ(late_value, VALUE_B);
	expect_counts(1, 0);
}

/* ---- the thread that commits ---- */

static unsigned int reached;

/* The poke path may contain what it changes. */
static void call_site(enum rp__inject_point point)
{
	uint64_t traps = stats_now().traps;

	if (!point_in(point, POINTS_COMMIT))
		return;
	at = point;
	run_all((void *)(uintptr_t)!point_in(point, POINTS_BEFORE));
	CHECK_EQ(stats_now().traps - traps, point_in(point, POINTS_INT3) ?
		 TIMES * SITE_KIND_NR : 0);
	reached |= 1u << point;
}

static void committer_runs_the_sites(void)
{
	setup();
	hook_points(call_site);
	CHECK_EQ(sites_poke(sites, SITE_KIND_NR, 1, &breakpoint), 0);
	CHECK_EQ(reached, POINTS_COMMIT);
}

static void committer_runs_the_sites_proc_mem(void)
{
	struct rp_text_poke_opts opts = poke_opts(RP_PROTOCOL_BREAKPOINT,
						  RP_BACKEND_PROC_MEM);

	setup();
	hook_points(call_site);
	CHECK_EQ(sites_poke(sites, SITE_KIND_NR, 1, &opts), 0);
	CHECK_EQ(reached, POINTS_COMMIT);
}

static void poke_again(enum rp__inject_point point)
{
	struct site other = sites[SITE_TAIL];

	if (!point_in(point, POINTS_COMMIT))
		return;
	CHECK_EQ(site_poke(&other, 1, &breakpoint), -EDEADLK);
	CHECK_EQ(site_poke(site, 2, &breakpoint), -EDEADLK);
	reached |= 1u << point;
}

/* From a log callback, say: refused, and the one under way is unharmed. */
static void commit_within_a_commit(void)
{
	setup();
	hook_points(poke_again);
	CHECK_EQ(site_poke(site, 1, &breakpoint), 0);
	CHECK_EQ(reached, POINTS_COMMIT);
	hook_points(NULL);
	CHECK_EQ(site->call(0), VALUE_B);
	CHECK_EQ(sites[SITE_TAIL].call(0), VALUE_A);
	CHECK_EQ(site_poke(site, 2, &breakpoint), 0);
}

/* ---- signals that come meanwhile ---- */

static bool in_commit;
static unsigned int delivered, delivered_inside;

static void on_signal(int signal)
{
	(void)signal;
	delivered++;
	delivered_inside += in_commit;
	/* Whatever it does with sites is done with complete ones. */
	CHECK_EQ(site->call(0), VALUE_B);
}

#define POINTS_BLOCKED	((POINTS_COMMIT & ~POINTS_BEFORE) | \
			 POINT_BIT(WINDOW_OPEN))

static void raise_at(enum rp__inject_point point)
{
	sigset_t pending;

	if (point == RP__INJECT_WINDOW_OPEN)
		in_commit = true;
	if (point == at) {
		raise(SIGUSR1);
		raise(SIGRTMIN);
		kill(getpid(), SIGALRM);
		sigpending(&pending);
		CHECK(sigismember(&pending, SIGUSR1));
		CHECK_EQ(delivered, 0);
		reached |= 1u << point;
	}
	if (point == RP__INJECT_BATCH_RETIRED)
		in_commit = false;
}

static void block_alarm(void *arg)
{
	sigset_t set;

	(void)arg;
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* A handler that runs on this thread finds old or new, never a window. */
static void signals_wait_for_the_end(enum rp_protocol protocol)
{
	struct rp_text_poke_opts opts = poke_opts(protocol, 0);
	unsigned int points = POINTS_BLOCKED;

	setup();
	if (protocol != RP_PROTOCOL_BREAKPOINT)
		points &= ~POINTS_INT3;
	worker_post(&worker, block_alarm, NULL);
	worker_wait(&worker);
	signal(SIGUSR1, on_signal);
	signal(SIGALRM, on_signal);
	signal(SIGRTMIN, on_signal);
	for (at = 0; at < RP__INJECT_NR; at++) {
		if (!point_in(at, points))
			continue;
		hook_points(raise_at);
		CHECK_EQ(site_poke(site, 1, &opts), 0);
		hook_points(NULL);
		CHECK_EQ(delivered, 3);
		CHECK_EQ(delivered_inside, 0);
		delivered = 0;
		CHECK_EQ(site_poke(site, 0, &opts), 0);
	}
	CHECK_EQ(reached, points);
}

static void signals_wait_breakpoint(void)
{
	signals_wait_for_the_end(RP_PROTOCOL_BREAKPOINT);
}

static void signals_wait_stopped(void)
{
	signals_wait_for_the_end(RP_PROTOCOL_STOPPED);
}

static void mask_is_given_back(void)
{
	sigset_t mask, now;

	setup();
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	sigaddset(&mask, SIGSEGV);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
	CHECK_EQ(site_poke(site, 1, &breakpoint), 0);
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	for (int i = 1; i < NSIG; i++)
		CHECKF(sigismember(&mask, i) == sigismember(&now, i),
		       "signal %d", i);
}

TEST_MAIN(
	TEST(sites_at_each_point_mprotect),
	TEST(sites_at_each_point_proc_mem),
	TEST(trap_after_the_batch),
	TEST(trap_after_three_batches),
	TEST(trap_while_a_batch_is_open),
	TEST(trap_in_the_next_batch),
	TEST(trap_in_a_batch_of_others),
	TEST(trap_between_two_batches),
	TEST(commit_waits_for_handlers),
	TEST(committer_runs_the_sites),
	TEST(committer_runs_the_sites_proc_mem),
	TEST(commit_within_a_commit),
	TEST(signals_wait_breakpoint),
	TEST(signals_wait_stopped),
	TEST(mask_is_given_back),
)
