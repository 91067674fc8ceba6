// SPDX-License-Identifier: MIT
/*
 * SIGTRAP belongs to the program: threads that block it, processes that ignore
 * it, handlers before and after ours, breakpoints that are not ours.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <ucontext.h>

#include "arena.h"

static struct arena arena;
static struct site site;
static struct rp_error error;
static struct worker worker;

static const struct rp_text_poke_opts breakpoint = {
	.sz = sizeof(breakpoint), .protocol = RP_PROTOCOL_BREAKPOINT,
	.error = &error
};

static void setup(void)
{
	arena_init(&arena, 4 * SITE_SLOT, -1);
	arena_add(&arena, &site, SITE_CALL, 61);
	arena_ready(&arena);
	worker_start(&worker, 1);
}

/* A breakpoint of the program's own. */
static void foreign_int3(void)
{
	__asm__ volatile("int3" : : : "memory");
}

/* ---- blocked and ignored ---- */

static void mask_trap(void *how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTRAP);
	pthread_sigmask(*(int *)how, &set, NULL);
}

static int block = SIG_BLOCK, unblock = SIG_UNBLOCK;

static void run_on_worker(void (*fn)(void *), void *arg)
{
	worker_post(&worker, fn, arg);
	worker_wait(&worker);
}

static void nothing_changed(void)
{
	static struct maps_text maps;

	CHECK(site_is_in(&site, 0));
	CHECK_EQ(site.call(0), VALUE_A);
	maps_read(&maps, arena.text, arena.size);
	CHECK(strstr(maps.text, " r-xp "));
	CHECK(!strchr(maps.text, 'w'));
}

static void blocked_in_a_thread(void)
{
	struct rp_text_poke_opts atomic = poke_opts(RP_PROTOCOL_ATOMIC, 0);
	struct site aligned;
	char tid[20];

	setup();
	mprotect(arena.text, arena.size, PROT_READ | PROT_WRITE | PROT_EXEC);
	arena_add(&arena, &aligned, SITE_CALL, 0);
	arena_ready(&arena);
	run_on_worker(mask_trap, &block);
	CHECK_EQ(site_poke(&site, 1, &breakpoint), -EBUSY);
	CHECK_EQ(error.code, -EBUSY);
	CHECK_EQ(error.tid, worker.tid);
	snprintf(tid, sizeof(tid), "%d", worker.tid);
	CHECK(strstr(error.message, tid));
	nothing_changed();
	/* One store does no harm to it. */
	CHECK_EQ(site_poke(&aligned, 1, &atomic), 0);
	run_on_worker(mask_trap, &unblock);
	CHECK_EQ(site_poke(&site, 1, &breakpoint), 0);
	CHECK_EQ(site.call(0), VALUE_B);
}

static void blocked_in_the_committer(void)
{
	setup();
	mask_trap(&block);
	CHECK_EQ(site_poke(&site, 1, &breakpoint), -EBUSY);
	CHECK_EQ(error.tid, gettid_now());
	nothing_changed();
}

static void block_all(void *arg)
{
	sigset_t set;

	(void)arg;
	sigfillset(&set);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
}

static void all_blocked_in_workers(void)
{
	setup();
	run_on_worker(block_all, NULL);
	CHECK_EQ(site_poke(&site, 1, &breakpoint), -EBUSY);
	CHECK_EQ(error.tid, worker.tid);
	nothing_changed();
}

static void ignored(void)
{
	setup();
	signal(SIGTRAP, SIG_IGN);
	CHECK_EQ(site_poke(&site, 1, &breakpoint), -EBUSY);
	CHECK_EQ(error.code, -EBUSY);
	CHECK(strstr(error.message, "SIGTRAP"));
	nothing_changed();
	signal(SIGTRAP, SIG_DFL);
	CHECK_EQ(site_poke(&site, 1, &breakpoint), 0);
	/* And when it is ignored only later. */
	signal(SIGTRAP, SIG_IGN);
	CHECK_EQ(site_poke(&site, 0, &breakpoint), -EBUSY);
	CHECK_EQ(site.call(0), VALUE_B);
}

static void nothing(int signal)
{
	(void)signal;
}

/* A thread that is taken into it would be killed, whoever sends the signal. */
static void blocked_in_another_handler(void)
{
	struct sigaction action = { .sa_handler = nothing };

	setup();
	sigaddset(&action.sa_mask, SIGTRAP);
	sigaction(SIGUSR2, &action, NULL);
	CHECK_EQ(site_poke(&site, 1, &breakpoint), -EBUSY);
	CHECK_EQ(error.code, -EBUSY);
	CHECK_EQ(error.tid, 0);
	nothing_changed();
	sigdelset(&action.sa_mask, SIGTRAP);
	sigaction(SIGUSR2, &action, NULL);
	CHECK_EQ(site_poke(&site, 1, &breakpoint), 0);
}

/* ---- handlers of the program ---- */

static volatile int seen, depth, deepest;
static siginfo_t seen_info;
static sigset_t seen_mask;

static void note(int signal)
{
	CHECK_EQ(signal, SIGTRAP);
	seen++;
	sigprocmask(SIG_BLOCK, NULL, &seen_mask);
}

static void note_info(int signal, siginfo_t *info, void *context)
{
	note(signal);
	CHECK(context != NULL);
	seen_info = *info;
}

static void set_handler(void (*fn)(int, siginfo_t *, void *), int flags,
			int also_blocked)
{
	struct sigaction action = { .sa_flags = flags };

	if (flags & SA_SIGINFO)
		action.sa_sigaction = fn;
	else
		action.sa_handler = note;
	if (also_blocked)
		sigaddset(&action.sa_mask, also_blocked);
	REQUIRE(sigaction(SIGTRAP, &action, NULL) == 0);
}

/* The handler was there first, ours came on top. */
static void chain(int flags, int also_blocked)
{
	setup();
	set_handler(note_info, flags, also_blocked);
	REQUIRE(site_poke(&site, 1, &breakpoint) == 0);
	REQUIRE(site_poke(&site, 0, &breakpoint) == 0);
}

static void int3_reaches_siginfo_handler(void)
{
	chain(SA_SIGINFO, 0);
	foreign_int3();
	CHECK_EQ(seen, 1);
	CHECK_EQ(seen_info.si_code, SI_KERNEL);
	CHECK_EQ(seen_info.si_signo, SIGTRAP);
}

static void int3_reaches_plain_handler(void)
{
	chain(0, 0);
	foreign_int3();
	foreign_int3();
	CHECK_EQ(seen, 2);
}

static void sent_signals_reach_handler(void)
{
	union sigval value = { .sival_int = 4711 };

	chain(SA_SIGINFO, 0);
	raise(SIGTRAP);
	CHECK_EQ(seen, 1);
	CHECK_EQ(seen_info.si_code, SI_TKILL);
	CHECK_EQ(seen_info.si_pid, getpid());
	/* The worker may take it: wait for it there, too. */
	run_on_worker(mask_trap, &block);
	kill(getpid(), SIGTRAP);
	CHECK_EQ(seen, 2);
	CHECK_EQ(seen_info.si_code, SI_USER);
	sigqueue(getpid(), SIGTRAP, value);
	CHECK_EQ(seen, 3);
	CHECK_EQ(seen_info.si_code, SI_QUEUE);
	CHECK_EQ(seen_info.si_value.sival_int, 4711);
}

/* A sent SIGTRAP is no breakpoint, even just behind the one of a fault. */
static void sent_signal_after_a_trap(void)
{
	chain(SA_SIGINFO, 0);
	foreign_int3();
	raise(SIGTRAP);
	CHECK_EQ(seen, 2);
	CHECK_EQ(seen_info.si_code, SI_TKILL);
}

static void masks_are_the_handlers(void)
{
	sigset_t now;

	chain(SA_SIGINFO, SIGUSR2);
	foreign_int3();
	CHECK_EQ(seen, 1);
	CHECK(sigismember(&seen_mask, SIGUSR2));
	CHECK(!sigismember(&seen_mask, SIGUSR1));
	CHECK(!sigismember(&seen_mask, SIGPROF));
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK(!sigismember(&now, SIGTRAP));
	CHECK(!sigismember(&now, SIGUSR2));
}

static void interrupted_mask_is_kept(void)
{
	sigset_t set, now;

	chain(SA_SIGINFO, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	foreign_int3();
	CHECK(sigismember(&seen_mask, SIGUSR1));
	CHECK(!sigismember(&seen_mask, SIGUSR2));
	sigprocmask(SIG_BLOCK, NULL, &now);
	CHECK(sigismember(&now, SIGUSR1));
}

static void again(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	if (++depth > deepest)
		deepest = depth;
	if (seen++ < 3)
		raise(SIGTRAP);
	depth--;
}

static void nodefer_nests(void)
{
	chain(SA_SIGINFO, 0);
	set_handler(again, SA_SIGINFO | SA_NODEFER, 0);
	REQUIRE(site_poke(&site, 1, &breakpoint) == 0);
	foreign_int3();
	CHECK_EQ(seen, 4);
	CHECK_EQ(deepest, 4);
}

static void defer_does_not_nest(void)
{
	chain(SA_SIGINFO, 0);
	set_handler(again, SA_SIGINFO, 0);
	REQUIRE(site_poke(&site, 1, &breakpoint) == 0);
	raise(SIGTRAP);
	CHECK_EQ(seen, 4);
	CHECK_EQ(deepest, 1);
}

static void again_queued(int signal, siginfo_t *info, void *context)
{
	union sigval value = { .sival_int = 4711 + seen };

	(void)signal;
	(void)context;
	CHECK_EQ(depth, 0);
	depth++;
	if (seen++)
		CHECK_EQ(info->si_value.sival_int, 4711);
	else
		for (int i = 0; i < 2; i++, value.sival_int += 1000)
			sigqueue(getpid(), SIGTRAP, value);
	depth--;
}

/* A standard signal is not queued: of two, the first one is kept, whole. */
static void sent_signal_is_deferred(void)
{
	chain(SA_SIGINFO, 0);
	set_handler(again_queued, SA_SIGINFO, 0);
	REQUIRE(site_poke(&site, 1, &breakpoint) == 0);
	/* It is not to take what is meant for this one. */
	run_on_worker(mask_trap, &block);
	for (int i = 0; i < 2; i++) {
		seen = 0;
		foreign_int3();
		CHECK_EQ(seen, 2);
	}
}

static void trap_again(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	if (++depth > deepest)
		deepest = depth;
	if (!seen++)
		foreign_int3();
	depth--;
}

static void trap_in_handler(void *flags)
{
	chain(SA_SIGINFO, 0);
	set_handler(trap_again, SA_SIGINFO | *(int *)flags, 0);
	REQUIRE(site_poke(&site, 1, &breakpoint) == 0);
	foreign_int3();
	CHECK_EQ(seen, 2);
	CHECK_EQ(deepest, 2);
}

/* As if ours were not there: a thread that blocks SIGTRAP dies of a trap. */
static void int3_in_handler(void)
{
	int flags = 0, status = in_child(trap_in_handler, &flags);

	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGTRAP);
	flags = SA_NODEFER;
	CHECK_EQ(in_child(trap_in_handler, &flags), 0);
}

static void die_at_second(void *arg)
{
	(void)arg;
	chain(SA_SIGINFO | SA_RESETHAND, 0);
	foreign_int3();
	CHECK_EQ(seen, 1);
	foreign_int3();
	CHECKF(false, "survived the second");
}

static void resethand_serves_once(void)
{
	int status = in_child(die_at_second, NULL);

	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGTRAP);
}

/* The program changes its mind; the next commit notices. */
static void handler_installed_after_ours(void)
{
	setup();
	REQUIRE(site_poke(&site, 1, &breakpoint) == 0);
	set_handler(note_info, SA_SIGINFO, 0);
	foreign_int3();
	CHECK_EQ(seen, 1);
	REQUIRE(site_poke(&site, 2, &breakpoint) == 0);
	foreign_int3();
	CHECK_EQ(seen, 2);
	CHECK_EQ(site_poke(&site, 0, &breakpoint), 0);
}

static void trap_in_worker(void *arg)
{
	*(long *)arg = site.call(0);
}

static long worker_value;

static void run_at_int3(enum rp__inject_point point)
{
	if (point == RP__INJECT_INT3_SYNCED)
		run_on_worker(trap_in_worker, &worker_value);
}

/* Ours goes first, and takes nothing of the program's away. */
static void our_traps_do_not_reach_handler(void)
{
	chain(SA_SIGINFO, 0);
	hook_points(run_at_int3);
	CHECK_EQ(site_poke(&site, 1, &breakpoint), 0);
	CHECK_EQ(worker_value, VALUE_B);
	CHECK_EQ(stats_now().traps, 1);
	CHECK_EQ(seen, 0);
}

/* ---- a signal while ours runs ---- */

static bool in_ours, is_child;
static pid_t (*fork_by)(void);
static pid_t forked;

/*
 * The child would find a handler of ours at work, which counts itself in and
 * out; it must not start in between.
 */
static void fork_in_handler(int signal)
{
	(void)signal;
	CHECK(!in_ours);
	forked = fork_by();
	if (!forked)
		is_child = true;
}

static void trap_and_fork(void *arg)
{
	long value = site.call(0);

	(void)arg;
	CHECK_EQ(value, VALUE_B);
	if (!is_child)
		return;
	hook_points(NULL);
	/* Of a child that was made in the midst: undone; else: done. */
	if (site_poke(&site, 2, &breakpoint) == -EILSEQ) {
		site.state = 1;
		CHECK_EQ(site_poke(&site, 2, &breakpoint), 0);
	}
	CHECK_EQ(site.call(0), VALUE_NOTHING);
	CHECK_EQ(site_poke(&site, 0, &breakpoint), 0);
	CHECK_EQ(site.call(0), VALUE_A);
	test_end();
}

static void signal_at_trap(enum rp__inject_point point)
{
	if (point == RP__INJECT_INT3_SYNCED) {
		worker_post(&worker, trap_and_fork, NULL);
		while (!stats_now().traps)
			sched_yield();
	}
	if (point == RP__INJECT_TRAP_FOUND && gettid_now() == worker.tid) {
		in_ours = true;
		raise(SIGUSR1);
		in_ours = false;
	}
}

static void fork_when_ours_is_done(pid_t (*by)(void))
{
	setup();
	fork_by = by;
	signal(SIGUSR1, fork_in_handler);
	hook_points(signal_at_trap);
	CHECK_EQ(site_poke(&site, 1, &breakpoint), 0);
	worker_wait(&worker);
	hook_points(NULL);
	REQUIRE(forked > 0);
	CHECK_EQ(wait_for(forked), 0);
	CHECK_EQ(site_poke(&site, 2, &breakpoint), 0);
}

static void fork_while_a_trap_is_handled(void)
{
	fork_when_ours_is_done(fork);
}

static void clone_while_a_trap_is_handled(void)
{
	fork_when_ours_is_done(raw_fork);
}

/* ---- handlers that chain ---- */

static struct sigaction ours;

static void pass_back(int signal, siginfo_t *info, void *context)
{
	seen++;
	ours.sa_sigaction(signal, info, context);
}

static void ping_pong(void *arg)
{
	(void)arg;
	setup();
	REQUIRE(site_poke(&site, 1, &breakpoint) == 0);
	sigaction(SIGTRAP, NULL, &ours);
	set_handler(pass_back, SA_SIGINFO, 0);
	hook_points(run_at_int3);
	REQUIRE(site_poke(&site, 2, &breakpoint) == 0);
	CHECK_EQ(worker_value, VALUE_NOTHING);
	foreign_int3();
	CHECKF(false, "survived");
}

/* A handler that hands on to ours, which hands on to it: no endless loop. */
static void handlers_that_chain_to_each_other(void)
{
	int status = in_child(ping_pong, NULL);

	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGTRAP);
}

/* ---- the program's handler runs a site ---- */

static volatile long handler_value;

static void run_site_in_handler(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	seen++;
	handler_value = site.call(0);
}

static void int3_in_worker(void *arg)
{
	(void)arg;
	foreign_int3();
}

static void foreign_at_int3(enum rp__inject_point point)
{
	if (point == RP__INJECT_INT3_SYNCED || point == RP__INJECT_TAIL_SYNCED)
		run_on_worker(int3_in_worker, NULL);
}

static void site_in_handler(int flags)
{
	setup();
	set_handler(run_site_in_handler, SA_SIGINFO | flags, 0);
	hook_points(foreign_at_int3);
	CHECK_EQ(site_poke(&site, 1, &breakpoint), 0);
	CHECK_EQ(seen, 2);
	CHECK_EQ(handler_value, VALUE_B);
	CHECK_EQ(stats_now().traps, 2);
}

static void site_in_handler_nodefer(void)
{
	site_in_handler(SA_NODEFER);
}

/*
 * Its mask asks for SIGTRAP to be blocked, and a thread that blocks it is
 * killed by a breakpoint: never by ours.
 */
static void site_in_handler_defer(void)
{
	site_in_handler(0);
}

static sigjmp_buf back;

static void jump(int signal)
{
	(void)signal;
	siglongjmp(back, 1);
}

static void handler_may_jump_out(void)
{
	volatile int rounds = 0;

	setup();
	signal(SIGTRAP, jump);
	for (; rounds < 3; rounds++) {
		REQUIRE(site_poke(&site, (unsigned int)rounds & 1 ? 0 : 1,
				  &breakpoint) == 0);
		if (!sigsetjmp(back, 1)) {
			foreign_int3();
			CHECKF(false, "came back");
		}
	}
	hook_points(run_at_int3);
	CHECK_EQ(site_poke(&site, 2, &breakpoint), 0);
	CHECK_EQ(worker_value, VALUE_NOTHING);
}

/* ---- system calls that a sent SIGTRAP interrupts ---- */

static int pipe_fds[2];

/* It sleeps in the read, and nowhere else. */
static bool sleeps(int tid)
{
	char path[64], state = 0;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	stat = fopen(path, "r");
	REQUIRE(stat && fscanf(stat, "%*d (%*[^)]) %c", &state) == 1);
	fclose(stat);
	return state == 'S';
}

static void send_then_write(void *tid)
{
	while (!sleeps(*(int *)tid))
		sched_yield();
	syscall(SYS_tgkill, getpid(), *(int *)tid, SIGTRAP);
	while (!seen || !sleeps(*(int *)tid))
		sched_yield();
	REQUIRE(write(pipe_fds[1], "x", 1) == 1);
}

/* Whether a read goes on after the handler is the program's choice. */
static void read_interrupted(int flags, ssize_t wanted)
{
	int me = gettid_now();
	ssize_t n;
	char c;

	chain(SA_SIGINFO | flags, 0);
	REQUIRE(pipe(pipe_fds) == 0);
	worker_post(&worker, send_then_write, &me);
	n = read(pipe_fds[0], &c, 1);
	CHECK_EQ(n, wanted);
	if (n < 0)
		CHECK_EQ(errno, EINTR);
	worker_wait(&worker);
	CHECK_EQ(seen, 1);
}

static void read_is_restarted(void)
{
	read_interrupted(SA_RESTART, 1);
}

static void read_is_interrupted(void)
{
	read_interrupted(0, -1);
}

/* ---- breakpoints of others ---- */

static void die_of_int3(void *arg)
{
	(void)arg;
	setup();
	REQUIRE(site_poke(&site, 1, &breakpoint) == 0);
	foreign_int3();
	CHECKF(false, "survived");
}

static void die_of_kill(void *arg)
{
	(void)arg;
	setup();
	REQUIRE(site_poke(&site, 1, &breakpoint) == 0);
	kill(getpid(), SIGTRAP);
	CHECKF(false, "survived");
}

static void default_action_kills(void)
{
	int status = in_child(die_of_int3, NULL);

	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGTRAP);
	status = in_child(die_of_kill, NULL);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGTRAP);
}

static void write_text(uint8_t *at, uint8_t byte)
{
	REQUIRE(mprotect(arena.text, arena.size,
			 PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
	*at = byte;
	arena_ready(&arena);
}

static void foreign_breakpoint_on_a_site(void)
{
	setup();
	write_text(site.insn, 0xcc);
	CHECK_EQ(site_poke(&site, 1, &breakpoint), -EILSEQ);
	CHECK_EQ(error.code, -EILSEQ);
	CHECK(error.addr == site.insn);
	CHECK_EQ(error.len, 5);
	CHECK_EQ(error.found[0], 0xcc);
	CHECK(!memcmp(error.expected, site.bytes[0], 5));
	CHECK(strstr(error.message, "breakpoint"));
	CHECK_EQ(*site.insn, 0xcc);
	write_text(site.insn, site.bytes[0][0]);
	CHECK_EQ(site_poke(&site, 1, &breakpoint), 0);
}

static void foreign_breakpoint_in_a_batch(void)
{
	enum { NR = 1000 };
	static struct site sites[NR];
	static uint8_t image[NR * SITE_SLOT];

	arena_init(&arena, sizeof(image), -1);
	for (size_t i = 0; i < NR; i++)
		arena_add(&arena, &sites[i], SITE_CALL, i % 64);
	write_text(sites[777].insn, 0xcc);
	start_idle_thread();
	memcpy(image, arena.text, sizeof(image));
	for (int protocol = 0; protocol < RP_PROTOCOL_NR; protocol++) {
		struct rp_text_poke_opts opts = poke_opts(protocol, 0);

		opts.error = &error;
		/* Not everywhere possible, and refused for one reason or the
		 * other. */
		if (protocol == RP_PROTOCOL_ATOMIC)
			continue;
		CHECK_EQ(sites_poke(sites, NR, 1, &opts), -EILSEQ);
		CHECK(error.addr == sites[777].insn);
		CHECK(strstr(error.message, "breakpoint"));
		CHECK(!memcmp(image, arena.text, sizeof(image)));
	}
	write_text(sites[777].insn, sites[777].bytes[0][0]);
	CHECK_EQ(sites_poke(sites, NR, 1, &breakpoint), 0);
}

TEST_MAIN(
	TEST(blocked_in_a_thread),
	TEST(blocked_in_the_committer),
	TEST(all_blocked_in_workers),
	TEST(ignored),
	TEST(blocked_in_another_handler),
	TEST(int3_reaches_siginfo_handler),
	TEST(int3_reaches_plain_handler),
	TEST(sent_signals_reach_handler),
	TEST(sent_signal_after_a_trap),
	TEST(masks_are_the_handlers),
	TEST(interrupted_mask_is_kept),
	TEST(nodefer_nests),
	TEST(defer_does_not_nest),
	TEST(sent_signal_is_deferred),
	TEST(int3_in_handler),
	TEST(resethand_serves_once),
	TEST(handler_installed_after_ours),
	TEST(our_traps_do_not_reach_handler),
	TEST(fork_while_a_trap_is_handled),
	TEST(clone_while_a_trap_is_handled),
	TEST(handlers_that_chain_to_each_other),
	TEST(site_in_handler_nodefer),
	TEST(site_in_handler_defer),
	TEST(handler_may_jump_out),
	TEST(read_is_restarted),
	TEST(read_is_interrupted),
	TEST(default_action_kills),
	TEST(foreign_breakpoint_on_a_site),
	TEST(foreign_breakpoint_in_a_batch),
)
