// SPDX-License-Identifier: MIT
/*
 * Children that are made in the middle of a commit, at each of its steps.
 *
 * fork() waits for the commit. A clone by a system call alone does not: its
 * child has the breakpoints and the writable pages, but not the thread that
 * would remove them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"

enum { NR = 6 };
static const enum site_kind kinds[NR] = {
	SITE_CALL, SITE_CALL, SITE_TAIL, SITE_JCC, SITE_KEY, SITE_CALL_MEM,
};

static struct arena arena;
static struct site sites[NR];
static struct maps_text before;
static struct worker worker;
static struct rp_text_poke_opts opts;

static void setup(enum rp_protocol protocol, enum rp_backend backend)
{
	unsigned int offset = protocol == RP_PROTOCOL_ATOMIC ? 0 : 61;

	opts = poke_opts(protocol, backend);
	arena_init(&arena, NR * 4096, arena_file(NR * 4096));
	for (size_t i = 0; i < NR; i++)
		arena_add_at(&arena, &sites[i], kinds[i],
			     arena.text + 64 + offset + i * 4096 / 2);
	arena_ready(&arena);
	worker_start(&worker, 1);
	/* The pages become private; that is seen in no mapping but counts. */
	REQUIRE(sites_poke(sites, NR, 1, &opts) == 0);
	REQUIRE(sites_poke(sites, NR, 0, &opts) == 0);
	maps_read(&before, arena.text, arena.size);
}

static void check_values(unsigned int state)
{
	for (size_t i = 0; i < NR; i++)
		CHECK_EQ(sites[i].call(0),
			 sites[i].value[state % sites[i].states]);
}

static void check_state(unsigned int state)
{
	static struct maps_text now;

	for (size_t i = 0; i < NR; i++)
		CHECKF(site_is_in(&sites[i], state % sites[i].states),
		       "site %zu is not in state %u", i, state);
	check_values(state);
	maps_read(&now, arena.text, arena.size);
	maps_equal(&before, &now);
}

static void set_states(unsigned int state)
{
	for (size_t i = 0; i < NR; i++)
		sites[i].state = state;
}

/*
 * In the child: what it finds may be run, old or new. Its own update puts
 * everything right; then all is as if nobody had been in the middle.
 */
static void live_in_child(void)
{
	int error;

	for (size_t i = 0; i < NR; i++) {
		long value = sites[i].call(0);

		CHECKF(value == sites[i].value[0] || value == sites[i].value[1],
		       "child: site %zu returns %lx", i, value);
	}
	/* The batch was undone; or it was complete: for all sites alike. */
	set_states(0);
	error = sites_poke(sites, NR, 2, &opts);
	if (error == -EILSEQ) {
		set_states(1);
		error = sites_poke(sites, NR, 2, &opts);
	}
	CHECK_EQ(error, 0);
	check_state(2);
	CHECK_EQ(sites_poke(sites, NR, 1, &opts), 0);
	check_state(1);
	test_end();
}

/* ---- clone, by nothing but a system call ---- */

static enum rp__inject_point at;
static unsigned int clones;
static bool from_worker;

static void clone_here(void *arg)
{
	pid_t pid = raw_fork();

	(void)arg;
	if (!pid) {
		hook_points(NULL);
		live_in_child();
	}
	clones++;
	CHECKF(wait_for(pid) == 0, "child made at %s failed", point_name(at));
}

static void clone_at(enum rp__inject_point point)
{
	if (point != at)
		return;
	if (!from_worker) {
		clone_here(NULL);
		return;
	}
	worker_post(&worker, clone_here, NULL);
	worker_wait(&worker);
}

/* At each point; the parent's commit goes on as if nothing had been. */
static void clone_at_each_point(enum rp_protocol protocol,
				enum rp_backend backend)
{
	unsigned int state = 0, points = POINTS_COMMIT;

	setup(protocol, backend);
	if (protocol != RP_PROTOCOL_BREAKPOINT)
		points &= ~(POINTS_INT3 | POINT_BIT(SIGNALS_CHECKED));
	for (at = 0; at < RP__INJECT_NR; at++) {
		if (!point_in(at, points))
			continue;
		clones = 0;
		state = 0;
		REQUIRE(sites_poke(sites, NR, state, &opts) == 0);
		hook_points(clone_at);
		CHECK_EQ(sites_poke(sites, NR, 1, &opts), 0);
		hook_points(NULL);
		CHECKF(clones == 1, "%u clones at %s", clones, point_name(at));
		check_state(1);
	}
}

static void clone_breakpoint_mprotect(void)
{
	clone_at_each_point(RP_PROTOCOL_BREAKPOINT, RP_BACKEND_MPROTECT);
}

static void clone_breakpoint_proc_mem(void)
{
	clone_at_each_point(RP_PROTOCOL_BREAKPOINT, RP_BACKEND_PROC_MEM);
}

static void clone_atomic(void)
{
	clone_at_each_point(RP_PROTOCOL_ATOMIC, RP_BACKEND_MPROTECT);
}

static void clone_stopped(void)
{
	clone_at_each_point(RP_PROTOCOL_STOPPED, RP_BACKEND_MPROTECT);
}

static void clone_from_another_thread_mprotect(void)
{
	from_worker = true;
	clone_breakpoint_mprotect();
}

static void clone_from_another_thread_proc_mem(void)
{
	from_worker = true;
	clone_breakpoint_proc_mem();
}

static void clone_from_another_thread_atomic(void)
{
	from_worker = true;
	clone_atomic();
}

/* ---- clone, while a third thread is in the trap handler ---- */

static struct event in_handler, go_on;

static void run_first(void *unused)
{
	(void)unused;
	CHECK_EQ(sites[0].call(0), sites[0].value[1]);
}

static void clone_around_handler(enum rp__inject_point point)
{
	if (point == RP__INJECT_INT3_SYNCED) {
		worker_post(&worker, run_first, NULL);
		event_wait(&in_handler);
	}
	if (point == RP__INJECT_TRAP_FOUND && gettid_now() == worker.tid) {
		event_set(&in_handler);
		event_wait(&go_on);
	}
	if (point == RP__INJECT_TAIL_SYNCED) {
		clone_here(NULL);
		event_set(&go_on);
	}
}

/* The child has nobody in the handler, and must not wait for who is not. */
static void clone_while_another_handles_a_trap(void)
{
	setup(RP_PROTOCOL_BREAKPOINT, RP_BACKEND_AUTO);
	at = RP__INJECT_TAIL_SYNCED;
	hook_points(clone_around_handler);
	CHECK_EQ(sites_poke(sites, NR, 1, &opts), 0);
	hook_points(NULL);
	worker_wait(&worker);
	CHECK_EQ(clones, 1);
	check_state(1);
}

/* ---- fork ---- */

static struct event forking;
static bool committed;

/* Returns only when no commit is under way: the child has all of it. */
static void fork_now(void *arg)
{
	pid_t pid;

	(void)arg;
	event_set(&forking);
	pid = fork();
	if (!pid) {
		hook_points(NULL);
		CHECK(__atomic_load_n(&committed, __ATOMIC_SEQ_CST));
		set_states(1);
		check_state(1);
		CHECK_EQ(sites_poke(sites, NR, 2, &opts), 0);
		check_state(2);
		test_end();
	}
	CHECK_EQ(wait_for(pid), 0);
}

static void fork_at(enum rp__inject_point point)
{
	if (point == at) {
		worker_post(&worker, fork_now, NULL);
		event_wait(&forking);
		/* Into fork(), as far as it gets. */
		usleep(2000);
	}
	if (point == RP__INJECT_BATCH_RETIRED)
		__atomic_store_n(&committed, true, __ATOMIC_SEQ_CST);
}

static void fork_waits_for_commit(void)
{
	setup(RP_PROTOCOL_BREAKPOINT, RP_BACKEND_AUTO);
	for (at = 0; at < RP__INJECT_NR; at++) {
		/* When signals are looked at, one that forks blocks them. */
		if (!point_in(at, POINTS_COMMIT) || at == RP__INJECT_LOCKED)
			continue;
		forking.set = 0;
		committed = false;
		hook_points(fork_at);
		CHECK_EQ(sites_poke(sites, NR, 1, &opts), 0);
		hook_points(NULL);
		worker_wait(&worker);
		check_state(1);
		CHECK_EQ(sites_poke(sites, NR, 0, &opts), 0);
	}
}

/* A batch that is open, but not committed, is the child's own copy. */
static void fork_with_an_open_batch(void)
{
	struct rp_text_poke_batch *batch;
	pid_t pid;

	setup(RP_PROTOCOL_BREAKPOINT, RP_BACKEND_AUTO);
	REQUIRE(rp_text_poke_batch_begin(&batch, &opts) == 0);
	for (size_t i = 0; i < NR; i++)
		REQUIRE(site_add(batch, &sites[i], 1) == 0);
	pid = fork();
	CHECK_EQ(rp_text_poke_batch_commit(batch), 0);
	check_state(1);
	if (!pid)
		test_end();
	CHECK_EQ(wait_for(pid), 0);
}

/*
 * A descriptor of /proc/self/mem that a child inherits writes to the parent's
 * memory.
 */
static void child_writes_to_itself(void *arg)
{
	(void)arg;
	CHECK_EQ(sites_poke(sites, NR, 2, &opts), 0);
	check_state(2);
}

static void child_does_not_write_to_parent(void)
{
	setup(RP_PROTOCOL_BREAKPOINT, RP_BACKEND_PROC_MEM);
	CHECK_EQ(in_child(child_writes_to_itself, NULL), 0);
	check_state(0);
	opts = poke_opts(RP_PROTOCOL_STOPPED, RP_BACKEND_PROC_MEM);
	CHECK_EQ(in_child(child_writes_to_itself, NULL), 0);
	check_state(0);
	CHECK_EQ(sites_poke(sites, NR, 1, &opts), 0);
	check_state(1);
}

/* ---- children that share the memory ---- */

static int results;

static void vfork_now(void *arg)
{
	volatile long wanted = sites[0].value[(uintptr_t)arg];
	pid_t pid = vfork();

	/* The child has a copy of our handlers, and the parent's memory. */
	if (!pid)
		_exit(sites[0].call(0) == wanted ? 0 : 1);
	results += wait_for(pid) == 0;
}

static void vfork_exec_now(void *arg)
{
	pid_t pid = vfork();

	(void)arg;
	if (!pid) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	results += wait_for(pid) == 0;
}

extern char **environ;

static void spawn_now(void *arg)
{
	char name[] = "true", *argv[] = { name, NULL };
	pid_t pid;

	(void)arg;
	if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) == 0)
		results += wait_for(pid) == 0;
}

static void share_at(enum rp__inject_point point)
{
	bool old = point_in(point, POINTS_BEFORE);
	uint64_t traps = stats_now().traps;

	if (point != at)
		return;
	worker_post(&worker, vfork_now, (void *)(uintptr_t)!old);
	worker_wait(&worker);
	/* Synchronised or not: it entered the kernel since. */
	if (point_in(point, POINTS_INT3))
		CHECK_EQ(stats_now().traps, traps + 1);
	worker_post(&worker, vfork_exec_now, NULL);
	worker_wait(&worker);
	worker_post(&worker, spawn_now, NULL);
	worker_wait(&worker);
}

static void vfork_and_spawn_at_each_point(void)
{
	int wanted = 0;

	setup(RP_PROTOCOL_BREAKPOINT, RP_BACKEND_AUTO);
	for (at = 0; at < RP__INJECT_NR; at++) {
		if (!point_in(at, POINTS_COMMIT))
			continue;
		hook_points(share_at);
		CHECK_EQ(sites_poke(sites, NR, 1, &opts), 0);
		hook_points(NULL);
		wanted += 3;
		CHECK_EQ(results, wanted);
		check_state(1);
		CHECK_EQ(sites_poke(sites, NR, 0, &opts), 0);
	}
}

/* ---- many ---- */

static bool stop;

static void fork_and_spawn(void *arg)
{
	unsigned int *done = arg;

	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
		pid_t pid = *done & 1 ? raw_fork() : fork();

		if (!pid) {
			hook_points(NULL);
			live_in_child();
		}
		CHECK_EQ(wait_for(pid), 0);
		results = 0;
		spawn_now(NULL);
		CHECK_EQ(results, 1);
		__atomic_fetch_add(done, 1, __ATOMIC_SEQ_CST);
	}
}

/* posix_spawn() blocks all signals in its thread for a while. */
static void poke_patiently(unsigned int state)
{
	int error, tries = 0;

	do {
		error = sites_poke(sites, NR, state, &opts);
	} while (error == -EBUSY && ++tries < 1000);
	CHECK_EQ(error, 0);
}

static void fork_storm(void)
{
	enum { CHILDREN = 60 };
	unsigned int done = 0, state = 0;

	setup(RP_PROTOCOL_BREAKPOINT, RP_BACKEND_AUTO);
	worker_post(&worker, fork_and_spawn, &done);
	while (__atomic_load_n(&done, __ATOMIC_SEQ_CST) < CHILDREN &&
	       !test_failed())
		poke_patiently(state ^= 1);
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	worker_wait(&worker);
	check_state(state);
}

TEST_MAIN(
	TEST(clone_breakpoint_mprotect),
	TEST(clone_breakpoint_proc_mem),
	TEST(clone_atomic),
	TEST(clone_stopped),
	TEST(clone_from_another_thread_mprotect),
	TEST(clone_from_another_thread_proc_mem),
	TEST(clone_from_another_thread_atomic),
	TEST(clone_while_another_handles_a_trap),
	TEST(fork_waits_for_commit),
	TEST(fork_with_an_open_batch),
	TEST(child_does_not_write_to_parent),
	TEST(vfork_and_spawn_at_each_point),
	TEST(fork_storm),
)
