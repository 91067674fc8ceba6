// SPDX-License-Identifier: MIT
/*
 * What a commit costs, counted from outside: a tracer sees each system call of
 * the thread that commits. The engine's own counters have to agree.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"

#define PAGE	4096u
/* No such call: the tracer counts between two of them. */
#define MARK	((long)100000)

/* struct calls - of one thread between the marks. */
struct calls {
	unsigned int syncs;		/* membarrier SYNC_CORE */
	unsigned int opened;		/* mprotect to writable */
	unsigned int closed;		/* mprotect to anything else */
	unsigned int writes;		/* pwrite */
	unsigned int open_windows;	/* now */
	unsigned int open_outside;	/* syncs with no window open */
	unsigned int others;		/* but for memory of the batch itself */
};

static void count(struct calls *calls, const struct user_regs_struct *regs)
{
	switch (regs->orig_rax) {
	case SYS_membarrier:
		CHECK_EQ(regs->rdi, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE);
		calls->syncs++;
		calls->open_outside += !calls->open_windows;
		break;
	case SYS_mprotect:
		if (regs->rdx & PROT_WRITE) {
			CHECK_EQ(regs->rdx, PROT_READ | PROT_WRITE | PROT_EXEC);
			calls->opened++;
			calls->open_windows++;
		} else {
			CHECK_EQ(regs->rdx, PROT_READ | PROT_EXEC);
			calls->closed++;
			calls->open_windows--;
		}
		break;
	case SYS_pwrite64:
		calls->writes++;
		break;
	case SYS_mmap:
	case SYS_mremap:
	case SYS_munmap:
	case SYS_madvise:
		break;
	default:
		calls->others++;
	}
}

/* Entry and exit of calls alternate; a signal may come in between. */
static int trace(pid_t pid, struct calls *calls)
{
	struct user_regs_struct regs;
	bool counting = false, entry = true;
	int status, deliver = 0;

	memset(calls, 0, sizeof(*calls));
	while (waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
		deliver = 0;
		if (WSTOPSIG(status) == SIGSTOP)
			ptrace(PTRACE_SETOPTIONS, pid, 0,
			       PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
		else if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			deliver = WSTOPSIG(status);
		else {
			ptrace(PTRACE_GETREGS, pid, 0, &regs);
			if (entry && (long)regs.orig_rax == MARK)
				counting = !counting;
			else if (entry && counting)
				count(calls, &regs);
			entry = !entry;
		}
		ptrace(PTRACE_SYSCALL, pid, 0, deliver);
	}
	return status;
}

/* ---- what is traced ---- */

/* struct commit - @nr sites, @at[i] of a line, on every @step-th page. */
struct commit {
	struct rp_text_poke_opts opts;
	unsigned int nr;
	unsigned int step;		/* 0: as dense as can be */
	unsigned int offset;		/* of all but the last */
	unsigned int last_offset;
	bool alone;			/* no other thread */
	bool unchanged;			/* nothing to do */
};

static void add_sites(const struct commit *c, struct arena *arena,
		      struct site *sites)
{
	for (unsigned int i = 0; i < c->nr; i++) {
		unsigned int offset = i + 1 < c->nr ? c->offset :
						      c->last_offset;

		if (c->step)
			arena_add_at(arena, &sites[i], SITE_CALL,
				     arena->text + i * c->step * PAGE + 128 +
				     offset);
		else
			arena_add(arena, &sites[i], SITE_CALL, offset);
	}
}

static size_t text_size(const struct commit *c)
{
	return c->step ? (size_t)c->nr * c->step * PAGE :
			 (size_t)c->nr * SITE_SLOT;
}

static void commit_traced(const struct commit *c)
{
	struct site *sites = calloc(c->nr, sizeof(*sites));
	struct arena arena;

	arena_init(&arena, text_size(c), -1);
	add_sites(c, &arena, sites);
	arena_ready(&arena);
	if (!c->alone)
		start_idle_thread();
	/* What is done once in a process is done. */
	REQUIRE(sites_poke(sites, c->nr, 1, &c->opts) == 0);
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	syscall(MARK);
	CHECK_EQ(sites_poke(sites, c->nr, c->unchanged, &c->opts), 0);
	syscall(MARK);
	CHECK_EQ(sites[c->nr - 1].call(0), c->unchanged ? VALUE_B : VALUE_A);
	test_end();
}

static struct calls calls_of(const struct commit *c)
{
	struct calls calls;
	pid_t pid = fork();

	if (!pid)
		commit_traced(c);
	CHECK_EQ(trace(pid, &calls), 0);
	CHECK_EQ(calls.open_windows, 0);
	CHECK_EQ(calls.opened, calls.closed);
	return calls;
}

static struct commit commit_of(unsigned int nr, unsigned int offset,
			       enum rp_protocol protocol,
			       enum rp_backend backend)
{
	struct commit c = {
		.opts = poke_opts(protocol, backend), .nr = nr,
		.offset = offset, .last_offset = offset,
	};

	return c;
}

static const unsigned int numbers[] = { 1, 10, 1000 };
#define FOR_EACH_NUMBER(n)						\
	for (const unsigned int *n = numbers; n < numbers + 3; n++)

/* ---- tests ---- */

static void skip_without_membarrier(void)
{
	struct rp_text_poke_info info = { .sz = sizeof(info) };

	rp_text_poke_get_info(&info);
	if (info.sync != RP_SYNC_MEMBARRIER)
		test_skip("membarrier is not available");
}

static void atomic_batch_has_one_sync(void)
{
	skip_without_membarrier();
	FOR_EACH_NUMBER(n) {
		struct commit c = commit_of(*n, 0, RP_PROTOCOL_AUTO,
					    RP_BACKEND_MPROTECT);
		struct calls calls = calls_of(&c);

		CHECK_EQ(calls.syncs, 1);
		CHECK_EQ(calls.opened, 1);
		CHECK_EQ(calls.writes, 0);
		CHECK_EQ(calls.open_outside, 0);
	}
}

static void breakpoint_batch_has_three_syncs(void)
{
	skip_without_membarrier();
	FOR_EACH_NUMBER(n) {
		struct commit c = commit_of(*n, 61, RP_PROTOCOL_AUTO,
					    RP_BACKEND_MPROTECT);
		struct calls calls = calls_of(&c);

		CHECK_EQ(calls.syncs, 3);
		CHECK_EQ(calls.opened, 1);
		CHECK_EQ(calls.writes, 0);
		CHECK_EQ(calls.open_outside, 0);
	}
}

static void one_breakpoint_costs_all_three(void)
{
	struct commit c = commit_of(1000, 0, RP_PROTOCOL_AUTO,
				    RP_BACKEND_MPROTECT);

	skip_without_membarrier();
	c.last_offset = 61;
	CHECK_EQ(calls_of(&c).syncs, 3);
}

static void two_mprotects_for_a_run_of_pages(void)
{
	static const enum rp_protocol protocols[] = {
		RP_PROTOCOL_STOPPED, RP_PROTOCOL_ATOMIC, RP_PROTOCOL_BREAKPOINT,
	};

	for (size_t i = 0; i < 3; i++) {
		struct commit c = commit_of(100, 0, protocols[i],
					    RP_BACKEND_MPROTECT);

		/* Each page has a site: one run. Each second: as many runs. */
		c.step = 1;
		CHECK_EQ(calls_of(&c).opened, 1);
		c.step = 2;
		CHECK_EQ(calls_of(&c).opened, 100);
	}
}

static void a_site_across_pages_is_one_run(void)
{
	struct commit c = commit_of(3, 4096 - 128 - 2, RP_PROTOCOL_BREAKPOINT,
				    RP_BACKEND_MPROTECT);

	c.step = 3;
	c.last_offset = 0;
	CHECK_EQ(calls_of(&c).opened, 3);
}

static void alone_needs_no_sync(void)
{
	struct commit c = commit_of(1000, 61, RP_PROTOCOL_AUTO,
				    RP_BACKEND_MPROTECT);
	struct calls calls;

	c.alone = true;
	calls = calls_of(&c);
	CHECK_EQ(calls.syncs, 0);
	CHECK_EQ(calls.opened, 1);
}

static void proc_mem_opens_no_window(void)
{
	skip_without_membarrier();
	FOR_EACH_NUMBER(n) {
		struct commit c = commit_of(*n, 0, RP_PROTOCOL_AUTO,
					    RP_BACKEND_PROC_MEM);
		struct calls calls = calls_of(&c);

		CHECK_EQ(calls.syncs, 3);
		CHECK_EQ(calls.opened, 0);
		CHECK_EQ(calls.writes, 3 * *n);
	}
}

static void nothing_to_change_costs_nothing(void)
{
	struct commit c = commit_of(1000, 61, RP_PROTOCOL_AUTO, 0);
	struct calls calls;

	c.unchanged = true;
	calls = calls_of(&c);
	CHECK_EQ(calls.syncs, 0);
	CHECK_EQ(calls.opened, 0);
	CHECK_EQ(calls.writes, 0);
}

/* The text's mappings, the threads' masks: once, however many sites. */
static void calls_do_not_grow_with_sites(void)
{
	for (unsigned int offset = 0; offset <= 61; offset += 61) {
		struct commit one = commit_of(1, offset, RP_PROTOCOL_AUTO,
					      RP_BACKEND_MPROTECT);
		struct commit many = one;
		unsigned int others = calls_of(&one).others;

		many.nr = 1000;
		CHECK_EQ(calls_of(&many).others, others);
		CHECKF(others < 200, "%u system calls for a site", others);
	}
}

/* ---- the engine's own counters ---- */

static void counters_agree(void)
{
	struct commit c = commit_of(50, 61, RP_PROTOCOL_AUTO,
				    RP_BACKEND_MPROTECT);
	struct site *sites = calloc(c.nr, sizeof(*sites));
	struct rp_text_poke_stats before, after;
	struct arena arena;

	c.step = 2;
	arena_init(&arena, text_size(&c), -1);
	add_sites(&c, &arena, sites);
	arena_ready(&arena);
	start_idle_thread();
	before = stats_now();
	REQUIRE(sites_poke(sites, c.nr, 1, &c.opts) == 0);
	after = stats_now();
	CHECK_EQ(after.commits - before.commits, 1);
	CHECK_EQ(after.syncs - before.syncs, 3);
	CHECK_EQ(after.mprotects - before.mprotects, 100);
	CHECK_EQ(after.sites[RP_PROTOCOL_BREAKPOINT] -
		 before.sites[RP_PROTOCOL_BREAKPOINT], 50);
	c.opts.backend = RP_BACKEND_PROC_MEM;
	REQUIRE(sites_poke(sites, c.nr, 0, &c.opts) == 0);
	CHECK_EQ(stats_now().mprotects, after.mprotects);
	CHECK_EQ(stats_now().mem_writes - after.mem_writes, 150);
}

TEST_MAIN(
	TEST(atomic_batch_has_one_sync),
	TEST(breakpoint_batch_has_three_syncs),
	TEST(one_breakpoint_costs_all_three),
	TEST(two_mprotects_for_a_run_of_pages),
	TEST(a_site_across_pages_is_one_run),
	TEST(alone_needs_no_sync),
	TEST(proc_mem_opens_no_window),
	TEST(nothing_to_change_costs_nothing),
	TEST(calls_do_not_grow_with_sites),
	TEST(counters_agree),
)
