// SPDX-License-Identifier: MIT
/* rp_alternatives_apply() after the start, under threads and in the way. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <repoint/alternative.h>
#include <repoint/log.h>

#include "case.h"
#include "forms.h"

#define SINGLE	RP_FEATURE_SYNTHETIC(0)
#define MANY	RP_FEATURE_SYNTHETIC(1)

/* ---- sites ---- */

#define SITE(name)							\
	extern uint8_t name##_site[], name##_end[]			\
		__attribute__((visibility("hidden")))
/* One instruction each. */
SITE(move);
SITE(add);
SITE(call);
SITE(crossing);
SITE(nop_or_move);
/* More than one. */
SITE(many);

int move(void), add(void), call(void), crossing(void), nop_or_move(void);
int many(void);

#define FUNCTION(name, before, code, after)				\
	__attribute__((used, noinline)) int name(void)			\
	{								\
		int r = 1;						\
									\
		__asm__ volatile("leaq -128(%%rsp), %%rsp\n\t" before	\
				 ".globl " #name "_site, " #name "_end\n" \
				 ".hidden " #name "_site, " #name "_end\n" \
				 #name "_site:\n\t" code "\n"		\
				 #name "_end:\n\t" after		\
				 "leaq 128(%%rsp), %%rsp\n\t"		\
				 : "+a" (r) : : "memory", "cc");	\
		return r;						\
	}

FUNCTION(move, ".p2align 3\n\t",
	 RP_ALTERNATIVE("movl $1, %%eax", "movl $2, %%eax", SINGLE), "")
FUNCTION(add, ".p2align 3\n\t",
	 RP_ALTERNATIVE("addl $0, %%eax", "addl $1, %%eax", SINGLE), "")
FUNCTION(call, ".p2align 3\n\t",
	 RP_ALTERNATIVE("call returns_1", "call returns_2", SINGLE), "")
/* Its displacement lies on both sides of 64 bytes: a breakpoint it is. */
FUNCTION(crossing, ".p2align 6\n\t.nops 61\n\t",
	 RP_ALTERNATIVE("call returns_1", "call returns_far", SINGLE), "")
FUNCTION(nop_or_move, ".p2align 3\n\t",
	 RP_ALTERNATIVE("nopl 0(%%rax,%%rax,1)", "movl $2, %%eax", SINGLE), "")
FUNCTION(many, "",
	 RP_ALTERNATIVE("movl $1, %%eax", "xorl %%eax, %%eax; addl $2, %%eax",
			MANY), "")

__asm__(".text\n"
	"returns_1: movl $1, %eax\n\tret\n"
	"returns_2: movl $2, %eax\n\tret\n"
	".section .text.returns_far, \"ax\", @progbits\n"
	".skip 0x12345, 0xcc\n"
	"returns_far: movl $2, %eax\n\tret\n"
	".text\n");

static int (*const singles[])(void) = {
	move, add, call, crossing, nop_or_move
};

#define SINGLES		(sizeof(singles) / sizeof(*singles))

static bool singles_are(int value)
{
	for (size_t i = 0; i < SINGLES; i++)
		if (!CHECKF(singles[i]() == value, "site %zu returns %d, not %d",
			    i, singles[i](), value))
			return false;
	return true;
}

/* ---- what is asked for ---- */

static struct rp_error error;

static int apply(int single, int multiple, enum rp_protocol protocol)
{
	struct rp_text_poke_opts opts = {
		.sz = sizeof(opts), .protocol = protocol, .error = &error
	};

	memset(&error, 0, sizeof(error));
	CHECK_EQ(rp_cpu_set_feature(SINGLE, single), 0);
	CHECK_EQ(rp_cpu_set_feature(MANY, multiple), 0);
	return rp_alternatives_apply(&opts);
}

/* ---- threads ---- */

#define THREADS		2

/* struct worker - @seen: of each site, how often which result, by number. */
struct worker {
	pthread_t thread;
	unsigned long seen[SINGLES][3];
	unsigned long wrong;
};

static struct worker workers[THREADS];
static bool stop, park;
static unsigned int running, parked;

/* Out of all sites, until it is over. */
static void wait_parked(void)
{
	__atomic_add_fetch(&parked, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&park, __ATOMIC_ACQUIRE))
		usleep(1000);
	__atomic_sub_fetch(&parked, 1, __ATOMIC_SEQ_CST);
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	__atomic_add_fetch(&running, 1, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		if (__atomic_load_n(&park, __ATOMIC_ACQUIRE))
			wait_parked();
		for (size_t i = 0; i < SINGLES; i++) {
			int r = singles[i]();

			if (r == 1 || r == 2)
				__atomic_add_fetch(&worker->seen[i][r], 1,
						   __ATOMIC_RELAXED);
			else
				worker->wrong++;
		}
	}
	return NULL;
}

static void start_threads(void)
{
	for (int i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&workers[i].thread, NULL, work,
				       &workers[i]) == 0);
	while (__atomic_load_n(&running, __ATOMIC_SEQ_CST) < THREADS)
		usleep(100);
}

static void stop_threads(void)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		CHECK_EQ(workers[i].wrong, 0);
	}
}

/* Results so far of all threads and sites, of one kind. */
static bool all_have_seen(int result, unsigned long more_than)
{
	for (int t = 0; t < THREADS; t++)
		for (size_t i = 0; i < SINGLES; i++)
			if (__atomic_load_n(&workers[t].seen[i][result],
					    __ATOMIC_RELAXED) <= more_than)
				return false;
	return true;
}

/*
 * Changes follow each other until every thread had both results of each site
 * often: it ran them while they changed.
 */
static void threads_single(void)
{
	double end = case_now() + 60;
	unsigned int changes = 0;

	start_threads();
	while (case_now() < end &&
	       (changes < 300 || !all_have_seen(1, 1000) ||
		!all_have_seen(2, 1000))) {
		int result = apply(++changes & 1, 0, RP_PROTOCOL_AUTO);

		if (!CHECKF(result == 0, "%d: %s", result, error.message))
			break;
	}
	CHECK(all_have_seen(1, 1000));
	CHECK(all_have_seen(2, 1000));
	stop_threads();
	CHECK_EQ(apply(0, 0, RP_PROTOCOL_AUTO), 0);
	CHECK(singles_are(1));
}

/* One that cannot change takes those with it that could. */
static void threads_many(void)
{
	start_threads();
	CHECK_EQ(apply(1, 1, RP_PROTOCOL_AUTO), -ENOTSUP);
	CHECK_EQ(error.code, -ENOTSUP);
	CHECK(strstr(error.message, "RP_PROTOCOL_STOPPED"));
	CHECK(error.addr == many_site);
	CHECK(singles_are(1));
	CHECK_EQ(many(), 1);
	CHECK_EQ(apply(1, 0, RP_PROTOCOL_AUTO), 0);
	CHECK(singles_are(2));
	CHECK_EQ(apply(0, 1, RP_PROTOCOL_BREAKPOINT), -ENOTSUP);
	CHECK(singles_are(2));
	CHECK_EQ(many(), 1);
	stop_threads();
	/* The library does not see that they are gone; who joined them knows. */
	CHECK_EQ(apply(0, 1, RP_PROTOCOL_STOPPED), 0);
	CHECK(singles_are(1));
	CHECK_EQ(many(), 2);
}

static void threads_stopped(void)
{
	double end = case_now() + 60;

	start_threads();
	__atomic_store_n(&park, true, __ATOMIC_RELEASE);
	while (__atomic_load_n(&parked, __ATOMIC_SEQ_CST) < THREADS)
		usleep(1000);
	CHECK_EQ(apply(1, 1, RP_PROTOCOL_STOPPED), 0);
	CHECK_EQ(many(), 2);
	CHECK(singles_are(2));
	__atomic_store_n(&park, false, __ATOMIC_RELEASE);
	while (!all_have_seen(2, 0) && case_now() < end)
		usleep(1000);
	CHECK(all_have_seen(2, 0));
	stop_threads();
}

/* ---- in the way ---- */

static void poke_byte(uint8_t *at, uint8_t byte)
{
	void *page = (void *)((uintptr_t)at & -(uintptr_t)4096);

	REQUIRE(mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
	*at = byte;
	REQUIRE(mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
}

static void breakpoint(uint8_t *at)
{
	uint8_t byte = *at;

	CHECK_EQ(apply(0, 0, RP_PROTOCOL_AUTO), 0);
	poke_byte(at, 0xcc);
	CHECK_EQ(apply(1, 1, RP_PROTOCOL_AUTO), -EILSEQ);
	CHECK_EQ(error.code, -EILSEQ);
	CHECK(error.message[0]);
	CHECK_EQ(*at, 0xcc);
	poke_byte(at, byte);
	CHECK(singles_are(1));
	CHECK_EQ(many(), 1);
	CHECK_EQ(apply(1, 1, RP_PROTOCOL_AUTO), 0);
	CHECK(singles_are(2));
	CHECK_EQ(many(), 2);
	CHECK_EQ(apply(0, 0, RP_PROTOCOL_AUTO), 0);
}

static void breakpoints(void)
{
	breakpoint(move_site);
	breakpoint(call_site);
	breakpoint(many_site);
}

static int inner_result;
static unsigned int inner_calls;

static void apply_again(enum rp_log_level level, const char *category,
			const char *message, void *data)
{
	(void)level, (void)message, (void)data;
	if (strcmp(category, "alternative"))
		return;
	inner_calls++;
	inner_result = rp_alternatives_apply(NULL);
}

static void from_callback(void)
{
	rp_log_set(apply_again, RP_LOG_DEBUG, NULL);
	CHECK_EQ(apply(1, 1, RP_PROTOCOL_AUTO), 0);
	rp_log_set(NULL, RP_LOG_DEBUG, NULL);
	CHECK(inner_calls >= 6);
	CHECK_EQ(inner_result, -EDEADLK);
	CHECK(singles_are(2));
}

static void arguments(void)
{
	struct rp_text_poke_opts opts = { .sz = sizeof(opts) };
	struct rp_object nothing = {
		.version = RP_ABI_VERSION, .size = sizeof(nothing)
	};

	CHECK_EQ(rp_object_apply_alternatives(NULL, NULL), -EINVAL);
	CHECK_EQ(rp_object_apply_alternatives(&nothing, NULL), 0);
	rp_object_unregister(&nothing);
	nothing.version++;
	CHECK_EQ(rp_object_apply_alternatives(&nothing, NULL),
		 -EPROTONOSUPPORT);
	CHECK_EQ(rp_cpu_set_feature(SINGLE, 1), 0);
	opts.protocol = RP_PROTOCOL_NR;
	CHECK_EQ(rp_alternatives_apply(&opts), -EINVAL);
	CHECK(singles_are(1));
	/* One store for each is not possible, so there is none. */
	opts.protocol = RP_PROTOCOL_ATOMIC;
	CHECK_EQ(rp_alternatives_apply(&opts), -ENOTSUP);
	CHECK(singles_are(1));
	CHECK_EQ(rp_cpu_set_feature(RP_FEATURE_AVX2, 0), -EINVAL);
	CHECK_EQ(rp_cpu_set_feature(RP_FEATURE_SYNTHETIC(64), 1), -EINVAL);
}

/* What it was at each state comes back, byte for byte. */
static void bytes_return(void)
{
	uint8_t old[64], new[64];
	size_t len = (size_t)(many_end - many_site);

	memcpy(old, many_site, len);
	CHECK_EQ(apply(1, 1, RP_PROTOCOL_AUTO), 0);
	memcpy(new, many_site, len);
	CHECK(memcmp(old, new, len));
	for (int i = 0; i < 100; i++) {
		CHECK_EQ(apply(0, 0, RP_PROTOCOL_AUTO), 0);
		CHECK(!memcmp(old, many_site, len));
		CHECK_EQ(apply(1, 1, RP_PROTOCOL_AUTO), 0);
		CHECK(!memcmp(new, many_site, len));
	}
}

/* An object that is registered again has what it had as its original code. */
static void registered_again(void)
{
	uint8_t old[64];
	size_t len = (size_t)(many_end - many_site);

	memcpy(old, many_site, len);
	CHECK_EQ(apply(1, 1, RP_PROTOCOL_AUTO), 0);
	rp_object_unregister(&rp__object);
	CHECK_EQ(rp_object_register(&rp__object), 0);
	CHECK_EQ(many(), 2);
	CHECK_EQ(apply(0, 0, RP_PROTOCOL_AUTO), 0);
	CHECK_EQ(many(), 1);
	CHECK(singles_are(1));
	CHECK(!memcmp(old, many_site, len));
}

static const struct test_case cases[] = {
	{ "bytes-return", NULL, bytes_return, 0, NULL },
	{ "threads-single", NULL, threads_single, 120, NULL },
	{ "threads-many", NULL, threads_many, 0, NULL },
	{ "threads-stopped", NULL, threads_stopped, 120, NULL },
	{ "breakpoint", NULL, breakpoints, 0, NULL },
	{ "from-callback", NULL, from_callback, 0, NULL },
	{ "arguments", NULL, arguments, 0, NULL },
	{ "registered-again", NULL, registered_again, 0, NULL },
};

int main(int argc, char **argv)
{
	return cases_main(cases, sizeof(cases) / sizeof(*cases), argc, argv);
}
