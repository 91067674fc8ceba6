// SPDX-License-Identifier: MIT
/*
 * A program whose threads are in the functions of held.c, and stay:
 *
 *   enter KIND     a thread goes in; its number when it is inside
 *   leave          all may go; what they returned, in the order of `enter`
 *   hot KIND N     N threads call a function for ever
 *   hot            the lowest and the highest version that each of their next
 *                  calls returns
 */
#define _GNU_SOURCE
#include "held.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define MOST	64

struct stayer {
	pthread_t thread;
	const char *kind;
	pid_t tid;
	atomic_bool inside;
	int result;
};

static struct stayer stayers[MOST];
static size_t nstayers;
static atomic_bool may_go;
static int door[2];	/* its other end is closed to let them go */
static __thread struct stayer *me;
volatile int handler_version;

long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void sleep_us(long us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	while (nanosleep(&t, &t))
		;
}

static void in_poll(void *arg)
{
	struct pollfd p = { .fd = door[0], .events = POLLIN };

	(void)arg;
	me->inside = true;
	while (poll(&p, 1, -1) < 0)
		;
}

static void in_sleep(void *arg)
{
	(void)arg;
	me->inside = true;
	while (!may_go)
		sleep_us(20000);
}

static void in_loop(void *arg)
{
	(void)arg;
	me->inside = true;
	while (!may_go)
		;
}

void handler_stay(void)
{
	in_poll(NULL);
}

static int in_qsort(void)
{
	struct item items[] = {
		{ in_poll, NULL, 2 }, { in_poll, NULL, 1 },
	};

	qsort(items, 2, sizeof(items[0]), held_compare);
	return items[0].key;
}

static int in_handler(bool own_stack)
{
	static char memory[65536];
	stack_t stack = { .ss_sp = memory, .ss_size = sizeof(memory) };
	struct sigaction action = { .sa_handler = held_handler };

	if (own_stack) {
		sigaltstack(&stack, NULL);
		action.sa_flags = SA_ONSTACK;
	}
	sigaction(SIGUSR1, &action, NULL);
	syscall(SYS_tgkill, getpid(), me->tid, SIGUSR1);
	return handler_version;
}

#ifdef CONTEXTS
static ucontext_t outside, inside;
static int context_result;

static void swap_out(void *arg)
{
	(void)arg;
	swapcontext(&inside, &outside);
}

static void context_main(void)
{
	context_result = held(swap_out, NULL);
	swapcontext(&inside, &outside);
}

/* held() is on a stack that no thread runs on. */
static int in_context(void)
{
	char *stack = malloc(65536);

	getcontext(&inside);
	inside.uc_stack = (stack_t){ .ss_sp = stack, .ss_size = 65536 };
	makecontext(&inside, context_main, 0);
	swapcontext(&outside, &inside);
	in_sleep(NULL);
	swapcontext(&outside, &inside);
	/* So that nothing that is looked for remains there. */
	explicit_bzero(stack, 65536);
	free(stack);
	return context_result;
}
#else
/* A program that cannot switch stacks is not looked through for them. */
static int in_context(void)
{
	return -1;
}
#endif

static int stay(const char *kind)
{
	if (!strcmp(kind, "sleep"))
		return held(in_sleep, NULL);
	if (!strcmp(kind, "loop"))
		return held(in_loop, NULL);
	if (!strcmp(kind, "recursion"))
		return held_deep(50, in_poll, NULL);
	if (!strcmp(kind, "qsort"))
		return in_qsort();
	if (!strcmp(kind, "handler"))
		return in_handler(false);
	if (!strcmp(kind, "altstack"))
		return in_handler(true);
	if (!strcmp(kind, "context"))
		return in_context();
	if (!strcmp(kind, "caller"))
		return caller(in_poll, NULL);
	return held(in_poll, NULL);
}

static void *enter(void *arg)
{
	me = arg;
	me->tid = syscall(SYS_gettid);
	me->result = stay(me->kind);
	return NULL;
}

static void enter_one(const char *kind)
{
	struct stayer *s = &stayers[nstayers++];

	if (nstayers == 1) {
		may_go = false;
		if (pipe(door))
			exit(71);
	}
	*s = (struct stayer){ .kind = strdup(kind) };
	pthread_create(&s->thread, NULL, enter, s);
	while (!s->inside)
		usleep(1000);
	usleep(20000);
	answer("%d", s->tid);
}

static void leave_all(void)
{
	char text[MOST * 8] = "";

	may_go = true;
	close(door[1]);
	for (size_t i = 0; i < nstayers; i++) {
		size_t n = strlen(text);

		pthread_join(stayers[i].thread, NULL);
		snprintf(text + n, sizeof(text) - n, "%s%d", i ? " " : "",
			 stayers[i].result);
	}
	if (nstayers)
		close(door[0]);
	nstayers = 0;
	answer("%s", text);
}

struct runner {
	int (*function)(void);
	atomic_long calls;
	atomic_int last;
};

static struct runner runners[MOST];
static size_t nrunners;

static void *run_for_ever(void *arg)
{
	struct runner *r = arg;

	for (;;) {
		atomic_store(&r->last, r->function());
		atomic_fetch_add(&r->calls, 1);
	}
	return NULL;
}

static void start_hot(const char *kind, unsigned int n)
{
	int (*function)(void) = !strcmp(kind, "tiny") ? tiny :
				!strcmp(kind, "works") ? works_for_ms :
				sleeps_5ms;
	pthread_t thread;

	while (n-- && nrunners < MOST) {
		runners[nrunners].function = function;
		pthread_create(&thread, NULL, run_for_ever,
			       &runners[nrunners++]);
	}
	answer("ok");
}

/* What calls return that begin now. */
static void report_hot(void)
{
	long until[MOST];
	int low = 1000, high = 0;

	for (size_t i = 0; i < nrunners; i++)
		until[i] = runners[i].calls + 2;
	for (size_t i = 0; i < nrunners; i++) {
		int v;

		while (runners[i].calls < until[i])
			usleep(100);
		v = runners[i].last;
		low = v < low ? v : low;
		high = v > high ? v : high;
	}
	answer("%d %d", low, high);
}

void serve_begin(int argc, char **argv)
{
	(void)argc;
	(void)argv;
}

bool serve_command(const char *line)
{
	char kind[32];
	unsigned int n;

	if (sscanf(line, "enter %31s", kind) == 1)
		enter_one(kind);
	else if (!strcmp(line, "leave"))
		leave_all();
	else if (sscanf(line, "hot %31s %u", kind, &n) == 2)
		start_hot(kind, n);
	else if (!strcmp(line, "hot"))
		report_hot();
	else if (!strcmp(line, "held"))
		answer("%d", tiny());
	else if (!strcmp(line, "callee"))
		answer("%d", callee());
	else
		return false;
	return true;
}
