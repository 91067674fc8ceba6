// SPDX-License-Identifier: MIT
/*
 * Hostile environments. In each, updates either work by a slower route, which
 * is named here, or are refused with an errno that is named here; and the
 * program goes on as before.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <repoint/text_poke.h>

#include "case.h"
#include "environment.h"
#include "special.h"
#include "subject.h"
#include "unharmed.h"

/*
 * struct expect - what an environment allows.
 * @later:   applied when the program runs and its text was patched
 * @threads: 0: alone
 * @call:    what an update of a static call returns
 * @key:     what one of a static key returns
 * @backend: in use afterwards
 * @sync:    in use afterwards
 * @message: part of the error's message, if one of them fails
 */
struct expect {
	void (*later)(void);
	unsigned int threads;
	int call;
	int key;
	enum rp_backend backend;
	enum rp_sync sync;
	const char *message;
};

/* All or nothing, and the error says why. */
static void try_batch(const struct expect *e)
{
	int wanted = e->key ? e->key : e->call;
	enum subject_func before = subject_func();
	enum subject_func after = before == SUBJECT_ONE ? SUBJECT_TWO
							: SUBJECT_ONE;
	bool was = subject_enabled();
	struct rp_error error = { .code = 0 };

	check_result(subject_batch(after, !was, &error), wanted, before, after);
	CHECK_EQ(subject_enabled(), wanted ? was : !was);
	if (!wanted)
		return;
	CHECK_EQ(error.code, wanted);
	CHECKF(*error.message && (!e->message ||
				  strstr(error.message, e->message)),
	       "the message is \"%s\"", error.message);
}

/* Not only what the library says of itself, but what it did. */
static void check_stats(const struct expect *e)
{
	struct rp_text_poke_stats s = { .sz = sizeof(s) };

	rp_text_poke_get_stats(&s);
	if (e->backend == RP_BACKEND_MPROTECT)
		CHECK(s.mprotects > 0 && s.mem_writes == 0 &&
		      s.sites[RP_PROTOCOL_BREAKPOINT] == 0);
	if (e->backend == RP_BACKEND_PROC_MEM && !e->later)
		CHECK(s.mem_writes > 0 && s.sites[RP_PROTOCOL_ATOMIC] == 0);
	if (e->backend == RP_BACKEND_PROC_MEM && e->threads)
		CHECK(s.sites[RP_PROTOCOL_BREAKPOINT] > 0);
	if (e->threads && !e->call && !e->key)
		CHECK(s.syncs > 0);
	/* Calls follow updates through memory: nothing was ever patched. */
	if (!e->call && e->key)
		CHECK(s.commits == 0);
}

static void check_route(const struct expect *e)
{
	struct rp_text_poke_info info = { .sz = sizeof(info) };

	check_stats(e);
	rp_text_poke_get_info(&info);
	if (e->backend)
		CHECK_EQ(info.backend, e->backend);
	CHECK_EQ(info.sync, e->sync);
	CHECK(info.block == 8 || info.block == 16);
	CHECK(info.cpu && *info.cpu);
}

static void run_environment(void)
{
	const struct expect *e = case_data();

	note_maps();
	check_unharmed();
	CHECK(subject_is(SUBJECT_ONE, false));
	if (e->later) {
		/* From here on, something was patched. */
		CHECK_EQ(subject_set(SUBJECT_FAR), 0);
		CHECK_EQ(subject_enable(true), 0);
		check_unharmed();
	}
	subject_start(e->threads);
	if (e->later)
		e->later();
	try_calls(e->call, e->threads == 0);
	try_keys(e->key);
	try_batch(e);
	check_route(e);
	CHECK(subject_stop());
	check_unharmed();
}

/* ---- environments ---- */

static void no_mprotect(void)
{
	DENY(&deny_mprotect_exec);
}

static void no_membarrier(void)
{
	DENY(&deny_membarrier);
}

static void no_sync(void)
{
	DENY(&deny_membarrier, &deny_setaffinity);
}

static void no_vm_readv(void)
{
	DENY(&deny_vm_readv);
}

/* Neither of the two ways to write text. */
static void no_writing(void)
{
	DENY(&deny_mprotect_exec, &deny_open_rdwr);
}

static void no_writing_at_all(void)
{
	DENY(&deny_mprotect_exec, &deny_open_rdwr, &deny_pwrite);
}

static void no_mprotect_no_sync(void)
{
	DENY(&deny_mprotect_exec, &deny_membarrier, &deny_setaffinity);
}

static void no_proc_no_mprotect(void)
{
	hide_proc();
	DENY(&deny_mprotect_exec);
}

static void seal_text(void)
{
	seal_text_of(subject_text());
}

static void use_procmem(void)
{
	setenv("RP_BACKEND", "procmem", 1);
}

static void procmem_no_pwrite(void)
{
	use_procmem();
	DENY(&deny_pwrite);
}

static void procmem_no_proc(void)
{
	use_procmem();
	hide_proc();
}

static void mprotect_without_gain(void)
{
	setenv("RP_BACKEND", "mprotect", 1);
	refuse_exec_gain();
}

static void use_affinity(void)
{
	setenv("RP_SYNC", "affinity", 1);
}

static void membarrier_or_nothing(void)
{
	setenv("RP_SYNC", "membarrier", 1);
	DENY(&deny_membarrier);
}

static void block_of_8(void)
{
	setenv("RP_ATOMIC_BLOCK", "8", 1);
}

static void not_dumpable(void)
{
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), 0);
}

static void nobody(void)
{
	become_nobody();
	if (access(case_directory(), X_OK) < 0)
		SKIP("another user cannot run programs in %s",
		     case_directory());
}

static void nobody_without_gain(void)
{
	nobody();
	refuse_exec_gain();
}

/* The process owns none of its files in /proc then. */
static void nobody_not_dumpable(void)
{
	not_dumpable();
	become_nobody();
}

static void ignore_sigtrap(void)
{
	refuse_exec_gain();
	signal(SIGTRAP, SIG_IGN);
}

static void block_sigtrap(void)
{
	sigset_t set;

	refuse_exec_gain();
	sigemptyset(&set);
	sigaddset(&set, SIGTRAP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void no_descriptors(void)
{
	struct rlimit limit = { 0, 0 };

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void small_core_limits(void)
{
	struct rlimit limit = { 0, 0 };

	setrlimit(RLIMIT_MEMLOCK, &limit);
	setrlimit(RLIMIT_SIGPENDING, &limit);
}

#define E(...)	&(const struct expect){ __VA_ARGS__ }
#define MPROTECT	.backend = RP_BACKEND_MPROTECT
#define PROCMEM		.backend = RP_BACKEND_PROC_MEM
#define MEMBARRIER	.sync = RP_SYNC_MEMBARRIER
#define AFFINITY	.sync = RP_SYNC_AFFINITY
#define BOTH(error)	.call = error, .key = error

/* ---- before constructors ---- */

#define LOCK_PAGE	((uintptr_t)0x525000000000u)
#define LOCK_PAGE_STEP	((uintptr_t)0x10000000u)

static void page_taken(void)
{
	setenv("CASE_TAKE_PAGES", "1r", 1);
}

static void page_taken_unreadable(void)
{
	setenv("CASE_TAKE_PAGES", "1-", 1);
}

static void all_pages_taken(void)
{
	setenv("CASE_TAKE_PAGES", "8r", 1);
}

/* Foreign mappings where the library's lock would be: "COUNT", "r" or "-". */
static void take_pages(int argc, char **argv, char **envp)
{
	static const char name[] = "CASE_TAKE_PAGES=";
	const size_t len = sizeof(name) - 1;

	(void)argc;
	(void)argv;
	while (*envp && strncmp(*envp, name, len))
		envp++;
	for (int i = 0; *envp && i < (*envp)[len] - '0'; i++)
		mmap((void *)(LOCK_PAGE + (uintptr_t)i * LOCK_PAGE_STEP), 4096,
		     (*envp)[len + 1] == 'r' ? PROT_READ : PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

__attribute__((section(".preinit_array"), used))
static void (*const preinit)(int, char **, char **) = take_pages;

static const struct test_case cases[] = {
	/* From before the first constructor on. */
	{ "nothing-special", NULL, run_environment, 0,
	  E(.threads = 1, MPROTECT, MEMBARRIER) },
	{ "mdwe", refuse_exec_gain, run_environment, 0,
	  E(.threads = 1, PROCMEM, MEMBARRIER) },
	{ "mdwe-alone", refuse_exec_gain, run_environment, 0,
	  E(PROCMEM, MEMBARRIER) },
	{ "mprotect-exec-denied", no_mprotect, run_environment, 0,
	  E(.threads = 1, PROCMEM, MEMBARRIER) },
	{ "membarrier-denied", no_membarrier, run_environment, 0,
	  E(.threads = 1, MPROTECT, AFFINITY) },
	{ "membarrier-and-affinity-denied", no_sync, run_environment, 0,
	  E(.threads = 1, BOTH(-EPERM), .message = "synchronised") },
	{ "membarrier-and-affinity-denied-alone", no_sync, run_environment, 0,
	  E(MPROTECT) },
	{ "process-vm-readv-denied", no_vm_readv, run_environment, 0,
	  E(.threads = 1, MPROTECT, MEMBARRIER) },
	{ "no-proc", hide_proc, run_environment, 0,
	  E(.threads = 1, MPROTECT, MEMBARRIER) },
	{ "no-proc-and-mprotect-exec-denied", no_proc_no_mprotect,
	  run_environment, 0,
	  E(.threads = 1, .key = -EPERM, MEMBARRIER) },
	{ "all-writing-denied", no_writing, run_environment, 0,
	  E(.threads = 1, .key = -EPERM, MEMBARRIER) },
	{ "not-dumpable", NULL, run_environment, 0,
	  E(not_dumpable, 1, MPROTECT, MEMBARRIER) },
	{ "other-user", nobody, run_environment, 0,
	  E(not_dumpable, 1, MPROTECT, MEMBARRIER) },
	{ "other-user-mdwe", nobody_without_gain, run_environment, 0,
	  E(.threads = 1, PROCMEM, MEMBARRIER) },
	{ "other-user-mdwe-not-dumpable", nobody_without_gain, run_environment,
	  0, E(not_dumpable, 1, BOTH(-EPERM), MEMBARRIER) },
	{ "sigtrap-ignored-mdwe", ignore_sigtrap, run_environment, 0,
	  E(.threads = 1, BOTH(-EBUSY), MEMBARRIER, .message = "SIGTRAP") },
	{ "sigtrap-blocked-mdwe", block_sigtrap, run_environment, 0,
	  E(.threads = 1, BOTH(-EBUSY), MEMBARRIER, .message = "thread ") },
	{ "lock-page-taken", page_taken, run_environment, 0,
	  E(.threads = 1, MPROTECT, MEMBARRIER) },
	{ "lock-page-taken-unreadable", page_taken_unreadable, run_environment,
	  0, E(.threads = 1, MPROTECT, MEMBARRIER) },
	{ "all-lock-pages-taken", all_pages_taken, run_environment, 0,
	  E(.threads = 1, MPROTECT, MEMBARRIER) },
	{ "small-limits", small_core_limits, run_environment, 0,
	  E(.threads = 1, MPROTECT, MEMBARRIER) },

	/* By choice. */
	{ "backend-procmem", use_procmem, run_environment, 0,
	  E(.threads = 1, PROCMEM, MEMBARRIER) },
	{ "backend-procmem-pwrite-denied", procmem_no_pwrite, run_environment,
	  0, E(.threads = 1, .key = -EPERM, MEMBARRIER,
	       .message = "/proc/self/mem") },
	{ "backend-procmem-no-proc", procmem_no_proc, run_environment, 0,
	  E(.threads = 1, .key = -EPERM, MEMBARRIER) },
	{ "backend-mprotect-mdwe", mprotect_without_gain, run_environment, 0,
	  E(.threads = 1, .key = -EPERM, MEMBARRIER,
	    .message = "mprotect refuses") },
	{ "sync-affinity", use_affinity, run_environment, 0,
	  E(.threads = 1, MPROTECT, AFFINITY) },
	{ "sync-membarrier-denied", membarrier_or_nothing, run_environment, 0,
	  E(.threads = 1, BOTH(-EPERM), .message = "synchronised") },
	{ "atomic-block-8", block_of_8, run_environment, 0,
	  E(.threads = 1, MPROTECT, MEMBARRIER) },
	{ "garbage-in-the-environment", set_garbage, garbage, 0, NULL },

	/* Imposed on a program that runs, and whose text was patched. */
	{ "later-mdwe", NULL, run_environment, 0,
	  E(refuse_exec_gain, 1, PROCMEM, MEMBARRIER) },
	{ "later-mseal", NULL, run_environment, 0,
	  E(seal_text, 1, PROCMEM, MEMBARRIER) },
	{ "later-mprotect-exec-denied", NULL, run_environment, 0,
	  E(no_mprotect, 1, PROCMEM, MEMBARRIER) },
	{ "later-membarrier-denied", NULL, run_environment, 0,
	  E(no_membarrier, 1, MPROTECT, AFFINITY) },
	{ "later-membarrier-and-affinity-denied", NULL, run_environment, 0,
	  E(no_sync, 1, BOTH(-EPERM), .message = "synchronised") },
	{ "later-no-sync-with-breakpoints", NULL, run_environment, 0,
	  E(no_mprotect_no_sync, 1, BOTH(-EPERM)) },
	{ "later-all-writing-denied", NULL, run_environment, 0,
	  E(no_writing, 1, BOTH(-EPERM), MEMBARRIER) },
	{ "later-procmem-pwrite-denied", use_procmem, run_environment, 0,
	  E(no_writing_at_all, 1, BOTH(-EPERM), MEMBARRIER) },
	{ "later-other-user-not-dumpable", NULL, run_environment, 0,
	  E(nobody_not_dumpable, 1, MPROTECT, MEMBARRIER) },
	{ "later-no-descriptors", NULL, run_environment, 0,
	  E(no_descriptors, 1, MPROTECT, MEMBARRIER) },
	{ "window-cannot-be-closed", NULL, text_cannot_be_locked, 0, NULL },
	{ "mappings-exhausted", NULL, map_count, 0, NULL },
	{ "address-space-exhausted", NULL, address_space, 0, NULL },
	{ "descriptors-closed-and-reused", NULL, descriptors_reused, 0, NULL },
	{ "descriptors-closed-and-reused-procmem", use_procmem,
	  descriptors_reused, 0, NULL },
	{ "handler-with-all-signals-blocked", use_procmem, handler_blocks_all,
	  0, NULL },
	{ "text-reverted-by-madvise", NULL, text_reverted, 0, NULL },
	{ "environment-ignored-if-setuid", NULL, setuid_program, 0, NULL },
	{ "qemu-user", NULL, under_qemu, 60, NULL },
};

int main(int argc, char **argv)
{
	return cases_main(cases, sizeof(cases) / sizeof(*cases), argc, argv);
}
