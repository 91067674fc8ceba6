// SPDX-License-Identifier: MIT
/*
 * Every protocol, on every kind of site, at every offset of a cache line, while
 * threads run through the site.
 *
 * An executor knows what it may see. The updater counts: odd while a commit is
 * under way, even after it. A call that lies between two equal even counts has
 * to do what was committed last; any other has to do what some state says.
 * The updater waits for the executors between updates, and counts the updates
 * during which they moved: without such overlap nothing is tested.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"

enum { OFFSETS = 64, THREADS_MAX = 2, ROUNDS = 8 };

/*
 * Where a breakpoint is the way, the offset matters little: whole, and across
 * each byte of the smallest and the largest boundary.
 */
#define OFFSETS_ALL	(~0ull)
#define OFFSETS_FEW	(1ull << 0 | 7ull << 4 | 1ull << 16 | 1ull << 29 | \
			 63ull << 58)

static struct arena arena;
static struct site sites[SITE_KIND_NR][OFFSETS];

static void setup(void)
{
	arena_init(&arena, SITE_KIND_NR * OFFSETS * SITE_SLOT, -1);
	for (int kind = 0; kind < SITE_KIND_NR; kind++)
		for (unsigned int i = 0; i < OFFSETS; i++)
			arena_add(&arena, &sites[kind][i],
				  (enum site_kind)kind, i);
	arena_ready(&arena);
}

/* ---- executors ---- */

static struct site *current;	/* what they run */
static uint64_t version;
static bool stop;

static struct executor {
	pthread_t thread;
	unsigned int cpu;
	uint64_t progress;	/* calls made */
	uint64_t firm;		/* of those, calls with one legal outcome */
} executors[THREADS_MAX];

static unsigned int threads;

static void run_once(struct executor *e)
{
	uint64_t before = __atomic_load_n(&version, __ATOMIC_SEQ_CST);
	struct site *site = __atomic_load_n(&current, __ATOMIC_SEQ_CST);
	unsigned int state = __atomic_load_n(&site->state, __ATOMIC_SEQ_CST);
	long value = site->call(0);

	if (!(before & 1) &&
	    before == __atomic_load_n(&version, __ATOMIC_SEQ_CST)) {
		e->firm++;
		CHECKF(value == site->value[state],
		       "%s at %d: %lx, not %lx: an old instruction after commit",
		       site_kind_name(site->kind), (int)((uintptr_t)site->insn & 63),
		       value, site->value[state]);
	} else {
		CHECKF(site_value_is_legal(site, value), "%s at %d: %lx",
		       site_kind_name(site->kind),
		       (int)((uintptr_t)site->insn & 63), value);
	}
	__atomic_fetch_add(&e->progress, 1, __ATOMIC_SEQ_CST);
}

static void *execute(void *arg)
{
	struct executor *e = arg;

	pin_to(e->cpu);
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST))
		run_once(e);
	return NULL;
}

/* A processor for each, and one for the updater, if there are so many. */
static void start_executors(void)
{
	threads = cpus() > THREADS_MAX ? THREADS_MAX : 1;
	pin_to(0);
	for (unsigned int i = 0; i < threads; i++) {
		executors[i].cpu = i + 1;
		REQUIRE(!pthread_create(&executors[i].thread, NULL, execute,
					&executors[i]));
	}
}

static void stop_executors(void)
{
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < threads; i++)
		pthread_join(executors[i].thread, NULL);
}

static uint64_t progress(void)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < threads; i++)
		sum += __atomic_load_n(&executors[i].progress,
				       __ATOMIC_SEQ_CST);
	return sum;
}

/* Until each executor made a call from its beginning. */
static void wait_for_executors(void)
{
	for (unsigned int i = 0; i < threads; i++) {
		uint64_t *p = &executors[i].progress;
		uint64_t end = __atomic_load_n(p, __ATOMIC_SEQ_CST) + 2;

		while (__atomic_load_n(p, __ATOMIC_SEQ_CST) < end)
			sched_yield();
	}
}

/* ---- the updater ---- */

static unsigned int updates, overlapped;

static int update(struct site *site, unsigned int state,
		  const struct rp_text_poke_opts *opts)
{
	unsigned int last = site->state;
	uint64_t before;
	int error;

	__atomic_fetch_add(&version, 1, __ATOMIC_SEQ_CST);
	before = progress();
	error = rp_text_poke_single(site->insn, site->bytes[last],
				    site->bytes[state], site->len, opts);
	overlapped += progress() != before;
	updates++;
	if (!error)
		__atomic_store_n(&site->state, state, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&version, 1, __ATOMIC_SEQ_CST);
	return error;
}

static void go(struct site *site, unsigned int to,
	       const struct rp_text_poke_opts *opts)
{
	if (to == site->state)
		return;
	CHECK_EQ(update(site, to, opts), 0);
	wait_for_executors();
}

/* From each state to each other one. */
static void run_transitions(struct site *site,
			    const struct rp_text_poke_opts *opts)
{
	for (unsigned int a = 0; a < site->states; a++) {
		for (unsigned int b = a + 1; b < site->states; b++) {
			go(site, a, opts);
			go(site, b, opts);
			go(site, a, opts);
		}
	}
}

static void show(struct site *site)
{
	__atomic_fetch_add(&version, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&current, site, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&version, 1, __ATOMIC_SEQ_CST);
	wait_for_executors();
}

static bool fits(const struct site *site, unsigned int block)
{
	uintptr_t first = (uintptr_t)site->insn;

	return first / block == (first + site->len - 1) / block;
}

/*
 * All of @offsets at which the protocol is to be had at all, of each of @kinds.
 * That executors were at it is counted.
 */
static void run_protocol(const struct rp_text_poke_opts *opts,
			 unsigned int kinds, uint64_t offsets)
{
	struct rp_text_poke_info info = { .sz = sizeof(info) };
	uint64_t done;

	setup();
	current = &sites[0][0];
	rp_text_poke_get_info(&info);
	start_executors();
	for (int kind = 0; kind < SITE_KIND_NR; kind++) {
		for (int i = 0; kinds >> kind & 1 && i < OFFSETS; i++) {
			struct site *site = &sites[kind][i];

			if (!(offsets >> i & 1) ||
			    (opts->protocol == RP_PROTOCOL_ATOMIC &&
			     !fits(site, info.block)))
				continue;
			show(site);
			for (int n = 0; n < ROUNDS; n++)
				run_transitions(site, opts);
			if (test_failed())
				test_end();
		}
	}
	stop_executors();
	done = stats_now().sites[opts->protocol ? opts->protocol : 0];
	if (opts->protocol)
		CHECK_EQ(done, updates);
	CHECK(updates > 100);
	CHECKF(overlapped > updates / 100 || cpus() < 2, "%u of %u updates met a call",
	       overlapped, updates);
	for (unsigned int i = 0; i < threads; i++)
		CHECK(executors[i].firm > 0);
	if (opts->protocol == RP_PROTOCOL_BREAKPOINT && cpus() > 1)
		CHECK(stats_now().traps > 0);
}

#define KIND(name)	(1u << SITE_##name)
#define KINDS_ALL	((1u << SITE_KIND_NR) - 1)

static void atomic(void)
{
	struct rp_text_poke_opts opts = poke_opts(RP_PROTOCOL_ATOMIC, 0);

	run_protocol(&opts, KINDS_ALL, OFFSETS_ALL);
}

static void atomic_within_8(void)
{
	struct rp_text_poke_opts opts = poke_opts(RP_PROTOCOL_ATOMIC, 0);
	struct rp_text_poke_opts narrow = opts;

	narrow.block = 8;
	setup();
	start_idle_thread();
	for (int i = 0; i < OFFSETS; i++) {
		struct site *site = &sites[SITE_CALL][i];

		CHECK_EQ(site_poke(site, 2, &narrow),
			 fits(site, 8) ? 0 : -ENOTSUP);
	}
}

static void automatic(void)
{
	struct rp_text_poke_opts opts = { .sz = sizeof(opts) };
	struct rp_text_poke_stats s;

	run_protocol(&opts, KIND(CALL) | KIND(TAIL), OFFSETS_ALL);
	s = stats_now();
	CHECK(s.sites[RP_PROTOCOL_ATOMIC] > 0);
	CHECK(s.sites[RP_PROTOCOL_BREAKPOINT] > 0);
	CHECK_EQ(s.sites[RP_PROTOCOL_STOPPED], 0);
}

static void breakpoint_by(enum rp_backend backend, unsigned int kinds)
{
	struct rp_text_poke_opts opts = poke_opts(RP_PROTOCOL_BREAKPOINT,
						  backend);

	run_protocol(&opts, kinds, OFFSETS_FEW);
}

static void breakpoint_calls_mprotect(void)
{
	breakpoint_by(RP_BACKEND_MPROTECT, KIND(CALL) | KIND(CALL_MEM));
}

static void breakpoint_calls_proc_mem(void)
{
	breakpoint_by(RP_BACKEND_PROC_MEM, KIND(CALL) | KIND(CALL_MEM));
}

static void breakpoint_jumps_mprotect(void)
{
	breakpoint_by(RP_BACKEND_MPROTECT,
		      KINDS_ALL & ~(KIND(CALL) | KIND(CALL_MEM)));
}

static void breakpoint_jumps_proc_mem(void)
{
	breakpoint_by(RP_BACKEND_PROC_MEM,
		      KINDS_ALL & ~(KIND(CALL) | KIND(CALL_MEM)));
}

/* ---- the control: what would be seen if we did it wrong ---- */

/* One byte after the other, across a line; nobody is told. */
static void store_bytewise(struct site *site, unsigned int state)
{
	for (unsigned int i = site->len; i--;)
		*(volatile uint8_t *)&site->insn[i] = site->bytes[state][i];
}

static void tear(void *arg)
{
	enum { UPDATES = 2000000, CALLS = 1000000 };

	(void)arg;
	setup();
	REQUIRE(mprotect(arena.text, arena.size,
			 PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
	current = &sites[SITE_CALL][62];
	version = 1;	/* never firm */
	start_executors();
	for (unsigned int i = 0; i < UPDATES || progress() < CALLS; i++)
		store_bytewise(current, i & 1);
}

/*
 * The same executors must notice when instructions are torn, or they prove
 * nothing above. A child that survives is no failure of ours.
 */
static void torn_instructions_are_noticed(void)
{
	int status;

	if (cpus() < 2)
		test_skip("one processor: nothing runs at the same time");
	status = in_child(tear, NULL);
	if (status == 0)
		test_skip("this processor did not tear in 2000000 updates");
	CHECKF(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV ||
				       WTERMSIG(status) == SIGILL ||
				       WTERMSIG(status) == SIGTRAP),
	       "wait status %x", status);
}

TEST_MAIN(
	TEST(atomic),
	TEST(atomic_within_8),
	TEST(automatic),
	TEST(breakpoint_calls_mprotect),
	TEST(breakpoint_calls_proc_mem),
	TEST(breakpoint_jumps_mprotect),
	TEST(breakpoint_jumps_proc_mem),
	TEST(torn_instructions_are_noticed),
)
