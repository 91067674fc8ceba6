/* SPDX-License-Identifier: MIT */
/*
 * A program that waits at a known depth. It writes its return addresses, from the
 * outermost, "+" before them if frames of others lie between, and waits.
 *
 *   chain WAY
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX	64

static void *returns[MAX];
static int depth;
static int deepest = 8;
static const char *way;

/* For each function of the chain, at its beginning. */
#define NOTE() (returns[depth++] = __builtin_return_address(0))

#define FUNCTION __attribute__((noinline)) static

static volatile int sink;
static volatile int ends;	/* never, but there is a way to a `ret` */

static void say(const char *before)
{
	printf("%s", before);
	for (int i = 0; i < depth; i++)
		printf(" %llx", (unsigned long long)(size_t)returns[i]);
	printf("\n");
	fflush(stdout);
}

FUNCTION void wait_poll(void)
{
	NOTE();
	say("");
	poll(NULL, 0, -1);
	sink++;
}

FUNCTION void wait_sleep(void)
{
	struct timespec long_time = { 1000, 0 };

	NOTE();
	say("");
	nanosleep(&long_time, NULL);
	sink++;
}

FUNCTION void wait_cond(void)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

	NOTE();
	say("");
	pthread_mutex_lock(&mutex);
	pthread_cond_wait(&cond, &mutex);
	sink++;
}

FUNCTION void wait_read(void)
{
	int ends[2];
	char byte;

	NOTE();
	if (pipe(ends) == 0) {
		say("");
		sink += (int)read(ends[0], &byte, 1);
	}
	sink++;
}

/* In user code, or in the vDSO. */
FUNCTION void spin_clock(void)
{
	struct timespec now;

	NOTE();
	say("");
	while (!ends) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		sink = (int)now.tv_nsec;
	}
}

FUNCTION void spin(void)
{
	NOTE();
	say("");
	while (!ends)
		sink++;
}

static void *wait_in_thread(void *unused);

FUNCTION void wait_join(void)
{
	pthread_t thread;

	NOTE();
	say("");
	pthread_create(&thread, NULL, wait_in_thread, NULL);
	pthread_join(thread, NULL);
	sink++;
}

FUNCTION void handler(int signal)
{
	NOTE();
	say("+");
	poll(NULL, 0, -1);
	sink += signal;
}

/* The handler's return address is not of a call. */
FUNCTION void raise_here(void)
{
	static char stack[65536];
	stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = handler,
				    .sa_flags = SA_ONSTACK };

	NOTE();
	if (strcmp(way, "altstack") == 0)
		sigaltstack(&other, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	sink++;
}

FUNCTION int compare(const void *a, const void *b)
{
	NOTE();
	say("+");
	poll(NULL, 0, -1);
	return *(const int *)a - *(const int *)b;
}

FUNCTION void sort(void)
{
	int v[] = { 3, 1, 2, 5, 4 };

	NOTE();
	qsort(v, 5, sizeof(v[0]), compare);
	sink += v[0];
}

#ifdef WITH_ASM
/* In bare.S: each calls a function from a frame of its own, without a word of
 * CFI, and stores its return address before. */
extern void bare_pushes(void (*function)(void), void **ret);
extern void bare_frame(void (*function)(void), void **ret);
extern void bare_noreturn(void (*function)(void), void **ret);

FUNCTION void bare_inner(void)
{
	NOTE();
	depth++;
	bare_noreturn(wait_poll, &returns[depth - 1]);
	sink++;
}

FUNCTION void bare_middle(void)
{
	NOTE();
	depth++;
	bare_frame(bare_inner, &returns[depth - 1]);
	sink++;
}

FUNCTION void bare(void)
{
	NOTE();
	depth++;
	bare_pushes(bare_middle, &returns[depth - 1]);
	sink++;
}

/* In expression.S, with CFI; otherwise as above. */
extern void cfa_by_expression(void (*function)(void), void **ret);

FUNCTION void expression(void)
{
	NOTE();
	depth++;
	cfa_by_expression(wait_poll, &returns[depth - 1]);
	sink++;
}
#endif

static const struct { const char *name; void (*function)(void); } leaves[] = {
	{ "poll", wait_poll }, { "sleep", wait_sleep }, { "cond", wait_cond },
	{ "read", wait_read }, { "clock", spin_clock }, { "spin", spin },
	{ "join", wait_join }, { "signal", raise_here },
	{ "altstack", raise_here }, { "sort", sort },
#ifdef WITH_ASM
	{ "bare", bare }, { "expression", expression },
#endif
};

FUNCTION int leaf(void)
{
	NOTE();
	for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
		if (strcmp(way, leaves[i].name) == 0)
			leaves[i].function();
	}
	return sink++;
}

FUNCTION int down(int n, int more);

/* A frame that only rbp leads out of. */
FUNCTION int down_alloca(int n, int more)
{
	NOTE();
	char *room = alloca((size_t)(n * 100 + 16));
	memset(room, n, 16);
	return down(n, more) + room[more & 15];
}

FUNCTION int down(int n, int more)
{
	int v[6] = { n, more, n + 1, more + 1, n * 2, more * 2 };

	NOTE();
	for (int i = 0; i < 6; i++)
		sink += v[i];
	if (n <= 0)
		return leaf() + 1;
	if (n % 3 == 2)
		return down_alloca(n - 1, more + v[3]) + v[sink & 3];
	return down(n - 1, more + v[2]) + v[sink & 3] + v[n & 3];
}

FUNCTION int recurse(int n)
{
	volatile int here = n;

	if (n <= 0) {
		say("+");
		pause();
		return here;
	}
	if (n == 1)
		NOTE();
	return recurse(n - 1) + here;
}

static void *wait_in_thread(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return NULL;
}

static void *in_thread(void *unused)
{
	NOTE();
	down(deepest, 1);
	return unused;
}

int main(int argc, char **argv)
{
	way = argc > 1 ? argv[1] : "poll";
	NOTE();
	if (strcmp(way, "deep") == 0)
		return recurse(50000);
	if (argc > 2) {
		pthread_t thread;

		depth = 0;
		pthread_create(&thread, NULL, in_thread, NULL);
		pthread_join(thread, NULL);
	}
	return down(deepest, 1);
}
