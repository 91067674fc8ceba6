/* SPDX-License-Identifier: MIT */
/*
 * A program whose old function is in use, or not, in many ways.
 *
 *   target WAY
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef WITH_CONTEXTS
#include <ucontext.h>
#endif

#define OLD	__attribute__((noinline, section("oldcode")))
#define PLAIN	__attribute__((noinline)) static

extern const char __start_oldcode[], __stop_oldcode[];

/* In odd.S. */
extern void odd_lost(void);
extern void odd_no_stack(void);

static volatile int sink, ends;
static void *outermost;

static void ready(void)
{
	printf("code %llx %llx %llx\n",
	       (unsigned long long)(uintptr_t)__start_oldcode,
	       (unsigned long long)(uintptr_t)__stop_oldcode,
	       (unsigned long long)(uintptr_t)outermost);
	fflush(stdout);
}

static void wait_here(void)
{
	ready();
	while (!ends)
		poll(NULL, 0, -1);
}

static void nothing(void)
{
}

OLD static int old(void (*inside)(void))
{
	sink++;
	inside();
	return sink++;
}

/* In again, by way of others: the outermost counts. */
static int depth;

PLAIN void again(void);

OLD static int old_outer(int more)
{
	if (!outermost)
		outermost = __builtin_return_address(0);
	if (more)
		again();
	else
		wait_here();
	return sink++;
}

PLAIN void again(void)
{
	old_outer(depth++ < 3);
	sink++;
}

OLD static int old_loop(void)
{
	while (!ends)
		sink++;
	return sink;
}

PLAIN void way_idle(void)
{
	old(nothing);
	wait_here();
}

/* Its return address stays far below. */
PLAIN int deep_old(void)
{
	volatile char room[8192];

	room[0] = 1;
	old(nothing);
	return room[0];
}

PLAIN void way_idle_deep(void)
{
	sink += deep_old();
	wait_here();
}

PLAIN void way_frame(void)
{
	again();
}

PLAIN void way_spin(void)
{
	ready();
	old_loop();
}

static void lost(void)
{
	ready();
	odd_lost();
}

PLAIN void way_lost(void)
{
	old(lost);
}

PLAIN void way_lost_elsewhere(void)
{
	lost();
}

PLAIN void way_no_stack(void)
{
	ready();
	odd_no_stack();
}

static void handler(int signal)
{
	sink += signal;
	lost();
}

static void waiting_handler(int signal)
{
	sink += signal;
	wait_here();
}

static void start_alarm(void (*function)(int))
{
	static char stack[65536];
	stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = function,
				    .sa_flags = SA_ONSTACK };

	sigaltstack(&other, NULL);
	sigaction(SIGALRM, &action, NULL);
	ualarm(50000, 0);
}

/* The pc in the old function is in a signal frame only. */
PLAIN void way_interrupted(void)
{
	start_alarm(waiting_handler);
	old_loop();
}

PLAIN void way_interrupted_lost(void)
{
	start_alarm(handler);
	old_loop();
}

static void *thread_in_old(void *unused)
{
	old(wait_here);
	return unused;
}

PLAIN void way_thread(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, thread_in_old, NULL);
	pthread_join(thread, NULL);
}

#ifdef WITH_CONTEXTS
static ucontext_t outside, inside;
static char static_stack[65536];

static void leave(void)
{
	swapcontext(&inside, &outside);
}

static void suspended_in_old(void)
{
	old(leave);
}

static void running_in_old(void)
{
	old(wait_here);
}

static void run(void (*function)(void), void *stack, size_t size)
{
	getcontext(&inside);
	inside.uc_stack.ss_sp = stack;
	inside.uc_stack.ss_size = size;
	inside.uc_link = &outside;
	makecontext(&inside, function, 0);
	swapcontext(&outside, &inside);
}

PLAIN void way_suspended(void)
{
	run(suspended_in_old, static_stack, sizeof(static_stack));
	wait_here();
}

PLAIN void way_suspended_heap(void)
{
	run(suspended_in_old, malloc(65536), 65536);
	wait_here();
}

/* On the stack of the thread that waits. */
PLAIN void way_suspended_local(void)
{
	char stack[65536];

	run(suspended_in_old, stack, sizeof(stack));
	wait_here();
	sink += stack[sink & 1];
}

PLAIN void way_running(void)
{
	run(running_in_old, static_stack, sizeof(static_stack));
}

/* The thread's own stack waits in the old function, a coroutine runs. */
static void run_waiting(void)
{
	run(wait_here, static_stack, sizeof(static_stack));
}

PLAIN void way_below(void)
{
	old(run_waiting);
}

static void run_waiting_local(void)
{
	char stack[65536];

	run(wait_here, stack, sizeof(stack));
	sink += stack[sink & 1];
}

PLAIN void way_below_local(void)
{
	old(run_waiting_local);
}
#endif

static const struct { const char *name; void (*function)(void); } ways[] = {
	{ "idle", way_idle },
	{ "idle-deep", way_idle_deep },
	{ "frame", way_frame },
	{ "spin", way_spin },
	{ "thread", way_thread },
	{ "lost", way_lost },
	{ "lost-elsewhere", way_lost_elsewhere },
	{ "no-stack", way_no_stack },
	{ "interrupted", way_interrupted },
	{ "interrupted-lost", way_interrupted_lost },
#ifdef WITH_CONTEXTS
	{ "suspended", way_suspended },
	{ "suspended-heap", way_suspended_heap },
	{ "suspended-local", way_suspended_local },
	{ "running", way_running },
	{ "below", way_below },
	{ "below-local", way_below_local },
#endif
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(argv[1], ways[i].name) == 0)
			ways[i].function();
	}
	return sink & 1;
}
