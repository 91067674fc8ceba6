// SPDX-License-Identifier: MIT
/*
 * Rebinding while threads run through the sites: each call gets the old or the
 * new function's result, and the new one's only once rebind has returned.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "sites.h"

#define THREADS		3
#define SECONDS		3.0
#define SECONDS_MAX	60.0	/* where that is not enough for what is wanted */
#define REBINDS_MIN	500u
#define WATCHED_MIN	5u
#define REBINDS_MAX	100000u
#define WATCH_EVERY	0.1	/* seconds; that rebind is slowed down */

struct table {
	int (*f)(int);
	long spare;
	int (*g)(int);
};

static int add1(int x)
{
	return x + 1;
}

static int add2(int x)
{
	return x + 2;
}

/* Its patchlet gives another result: that shows which one ran. */
static int slow10(int x)
{
	return x + 10;
}

__asm__(RP_PATCHLET(fast3, RP_CLOBBER_RAX)
	"leal 3(%rdi), %eax"
	RP_PATCHLET_END(fast3));
RP_OP_PATCHLET(slow10, fast3);

static int slow20(int x)
{
	return x + 20;
}

__asm__(RP_PATCHLET(pair, RP_CLOBBER_RAX)
	"leal 1(%rdi), %eax\n\t"
	"leal 3(%rax), %eax"
	RP_PATCHLET_END(pair));
RP_OP_PATCHLET(slow20, pair);

RP_DEFINE_OPS(struct table, table, .f = add1, .g = add1);

#define SLOT	"rp_ops__table"

SITE_CALL_AT(call_0, 0, "", 6, SLOT);
SITE_CALL_AT(call_10, 10, "", 6, SLOT);
SITE_CALL_AT(call_prefixed, 34, ".skip 4, 0x2e\n\t", 10, SLOT);
SITE_TAIL_AT(tail_2, 2, SLOT);
SITE_CALL_AT(other, 48, "", 6, SLOT "+16");

/* A site of the macro: aligned, and recorded, by itself. */
static __attribute__((noinline)) int call_asm(int x)
{
	int ret = NOTHING;

	rp_op_asm(table, f, RP_OUTPUTS("+a" (ret), "+D" (x)), RP_NONE,
		  RP_CLOBBERS("rcx", "rdx", "rsi", "r8", "r9", "r10", "r11",
			      RP_CLOBBERS_FP));
	return ret;
}

/* struct state - a value of the member, and what a call of 5 then returns. */
static const struct state {
	int (*func)(int);
	int call;
	int tail;
} states[] = {
	{ add1, 6, 6 },
	{ add2, 7, 7 },
	{ slow10, 8, 15 },
	{ RP_OP_RETURN0(struct table, f), 0, 0 },
	{ RP_OP_NOP(struct table, f), NOTHING, NOTHING },
};

#define NR_STATES	(sizeof(states) / sizeof(*states))

static int (*const sites[])(int) = {
	call_0, call_10, call_prefixed, tail_2, call_asm
};

#define NR_SITES	(sizeof(sites) / sizeof(*sites))

static int result_of(size_t site, size_t state)
{
	return sites[site] == tail_2 ? states[state].tail : states[state].call;
}

/*
 * Even: the state that all calls have to give. Odd: a rebind is under way, from
 * the one before to the one after. The state is a function of the number.
 */
static unsigned int epoch;
static bool stop;

static size_t state_of(unsigned int number)
{
	/* Each goes to each, in some order. */
	return (number / 2 * 7 + number / 2 / 5) % NR_STATES;
}

static unsigned int epoch_now(void)
{
	return __atomic_load_n(&epoch, __ATOMIC_SEQ_CST);
}

/*
 * struct runner - a thread in a loop of calls.
 * @old, @new: results of calls within a rebind, by whose they were
 * @both:      rebinds in which it got both
 * @wrong:     results that nothing explains
 */
struct runner {
	pthread_t thread;
	unsigned long calls, old, new, both, wrong, settled;
};

static struct runner runners[THREADS];

static void count_within(struct runner *runner, int found, size_t site,
			 unsigned int at)
{
	static __thread unsigned int old_at, both_at;

	if (found == result_of(site, state_of(at - 1))) {
		runner->old++;
		old_at = at;
	} else if (found == result_of(site, state_of(at + 1))) {
		runner->new++;
		runner->both += old_at == at && both_at != at;
		both_at = old_at;
	} else {
		runner->wrong++;
	}
}

static bool is_possible(int found, size_t site, unsigned int from,
			unsigned int to)
{
	/* Preempted in the call, for as many as there are. */
	if (to - from > 64)
		from = to - 64;
	for (unsigned int at = from & ~1u; at <= ((to + 1) & ~1u); at += 2)
		if (found == result_of(site, state_of(at)))
			return true;
	return false;
}

static void call_once(struct runner *runner, size_t site)
{
	unsigned int before = epoch_now(), after;
	int found = sites[site](5);

	after = epoch_now();
	__atomic_store_n(&runner->calls, runner->calls + 1, __ATOMIC_RELAXED);
	if (before == after && before % 2) {
		count_within(runner, found, site, before);
	} else if (before == after) {
		runner->settled++;
		runner->wrong += found != result_of(site, state_of(before));
	} else {
		runner->wrong += !is_possible(found, site, before, after);
	}
}

static void *run(void *arg)
{
	struct runner *runner = arg;
	sigset_t all;

	/* As daemons do: a breakpoint would kill the process. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		for (size_t site = 0; site < NR_SITES; site++)
			call_once(runner, site);
	return NULL;
}

/* Each thread makes two rounds of calls from here on. */
static void wait_for_rounds(void)
{
	unsigned long from[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		from[i] = __atomic_load_n(&runners[i].calls, __ATOMIC_RELAXED);
	for (size_t i = 0; i < THREADS; i++)
		while (__atomic_load_n(&runners[i].calls, __ATOMIC_RELAXED) <
		       from[i] + 2 * NR_SITES)
			sched_yield();
}

/* In the middle of a rebind: nothing is written yet, and all is. */
static void on_point(enum rp__inject_point point)
{
	if (point == RP__INJECT_WINDOW_OPEN ||
	    point == RP__INJECT_FIRST_SYNCED)
		wait_for_rounds();
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void rebind(unsigned int number)
{
	__atomic_store_n(&epoch, number + 1, __ATOMIC_SEQ_CST);
	rp_op_set(table, f, states[state_of(number + 2)].func);
	CHECK_EQ(rp_ops_rebind(&table), 0);
	__atomic_store_n(&epoch, number + 2, __ATOMIC_SEQ_CST);
}

static bool is_change(unsigned int number)
{
	return state_of(number) != state_of(number + 2);
}

static unsigned int watched;

/* All threads are known to be in between, and to run after it. */
static void rebind_watched(unsigned int number)
{
	hook_points(on_point);
	rebind(number);
	hook_points(NULL);
	wait_for_rounds();
	watched++;
}

static bool is_enough(unsigned int rebinds)
{
	return rebinds >= REBINDS_MIN && watched >= WATCHED_MIN;
}

static unsigned int rebind_for(double seconds)
{
	double start = now(), next = 0;
	unsigned int rebinds = 0;

	while ((now() < start + seconds ||
		(!is_enough(rebinds) && now() < start + SECONDS_MAX)) &&
	       rebinds < REBINDS_MAX && !test_failed()) {
		if (now() > next && is_change(2 * rebinds)) {
			rebind_watched(2 * rebinds);
			next = now() + WATCH_EVERY;
		} else {
			rebind(2 * rebinds);
		}
		rebinds++;
	}
	return rebinds;
}

static unsigned int changes(unsigned int rebinds)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < rebinds; i++)
		nr += is_change(2 * i);
	return nr;
}

static void check_runner(const struct runner *runner)
{
	CHECK_EQ(runner->wrong, 0);
	CHECKF(runner->settled >= watched,
	       "%lu calls between rebinds", runner->settled);
	CHECKF(runner->both >= watched,
	       "%lu old and %lu new results within rebinds, in %lu both",
	       runner->old, runner->new, runner->both);
}

static void each_state(void)
{
	struct rp_text_poke_stats s, before;
	unsigned int rebinds;

	rp_op_set(table, f, states[state_of(0)].func);
	CHECK_EQ(rp_ops_bind(&table), 0);
	for (size_t i = 0; i < NR_SITES; i++)
		CHECK_EQ(sites[i](5), result_of(i, state_of(0)));
	for (size_t i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&runners[i].thread, NULL, run,
				       &runners[i]) == 0);
	before = stats_now();
	rebinds = rebind_for(SECONDS);
	s = stats_now();
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(runners[i].thread, NULL);
		check_runner(&runners[i]);
	}
	printf("# %u rebinds, %lu calls in the first thread, %lu within one, in %lu rebinds both\n",
	       rebinds, runners[0].calls, runners[0].old + runners[0].new,
	       runners[0].both);
	CHECKF(is_enough(rebinds), "%u rebinds, %u watched",
	       rebinds, watched);
	CHECK_EQ(s.traps, 0);
	CHECK_EQ(s.retries, 0);
	CHECK_EQ(s.sites[RP_PROTOCOL_BREAKPOINT], 0);
	CHECK_EQ(s.sites[RP_PROTOCOL_STOPPED],
		 before.sites[RP_PROTOCOL_STOPPED]);
	CHECK_EQ(s.sites[RP_PROTOCOL_ATOMIC],
		 (unsigned long)NR_SITES * changes(rebinds));
	CHECK_EQ(s.syncs - before.syncs, changes(rebinds));
	CHECK_EQ(s.commits - before.commits, changes(rebinds));
}

/* ---- tables that were bound for good ---- */

static void park(void *arg)
{
	event_wait(arg);
}

static void call_in_thread(void *arg)
{
	*(int *)arg = call_0(5);
}

static void final_needs_stopped_threads(void)
{
	struct rp_text_poke_opts opts = {
		.sz = sizeof(opts), .protocol = RP_PROTOCOL_STOPPED
	};
	static struct worker worker;
	static struct event go;
	struct rp_error error = { 0 };
	int found = 0;

	rp_op_set(table, f, slow20);
	CHECK_EQ(rp_ops_bind_final(&table), 0);
	CHECK_BYTES(call_0_site, "\x8d\x47\x01\x8d\x40\x03");
	worker_start(&worker, 1);
	worker_post(&worker, call_in_thread, &found);
	worker_wait(&worker);
	CHECK_EQ(found, 9);
	rp_op_set(table, f, add2);
	rp_op_set(table, g, add2);
	opts.protocol = RP_PROTOCOL_AUTO;
	opts.error = &error;
	CHECK_EQ(rp_object_bind_ops(&rp__object, &table, RP_OPS_REBIND, &opts),
		 -ENOTSUP);
	CHECK_EQ(error.code, -ENOTSUP);
	CHECK(strstr(error.message, "RP_PROTOCOL_STOPPED"));
	/* Not the site either that could be changed. */
	CHECK_EQ(call_0(5), 9);
	CHECK_EQ(other(5), 6);
	worker_post(&worker, park, &go);
	opts.protocol = RP_PROTOCOL_STOPPED;
	CHECK_EQ(rp_object_bind_ops(&rp__object, &table, RP_OPS_REBIND, &opts),
		 0);
	event_set(&go);
	worker_wait(&worker);
	worker_post(&worker, call_in_thread, &found);
	worker_wait(&worker);
	CHECK_EQ(found, 7);
	CHECK_EQ(other(5), 7);
}

/* ---- somebody else's breakpoint, among many sites ---- */

struct crowd {
	int (*f)(int);
};

static int crowd_calls;

static int count(int x)
{
	crowd_calls++;
	return x;
}

RP_DEFINE_STATIC_OPS(struct crowd, crowd, .f = count);

/* 1001 calls in a row, and where they begin. */
__asm__(".pushsection .text.crowd,\"ax\",@progbits\n\t"
	".p2align 4\n\t"
	".globl ops_crowd, ops_crowd_sites\n\t"
	".hidden ops_crowd, ops_crowd_sites\n"
	"ops_crowd:\n\t"
	"subq $8, %rsp\n\t"
	".p2align 3\n"
	"ops_crowd_sites:\n\t"
	".rept 1001\n"
	"9:\tcall *rp_ops__crowd(%rip)\n\t"
	SITE_RECORD("ops_crowd", "9b", "rp_ops__crowd", "1", "6")
	"xchg %ax, %ax\n\t"
	".endr\n\t"
	"addq $8, %rsp\n\t"
	"ret\n\t"
	".popsection\n");
int ops_crowd(int x) __attribute__((visibility("hidden")));
extern uint8_t ops_crowd_sites[] __attribute__((visibility("hidden")));

#define CROWD_SIZE	(1001u * 8)

static void poke(uint8_t *at, uint8_t byte)
{
	uintptr_t page = (uintptr_t)at & -4096ul;

	REQUIRE(mprotect((void *)page, 4096, PROT_READ | PROT_WRITE |
			 PROT_EXEC) == 0);
	*(volatile uint8_t *)at = byte;
	REQUIRE(mprotect((void *)page, 4096, PROT_READ | PROT_EXEC) == 0);
}

static int count2(int x)
{
	crowd_calls += 2;
	return x;
}

static void foreign_breakpoint(void)
{
	struct rp_error error = { 0 };
	struct rp_text_poke_opts opts = { .sz = sizeof(opts), .error = &error };
	uint8_t *victim = ops_crowd_sites + 8 * 700;
	static uint8_t image[CROWD_SIZE];

	start_idle_thread();
	CHECK_EQ(rp_ops_bind(&crowd), 0);
	ops_crowd(1);
	CHECK_EQ(crowd_calls, 1001);
	poke(victim, 0xcc);
	memcpy(image, ops_crowd_sites, CROWD_SIZE);
	rp_op_set(crowd, f, count2);
	CHECK_EQ(rp_object_bind_ops(&rp__object, &crowd, RP_OPS_REBIND, &opts),
		 -EILSEQ);
	CHECK_EQ(error.code, -EILSEQ);
	CHECK(error.addr == victim);
	CHECK_EQ(error.found[0], 0xcc);
	CHECK_EQ(error.expected[0], 0x2e);
	CHECK(!memcmp(image, ops_crowd_sites, CROWD_SIZE));
	CHECK_EQ(rp_ops_unbind(&crowd), -EILSEQ);
	CHECK(!memcmp(image, ops_crowd_sites, CROWD_SIZE));
	/* It is taken out: the next one brings all to what they should be. */
	poke(victim, 0x2e);
	CHECK_EQ(rp_ops_rebind(&crowd), 0);
	ops_crowd(1);
	CHECK_EQ(crowd_calls, 3003);
}

TEST_MAIN(
	TEST(each_state),
	TEST(final_needs_stopped_threads),
	TEST(foreign_breakpoint),
)
