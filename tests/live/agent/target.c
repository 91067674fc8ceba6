// SPDX-License-Identifier: MIT
/*
 * A program with functions that another process has a thread of its own call.
 *
 *   target MODE [LIBRARY]	MODE: single, threads (which allocate memory all
 *				the time), blocked (in pause())
 *
 * Prints "NAME ADDRESS" of each function, then "ready"; ends with SIGTERM, and
 * says "ok" if nothing of it was disturbed.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WORKERS	4
#define CHECK(condition) do { if (!(condition)) return __LINE__; } while (0)

static volatile sig_atomic_t ended;
static __thread int counted = 5;
static __thread char zeroed[300];
static __thread int aligned __attribute__((aligned(64))) = 9;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key;
static int (*library_value)(int add);
static pthread_t self_of_main;
volatile uint64_t counter;
static volatile int zero;

static long hook_sum(long a, long b)
{
	return 3 * a + b;
}

static long hook_tls(void)
{
	CHECK(counted++ == 5);
	CHECK(aligned == 9 && !((uintptr_t)&aligned & 63));
	for (size_t i = 0; i < sizeof(zeroed); i++)
		CHECK(!zeroed[i]);
	memset(zeroed, 1, sizeof(zeroed));
	CHECK(!library_value || library_value(2) == 9);
	CHECK(!library_value || library_value(3) == 12);
	errno = 77;
	CHECK(errno == 77);
	CHECK(open("/nonexistent/x", O_RDONLY) == -1 && errno == ENOENT);
	return 0;
}

static long hook_text(void)
{
	char text[64];

	snprintf(text, sizeof(text), "%.3f %s %d", 2.0 / 3.0, "x", 42);
	CHECK(!strcmp(text, "0.667 x 42"));
	CHECK(strtod("1.5", NULL) == 1.5);
	CHECK(isalpha('a') && !isalpha('1') && toupper('b') == 'B');
	return 0;
}

static long hook_memory(void)
{
	static char *blocks[300];

	for (int i = 0; i < 300; i++) {
		blocks[i] = malloc(16 + 50 * i);
		CHECK(blocks[i]);
		memset(blocks[i], i, 16 + 50 * i);
	}
	for (int i = 0; i < 300; i++) {
		CHECK(blocks[i][8] == (char)i);
		free(blocks[i]);
	}
	return 0;
}

static long hook_threads(void)
{
	pthread_mutexattr_t attr;
	pthread_mutex_t own;

	CHECK(!pthread_mutex_lock(&lock));
	CHECK(!pthread_mutex_unlock(&lock));
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&own, &attr);
	CHECK(!pthread_mutex_lock(&own) && !pthread_mutex_lock(&own));
	CHECK(!pthread_mutex_unlock(&own) && !pthread_mutex_unlock(&own));
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&own, &attr);
	CHECK(!pthread_mutex_lock(&own) && !pthread_mutex_unlock(&own));
	CHECK(pthread_self() != self_of_main);
	CHECK(!pthread_getspecific(key));
	CHECK(!pthread_setspecific(key, &own));
	CHECK(pthread_getspecific(key) == &own);
	CHECK(syscall(SYS_gettid) != getpid());
	return 0;
}

/* SIGUSR1 has no handler: it would end the program. */
static long hook_raise(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return raise(SIGUSR1);
}

static long hook_stack(void)
{
	volatile char large[150000];

	for (size_t i = 0; i < sizeof(large); i += 100)
		large[i] = 1;
	return large[100] - 1;
}

static long hook_calls(void)
{
	for (int i = 0; i < 500; i++)
		syscall(SYS_getppid);
	return 0;
}

static long hook_sleep(void)
{
	for (;;)
		pause();
	return 0;
}

static long hook_spin(void)
{
	for (;;)
		;
	return 0;
}

static long hook_crash(void)
{
	*(volatile int *)8 = 1;
	return 0;
}

static long hook_abort(void)
{
	abort();
}

static long hook_divide(void)
{
	return 10 / zero;
}

static long hook_end(void)
{
	syscall(SYS_exit, 0);
	return 0;
}

static long hook_exit(void)
{
	_exit(5);
}

static long hook_overflow(void)
{
	volatile char large[1000000];

	large[0] = 1;
	return large[0];
}

static const struct {
	const char *name;
	void *function;
} hooks[] = {
	{ "sum", hook_sum }, { "tls", hook_tls }, { "text", hook_text },
	{ "memory", hook_memory }, { "threads", hook_threads },
	{ "stack", hook_stack }, { "calls", hook_calls },
	{ "sleep", hook_sleep }, { "spin", hook_spin },
	{ "crash", hook_crash }, { "abort", hook_abort },
	{ "divide", hook_divide }, { "end", hook_end }, { "exit", hook_exit },
	{ "overflow", hook_overflow }, { "raise", hook_raise },
};

static void fail(const char *what)
{
	printf("FAILED: %s\n", what);
	fflush(stdout);
	_exit(3);
}

static void on_end(int signal)
{
	(void)signal;
	ended = 1;
}

static void on_fault(int signal)
{
	(void)signal;
	fail("a signal was delivered");
}

/* Threads of the program allocate at all times. */
static void *work(void *barrier)
{
	unsigned int seed = 1;

	free(malloc(5000));
	// Its heap is there: what comes now is not new.
	pthread_barrier_wait(barrier);
	while (!ended) {
		void *block = malloc(rand_r(&seed) % 5000);

		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
		free(block);
	}
	return NULL;
}

static void check_handlers(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGABRT };
	struct sigaction now;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], NULL, &now);
		if (now.sa_handler != on_fault)
			fail("a handler");
	}
}

static void prepare(const char *library)
{
	void *handle = library ? dlopen(library, RTLD_NOW) : NULL;

	if (library && !handle)
		fail("dlopen");
	if (handle)
		library_value = (int (*)(int))dlsym(handle, "library_value");
	if (library_value && library_value(100) != 107)
		fail("the library");
	signal(SIGTERM, on_end);
	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
	signal(SIGFPE, on_fault);
	signal(SIGABRT, on_fault);
	self_of_main = pthread_self();
	pthread_key_create(&key, NULL);
	pthread_setspecific(key, &key);
	counted = 1000;
	zeroed[5] = 1;
	free(malloc(100));
}

int main(int argc, char **argv)
{
	int n = argc > 1 && !strcmp(argv[1], "threads") ? WORKERS : 0;
	int blocked = argc > 1 && !strcmp(argv[1], "blocked");
	pthread_t workers[WORKERS];
	pthread_barrier_t barrier;

	prepare(argc > 2 ? argv[2] : NULL);
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		printf("%s %p\n", hooks[i].name, hooks[i].function);
	pthread_barrier_init(&barrier, NULL, n + 1);
	for (int i = 0; i < n; i++)
		pthread_create(&workers[i], NULL, work, &barrier);
	if (n)
		pthread_barrier_wait(&barrier);
	printf("counter %p\nready\n", (void *)&counter);
	fflush(stdout);
	while (!ended) {
		if (blocked)
			pause();
		else if (!n)
			counter++;
		else
			usleep(1000);
		check_handlers();
	}
	for (int i = 0; i < n; i++)
		pthread_join(workers[i], NULL);
	if (counted != 1000 || zeroed[5] != 1 ||
	    pthread_getspecific(key) != &key)
		fail("thread-local storage");
	puts("ok");
	return 0;
}
