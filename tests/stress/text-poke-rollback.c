// SPDX-License-Identifier: MIT
/*
 * All or nothing: whatever fails, at whatever point of a commit, every byte and
 * every protection is as it was.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"

#define PAGE	4096u

static struct arena arena;
static struct site *sites;
static size_t nr_sites;
static struct maps_text before;
static uint8_t *image;

/* @nr sites, one on each second page: as many runs of pages as sites. */
static void setup(size_t nr, unsigned int offset)
{
	int fd = arena_file(2 * nr * PAGE);

	arena_init(&arena, 2 * nr * PAGE, fd);
	sites = calloc(nr, sizeof(*sites));
	nr_sites = nr;
	for (size_t i = 0; i < nr; i++)
		arena_add_at(&arena, &sites[i], SITE_CALL,
			     arena.text + 2 * i * PAGE + 128 + offset);
	arena_ready(&arena);
	start_idle_thread();
}

static void remember(void)
{
	image = malloc(arena.size);
	memcpy(image, arena.text, arena.size);
	maps_read(&before, arena.text, arena.size);
}

static bool is_as_before(void)
{
	static struct maps_text now;
	bool same;

	maps_read(&now, arena.text, arena.size);
	/* Both are said, not the first one only. */
	same = CHECK(!memcmp(image, arena.text, arena.size));
	return maps_equal(&before, &now) && same;
}

/* ---- failures on demand ---- */

static enum rp__fail_point fail_point;
static unsigned int fail_call, calls;

static int fail(enum rp__fail_point point)
{
	if (point != fail_point || ++calls != fail_call)
		return 0;
	return point == RP__FAIL_MAP ? -ENOMEM : -EACCES;
}

/* Fail each call of @point in turn, until a commit has no more of them. */
static unsigned int fail_each(enum rp__fail_point point,
			      const struct rp_text_poke_opts *options,
			      int wanted)
{
	struct rp_text_poke_opts opts = *options;
	struct rp_error error = { 0 };
	unsigned int failures = 0;
	int result;

	opts.error = &error;
	fail_point = point;
	for (fail_call = 1;; fail_call++) {
		calls = 0;
		error.code = 0;
		rp__fail_hook = fail;
		result = sites_poke(sites, nr_sites, 1, &opts);
		rp__fail_hook = NULL;
		if (calls < fail_call)
			break;
		failures++;
		CHECK_EQ(result, wanted);
		CHECK_EQ(error.code, wanted);
		CHECK(*error.message);
		if (!is_as_before())
			test_end();
	}
	CHECK_EQ(result, 0);
	for (size_t i = 0; i < nr_sites; i++)
		CHECK_EQ(sites[i].call(0), VALUE_B);
	return failures;
}

static void fail_protocol(enum rp__fail_point point, enum rp_protocol protocol,
			  enum rp_backend backend, unsigned int wanted)
{
	struct rp_text_poke_opts opts = poke_opts(protocol, backend);

	setup(4, protocol == RP_PROTOCOL_ATOMIC ? 0 : 61);
	remember();
	CHECK_EQ(fail_each(point, &opts, -EPERM), wanted);
}

static void unprotect_fails_breakpoint(void)
{
	fail_protocol(RP__FAIL_UNPROTECT, RP_PROTOCOL_BREAKPOINT,
		      RP_BACKEND_MPROTECT, 4);
}

static void unprotect_fails_atomic(void)
{
	fail_protocol(RP__FAIL_UNPROTECT, RP_PROTOCOL_ATOMIC,
		      RP_BACKEND_MPROTECT, 4);
}

static void unprotect_fails_stopped(void)
{
	fail_protocol(RP__FAIL_UNPROTECT, RP_PROTOCOL_STOPPED,
		      RP_BACKEND_MPROTECT, 4);
}

static void mem_write_fails_breakpoint(void)
{
	fail_protocol(RP__FAIL_MEM_WRITE, RP_PROTOCOL_BREAKPOINT,
		      RP_BACKEND_PROC_MEM, 12);
}

static void mem_write_fails_stopped(void)
{
	fail_protocol(RP__FAIL_MEM_WRITE, RP_PROTOCOL_STOPPED,
		      RP_BACKEND_PROC_MEM, 4);
}

static int fail_protect(enum rp__fail_point point)
{
	if (point != RP__FAIL_PROTECT)
		return 0;
	calls++;
	return -EACCES;
}

static void check_new(void)
{
	static struct maps_text now;

	for (size_t i = 0; i < nr_sites; i++)
		CHECK_EQ(sites[i].call(0), VALUE_B);
	maps_read(&now, arena.text, arena.size);
	maps_equal(&before, &now);
}

/* A protection that cannot be restored at first is tried for again. */
static void protect_fails_once(enum rp_protocol protocol)
{
	struct rp_text_poke_opts opts = poke_opts(protocol,
						  RP_BACKEND_MPROTECT);

	setup(4, protocol == RP_PROTOCOL_ATOMIC ? 0 : 61);
	remember();
	fail_point = RP__FAIL_PROTECT;
	for (fail_call = 1; fail_call <= nr_sites; fail_call++) {
		calls = 0;
		rp__fail_hook = fail;
		CHECK_EQ(sites_poke(sites, nr_sites, 1, &opts), 0);
		rp__fail_hook = NULL;
		CHECK(calls > fail_call);
		check_new();
		REQUIRE(sites_poke(sites, nr_sites, 0, &opts) == 0);
		is_as_before();
	}
}

/*
 * One that can never be restored: the old bytes are back at least, and a
 * message says which pages stay writable.
 */
static void protect_fails_for_good(enum rp_protocol protocol,
				   enum rp_backend backend)
{
	struct rp_error error = { 0 };
	struct rp_text_poke_opts opts = poke_opts(protocol, backend);

	opts.error = &error;
	setup(4, protocol == RP_PROTOCOL_ATOMIC ? 0 : 61);
	remember();
	rp__fail_hook = fail_protect;
	CHECK_EQ(sites_poke(sites, nr_sites, 1, &opts), -EPERM);
	rp__fail_hook = NULL;
	CHECK(calls >= 4);
	CHECK_EQ(error.code, -EPERM);
	CHECK(strstr(error.message, "protection"));
	CHECK(!memcmp(image, arena.text, arena.size));
	for (size_t i = 0; i < nr_sites; i++)
		CHECK_EQ(sites[i].call(0), VALUE_A);
}

static void protect_fails_breakpoint(void)
{
	protect_fails_once(RP_PROTOCOL_BREAKPOINT);
}

static void protect_fails_atomic(void)
{
	protect_fails_once(RP_PROTOCOL_ATOMIC);
}

static void protect_fails_stopped(void)
{
	protect_fails_once(RP_PROTOCOL_STOPPED);
}

static void protect_always_fails_breakpoint(void)
{
	protect_fails_for_good(RP_PROTOCOL_BREAKPOINT, RP_BACKEND_MPROTECT);
}

static void protect_always_fails_atomic(void)
{
	protect_fails_for_good(RP_PROTOCOL_ATOMIC, RP_BACKEND_MPROTECT);
}

/* No other way is tried: the pages are writable, and would stay so unseen. */
static void protect_always_fails_auto(void)
{
	protect_fails_for_good(RP_PROTOCOL_AUTO, RP_BACKEND_AUTO);
	CHECK_EQ(stats_now().mem_writes, 0);
}

/* ---- memory ---- */

/* Sites in descending order (a sort), and one that is long. */
static int poke_backwards(const struct rp_text_poke_opts *opts)
{
	struct rp_text_poke_batch *batch;
	uint8_t wanted[64], *at = arena.text + arena.size - 64;
	int error = rp_text_poke_batch_begin(&batch, opts);

	if (error)
		return error;
	memset(wanted, 0x11, sizeof(wanted));
	error = rp_text_poke_batch_add(batch, at, image + (at - arena.text),
				       wanted, 9);
	for (size_t i = nr_sites; i-- && !error;)
		error = site_add(batch, &sites[i], 1);
	if (!error)
		return rp_text_poke_batch_commit(batch);
	rp_text_poke_batch_abort(batch);
	return error;
}

/* In a process of its own: memory that is left over would be used again. */
static void fail_one_allocation(void *number)
{
	struct rp_error error = { 0 };
	struct rp_text_poke_opts opts = poke_opts(RP_PROTOCOL_STOPPED, 0);
	int result;

	opts.error = &error;
	fail_point = RP__FAIL_MAP;
	fail_call = *(unsigned int *)number;
	rp__fail_hook = fail;
	result = poke_backwards(&opts);
	rp__fail_hook = NULL;
	if (calls < fail_call) {
		CHECK_EQ(result, 0);
		CHECK_EQ(sites[1199].call(0), VALUE_B);
		_exit(1);
	}
	CHECK_EQ(result, -ENOMEM);
	CHECK_EQ(error.code, -ENOMEM);
	is_as_before();
}

static void allocation_fails(void)
{
	unsigned int number = 1;

	setup(1200, 61);
	remember();
	while (in_child(fail_one_allocation, &number) == 0)
		number++;
	/* Batch, sites (2), long bytes, scratch, runs of pages (2). */
	CHECK_EQ(number, 8);
}

static void stub_allocation_fails(void)
{
	struct rp_text_poke_opts opts = poke_opts(RP_PROTOCOL_BREAKPOINT, 0);

	rp__inject_call_stubs = 1;
	setup(2, 61);
	remember();
	CHECK(fail_each(RP__FAIL_MAP, &opts, -ENOMEM) >= 2);
}

/* ---- the thousandth page ---- */

static void thousandth_run_fails(void)
{
	static const unsigned int at[] = { 1, 2, 500, 999, 1000 };
	struct rp_text_poke_opts opts = poke_opts(RP_PROTOCOL_BREAKPOINT,
						  RP_BACKEND_MPROTECT);

	setup(1000, 61);
	remember();
	fail_point = RP__FAIL_UNPROTECT;
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		fail_call = at[i];
		calls = 0;
		rp__fail_hook = fail;
		CHECK_EQ(sites_poke(sites, nr_sites, 1, &opts), -EPERM);
		rp__fail_hook = NULL;
		CHECK_EQ(calls, at[i]);
		is_as_before();
	}
	CHECK_EQ(sites_poke(sites, nr_sites, 1, &opts), 0);
	CHECK_EQ(sites[999].call(0), VALUE_B);
}

/* The last page becomes one of a file that is open for reading only. */
static void make_last_read_only(void)
{
	uint8_t *last = arena.text + arena.size - 2 * PAGE, copy[PAGE];
	char path[] = "/tmp/repoint-rollback.XXXXXX";
	int rw = mkstemp(path), fd = open(path, O_RDONLY);

	unlink(path);
	memcpy(copy, last, PAGE);
	REQUIRE(write(rw, copy, PAGE) == (ssize_t)PAGE);
	REQUIRE(mmap(last, PAGE, PROT_READ | PROT_EXEC,
		     MAP_SHARED | MAP_FIXED, fd, 0) == last);
	REQUIRE(mprotect(last, PAGE, PROT_READ | PROT_WRITE) < 0 &&
		errno == EACCES);
}

static void thousandth_page_is_read_only(enum rp_protocol protocol)
{
	struct rp_error error = { 0 };
	struct rp_text_poke_opts opts = poke_opts(protocol,
						  RP_BACKEND_MPROTECT);

	opts.error = &error;
	setup(1000, protocol == RP_PROTOCOL_ATOMIC ? 0 : 61);
	make_last_read_only();
	remember();
	CHECK_EQ(sites_poke(sites, nr_sites, 1, &opts), -EPERM);
	CHECK_EQ(error.code, -EPERM);
	CHECK(error.addr >= (void *)(arena.text + arena.size - 2 * PAGE));
	is_as_before();
	/* Without it, and by the same means, all goes well. */
	CHECK_EQ(sites_poke(sites, nr_sites - 1, 1, &opts), 0);
	CHECK_EQ(sites[998].call(0), VALUE_B);
	CHECK_EQ(sites[999].call(0), VALUE_A);
}

static void thousandth_page_atomic(void)
{
	thousandth_page_is_read_only(RP_PROTOCOL_ATOMIC);
}

static void thousandth_page_breakpoint(void)
{
	thousandth_page_is_read_only(RP_PROTOCOL_BREAKPOINT);
}

static void thousandth_page_stopped(void)
{
	thousandth_page_is_read_only(RP_PROTOCOL_STOPPED);
}

/* ---- the choice between backends ---- */

static sigset_t trap_set;

static void block_trap(void *arg)
{
	(void)arg;
	pthread_sigmask(SIG_BLOCK, &trap_set, NULL);
}

static int fail_unprotect(enum rp__fail_point point)
{
	return point == RP__FAIL_UNPROTECT ? -EACCES : 0;
}

/* Where mprotect is refused, the other backend serves, by a breakpoint. */
static void proc_mem_replaces_mprotect(void)
{
	struct rp_text_poke_opts opts = { .sz = sizeof(opts) };
	struct rp_text_poke_info info = { .sz = sizeof(info) };
	struct rp_text_poke_stats s;

	setup(4, 0);
	rp__fail_hook = fail_unprotect;
	CHECK_EQ(sites_poke(sites, nr_sites, 1, &opts), 0);
	s = stats_now();
	CHECK_EQ(s.sites[RP_PROTOCOL_BREAKPOINT], 4);
	CHECK_EQ(s.sites[RP_PROTOCOL_ATOMIC], 0);
	CHECK_EQ(s.mem_writes, 12);
	rp_text_poke_get_info(&info);
	CHECK_EQ(info.backend, RP_BACKEND_PROC_MEM);
	CHECK_EQ(sites[3].call(0), VALUE_B);
}

/* Both fail, for different reasons: code, message and result agree. */
static void both_backends_fail(void)
{
	struct rp_error error = { 0 };
	struct rp_text_poke_opts opts = { .sz = sizeof(opts), .error = &error };
	static struct worker worker;

	setup(4, 0);
	remember();
	sigemptyset(&trap_set);
	sigaddset(&trap_set, SIGTRAP);
	worker_start(&worker, 1);
	worker_post(&worker, block_trap, NULL);
	worker_wait(&worker);
	rp__fail_hook = fail_unprotect;
	CHECK_EQ(sites_poke(sites, nr_sites, 1, &opts), -EBUSY);
	CHECK_EQ(error.code, -EBUSY);
	CHECK_EQ(error.tid, worker.tid);
	CHECK(strstr(error.message, "blocks SIGTRAP"));
	is_as_before();
}

static int fail_both(enum rp__fail_point point)
{
	return point == RP__FAIL_UNPROTECT || point == RP__FAIL_MEM_WRITE ?
		-EACCES : 0;
}

/* For the same reason: that of the usual one is told. */
static void both_backends_are_refused(void)
{
	struct rp_error error = { 0 };
	struct rp_text_poke_opts opts = { .sz = sizeof(opts), .error = &error };

	setup(4, 0);
	remember();
	rp__fail_hook = fail_both;
	CHECK_EQ(sites_poke(sites, nr_sites, 1, &opts), -EPERM);
	CHECK_EQ(error.code, -EPERM);
	CHECK(strstr(error.message, "mprotect"));
	CHECK(error.addr == sites[0].insn - ((uintptr_t)sites[0].insn & (PAGE - 1)));
	is_as_before();
}

TEST_MAIN(
	TEST(unprotect_fails_breakpoint),
	TEST(unprotect_fails_atomic),
	TEST(unprotect_fails_stopped),
	TEST(mem_write_fails_breakpoint),
	TEST(mem_write_fails_stopped),
	TEST(protect_fails_breakpoint),
	TEST(protect_fails_atomic),
	TEST(protect_fails_stopped),
	TEST(protect_always_fails_breakpoint),
	TEST(protect_always_fails_atomic),
	TEST(protect_always_fails_auto),
	TEST(allocation_fails),
	TEST(stub_allocation_fails),
	TEST(thousandth_run_fails),
	TEST(thousandth_page_atomic),
	TEST(thousandth_page_breakpoint),
	TEST(thousandth_page_stopped),
	TEST(proc_mem_replaces_mprotect),
	TEST(both_backends_fail),
	TEST(both_backends_are_refused),
)
