// SPDX-License-Identifier: MIT
/* Which threads there are, and what they block. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "threads.h"

enum { THREADS = 200 };	/* more than one read of the directory shows */

/* struct sleeper - a thread that sets its mask when told. */
struct sleeper {
	pthread_t thread;
	int tid;
	int how;
	int signal;
	sem_t go, done;
};

static struct sleeper sleepers[THREADS];

static void *sleeper_run(void *arg)
{
	struct sleeper *s = arg;
	sigset_t set;

	s->tid = (int)syscall(SYS_gettid);
	for (;;) {
		sem_post(&s->done);
		while (sem_wait(&s->go) < 0)
			;
		if (!s->signal)
			return NULL;
		sigemptyset(&set);
		sigaddset(&set, s->signal);
		pthread_sigmask(s->how, &set, NULL);
	}
}

static void sleeper_set(struct sleeper *s, int how, int signal)
{
	s->how = how;
	s->signal = signal;
	sem_post(&s->go);
	while (sem_wait(&s->done) < 0)
		;
}

static int start(void **state)
{
	pthread_attr_t attr;

	(void)state;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 << 10);
	for (int i = 0; i < THREADS; i++) {
		sem_init(&sleepers[i].go, 0, 0);
		sem_init(&sleepers[i].done, 0, 0);
		if (pthread_create(&sleepers[i].thread, &attr, sleeper_run,
				   &sleepers[i]))
			return -1;
		sem_wait(&sleepers[i].done);
	}
	pthread_attr_destroy(&attr);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	for (int i = 0; i < THREADS; i++) {
		sleepers[i].signal = 0;
		sem_post(&sleepers[i].go);
		pthread_join(sleepers[i].thread, NULL);
	}
	return 0;
}

static void nobody_blocks(void **state)
{
	(void)state;
	assert_int_equal(rp__threads_blocking(SIGTRAP), 0);
	assert_int_equal(rp__threads_blocking(SIGUSR1), 0);
}

static void each_one_is_found(void **state)
{
	static const int some[] = { 0, 1, 100, THREADS - 2, THREADS - 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
		struct sleeper *s = &sleepers[some[i]];

		sleeper_set(s, SIG_BLOCK, SIGTRAP);
		assert_int_equal(rp__threads_blocking(SIGTRAP), s->tid);
		assert_int_equal(rp__threads_blocking(SIGUSR1), 0);
		sleeper_set(s, SIG_UNBLOCK, SIGTRAP);
		assert_int_equal(rp__threads_blocking(SIGTRAP), 0);
	}
}

/* Not the signals beside it, nor the first and the last of all. */
static void signal_numbers(void **state)
{
	struct sleeper *s = &sleepers[3];
	int numbers[] = { SIGHUP, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGSYS,
			  SIGRTMIN, SIGRTMAX };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		sleeper_set(s, SIG_BLOCK, numbers[i]);
		for (size_t j = 0; j < sizeof(numbers) / sizeof(*numbers); j++)
			assert_int_equal(rp__threads_blocking(numbers[j]),
					 i == j ? s->tid : 0);
		sleeper_set(s, SIG_UNBLOCK, numbers[i]);
	}
}

static void caller_is_found(void **state)
{
	sigset_t set;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGTRAP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	assert_int_equal(rp__threads_blocking(SIGTRAP), syscall(SYS_gettid));
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	assert_int_equal(rp__threads_blocking(SIGTRAP), 0);
}

/* ---- alone or not ---- */

static void many_are_not_one(void **state)
{
	(void)state;
	assert_false(rp__threads_single());
}

static int sleep_raw(void *arg)
{
	(void)arg;
	for (;;)
		syscall(SYS_pause);
	return 0;
}

/* A thread that libc knows nothing of. */
static int thread_by_clone(void)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			  CLONE_THREAD | CLONE_SYSVSEM;
	char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED || !rp__threads_single())
		return 1;
	if (clone(sleep_raw, stack + 65536, flags, NULL) < 0)
		return 2;
	return rp__threads_single() ? 3 : 0;
}

/* Before this process ever had a second one: libc would remember. */
static void clone_is_seen(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (!pid)
		syscall(SYS_exit_group, thread_by_clone());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(clone_is_seen),
		cmocka_unit_test_setup(nobody_blocks, start),
		cmocka_unit_test(each_one_is_found),
		cmocka_unit_test(signal_numbers),
		cmocka_unit_test(caller_is_found),
		cmocka_unit_test_teardown(many_are_not_one, stop),
	};

	return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
