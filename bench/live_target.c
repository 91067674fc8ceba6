// SPDX-License-Identifier: MIT
/*
 * repoint-bench-live: the program that section "live" patches while it runs.
 *
 * usage: repoint-bench-live idle THREADS    all of them wait
 *        repoint-bench-live tiny|long THREADS  one waits, the others run through
 *                                           live_tiny() or live_long() only
 *
 * Says "ready", then answers lines: "tiny" and "long" with what these functions
 * add, "time" with the nanoseconds of a call, "NAME NS" each, ended by "end".
 * Ends with its standard input.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "live_work.h"

#define LONG_NS		1000000u
#define STACK_SIZE	(64u << 10)
#define CALLS		1000000u
#define BATCHES		9

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static atomic_uint started;
/* Of live_long(), for LONG_NS. */
static uint64_t long_turns = 1000;

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "repoint-bench-live: error: %s\n", what);
	exit(1);
}

/* ---- threads ---- */

static void *wait_in_futex(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	atomic_fetch_add(&started, 1);
	for (;;)
		pthread_cond_wait(&never, &lock);
	return NULL;
}

static void *wait_in_poll(void *unused)
{
	(void)unused;
	atomic_fetch_add(&started, 1);
	for (;;)
		poll(NULL, 0, -1);
	return NULL;
}

static void *spin_tiny(void *unused)
{
	uint64_t x = 0;

	(void)unused;
	atomic_fetch_add(&started, 1);
	for (;;)
		x = live_tiny(x);
	return NULL;
}

static void *spin_long(void *unused)
{
	(void)unused;
	atomic_fetch_add(&started, 1);
	for (;;)
		live_long(long_turns);
	return NULL;
}

static void start_threads(const char *kind, unsigned int nr)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (unsigned int i = 1; i < nr; i++) {
		void *(*run)(void *) = !strcmp(kind, "tiny") ? spin_tiny :
			!strcmp(kind, "long") ? spin_long :
			i % 2 ? wait_in_futex : wait_in_poll;

		if (pthread_create(&thread, &attr, run, NULL))
			die("there cannot be so many threads");
	}
	while (atomic_load(&started) + 1 < nr)
		poll(NULL, 0, 1);
}

static void calibrate(void)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 20; i++) {
		uint64_t start = now();

		live_long(100000);
		start = now() - start;
		best = start < best ? start : best;
	}
	long_turns = 100000ull * LONG_NS / (best ? best : 1) + 1;
}

/* ---- cost of a call ---- */

/* The loop is one for all contestants but for the call, and lies alike. */
#define TIMED(function)							\
__attribute__((noinline, aligned(64)))				\
static uint64_t loop_##function(uint64_t x)				\
{									\
	for (uint64_t i = 0; i < CALLS; i++)				\
		x = function(x);					\
	return x;							\
}

TIMED(live_tiny)
TIMED(live_ten)
TIMED(live_jump)
TIMED(live_jumped)

static const struct timed {
	const char *name;
	uint64_t (*loop)(uint64_t x);
} timed[] = {
	{ "tiny", loop_live_tiny },
	{ "ten", loop_live_ten },
	{ "jumped", loop_live_jumped },
	{ "jump", loop_live_jump },
};

#define NR_TIMED	(sizeof(timed) / sizeof(*timed))

/* The best of some: what comes in between only adds. */
static void answer_time(void)
{
	uint64_t best[NR_TIMED];

	memset(best, 0xff, sizeof(best));
	for (int batch = 0; batch < BATCHES; batch++) {
		for (size_t i = 0; i < NR_TIMED; i++) {
			uint64_t start = now();

			timed[i].loop(start);
			start = now() - start;
			best[i] = start < best[i] ? start : best[i];
		}
	}
	for (size_t i = 0; i < NR_TIMED; i++)
		printf("%s %.5f\n", timed[i].name, (double)best[i] / CALLS);
	puts("end");
}

/* ---- questions ---- */

static void answer(const char *line)
{
	if (!strcmp(line, "tiny\n"))
		printf("%u\n", (unsigned int)live_tiny(0));
	else if (!strcmp(line, "long\n"))
		printf("%u\n", (unsigned int)live_long(1));
	else if (!strcmp(line, "time\n"))
		answer_time();
	else
		die("what is that?");
}

int main(int argc, char **argv)
{
	unsigned int nr = argc == 3 ? (unsigned int)atoi(argv[2]) : 0;
	char line[64];

	if (!nr) {
		fputs("usage: repoint-bench-live idle|tiny|long THREADS\n",
		      stderr);
		return 64;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	calibrate();
	start_threads(argv[1], nr);
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		answer(line);
		fflush(stdout);
	}
	return 0;
}
