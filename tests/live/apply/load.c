// SPDX-License-Identifier: MIT
/*
 * Threads that work without pause and check what they get: that registers keep
 * their values, that system calls wait as long as they have to and are not
 * interrupted, that what is replaced at once is seen at once.
 *
 *   spin    computes         sleep   nanosleep()
 *   poll    poll()           epoll   epoll_wait()
 *   futex   waits for one    pipe    a blocking read()
 *   churn   starts a thread and joins it
 *   idle    a sleep of a tenth of a second: for thousands of them
 *
 * They see half a patch if two equal answers have a different one between them.
 * Where one round sees two switches that says nothing: scripts let all workers do
 * two rounds (load_check()) between any two switches.
 */
#define _GNU_SOURCE
#include "serve.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Of <linux/futex.h>, which compilers for other C libraries do not find. */
#define FUTEX_WAIT_PRIVATE	128

#define STACK_SIZE	(128u << 10)
#define CHECK_SECONDS	60

struct worker {
	struct worker *next;
	bool (*round)(struct worker *w);
	atomic_ulong rounds;
	unsigned long target;
	int fd[2];
};

static struct worker *workers;
static unsigned int nworkers;
static atomic_uint nbad;
static char first_bad[200];

static bool bad(const char *what, long a, long b, long c)
{
	if (!atomic_fetch_add(&nbad, 1))
		snprintf(first_bad, sizeof(first_bad), "%s: %ld %ld %ld", what,
			 a, b, c);
	return false;
}

static bool is_whole(void)
{
	struct seen seen = { 0 };
	int v = pair(&seen), a, b, c;

	if (v != seen.left || v != seen.right || v != seen.setting)
		bad("half a patch in one call", v * 10 + seen.left,
		    seen.right, seen.setting);
	a = right();
	b = left();
	c = right();
	return a != c || a == b ? true : bad("half a patch", a, b, c);
}

/* Kept in registers of both kinds. */
static bool compute(void)
{
	uint64_t x = 1, y = 0;
	double d = 1, e = 0;

	for (int i = 0; i < 2000; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		d = d * 0.5 + (double)(x >> 60);
		__asm__ volatile("" : "+r"(x), "+x"(d));
	}
	for (int i = 0; i < 2000; i++) {
		y = (i ? y : 1) * 6364136223846793005u + 1442695040888963407u;
		e = (i ? e : 1) * 0.5 + (double)(y >> 60);
		__asm__ volatile("" : "+r"(y), "+x"(e));
	}
	return x == y && d == e ? true :
	       bad("computing", (long)x, (long)y, (long)(d - e));
}

static bool spin(struct worker *w)
{
	(void)w;
	return compute();
}

static bool sleep_for(long ns)
{
	struct timespec t = { 0, ns };
	int ret = nanosleep(&t, NULL);

	return ret ? bad("nanosleep", ret, errno, 0) : true;
}

static bool sleep_ms(struct worker *w)
{
	(void)w;
	return sleep_for(1000000);
}

static bool idle(struct worker *w)
{
	(void)w;
	return sleep_for(100000000);
}

static bool poll_ms(struct worker *w)
{
	int ret = poll(&(struct pollfd){ .fd = w->fd[0], .events = POLLIN },
		       1, 1);

	return ret ? bad("poll", ret, errno, 0) : true;
}

static bool epoll_ms(struct worker *w)
{
	struct epoll_event event;
	int fd = epoll_create1(EPOLL_CLOEXEC), ret;

	(void)w;
	ret = epoll_wait(fd, &event, 1, 1);
	close(fd);
	return ret ? bad("epoll_wait", ret, errno, 0) : true;
}

static bool futex_ms(struct worker *w)
{
	static uint32_t word = 1;
	struct timespec t = { 0, 1000000 };
	long ret = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, &t, NULL, 0);

	(void)w;
	return ret == -1 && errno == ETIMEDOUT ? true :
	       bad("futex", ret, errno, 0);
}

static void *write_later(void *arg)
{
	const struct worker *w = arg;

	sleep_for(500000);
	if (write(w->fd[1], "x", 1) != 1)
		bad("write", errno, 0, 0);
	return NULL;
}

static bool start_thread(pthread_t *ret, void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	int error;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	error = pthread_create(ret, &attr, run, arg);
	pthread_attr_destroy(&attr);
	return !error;
}

static bool pipe_read(struct worker *w)
{
	pthread_t thread;
	char c = 0;
	ssize_t n;

	if (!start_thread(&thread, write_later, w))
		return bad("pthread_create", errno, 0, 0);
	n = read(w->fd[0], &c, 1);
	if (n != 1 || c != 'x')
		bad("read", n, errno, c);
	pthread_join(thread, NULL);
	return true;
}

static void *short_life(void *arg)
{
	(void)arg;
	is_whole();
	return NULL;
}

static bool churn(struct worker *w)
{
	pthread_t thread;

	(void)w;
	if (!start_thread(&thread, short_life, NULL))
		return bad("pthread_create", errno, 0, 0);
	pthread_join(thread, NULL);
	return true;
}

static const struct {
	const char *name;
	bool (*round)(struct worker *w);
} kinds[] = {
	{ "spin", spin }, { "sleep", sleep_ms }, { "poll", poll_ms },
	{ "epoll", epoll_ms }, { "futex", futex_ms }, { "pipe", pipe_read },
	{ "churn", churn }, { "idle", idle },
};

static void *work(void *arg)
{
	struct worker *w = arg;

	for (;;) {
		w->round(w);
		is_whole();
		atomic_fetch_add(&w->rounds, 1);
	}
	return NULL;
}

static bool start_one(bool (*round)(struct worker *w))
{
	struct worker *w = calloc(1, sizeof(*w));
	pthread_t thread;

	/* Thousands that need none have no pipe. */
	if (!w || ((round == pipe_read || round == poll_ms) && pipe(w->fd)))
		return false;
	w->round = round;
	w->next = workers;
	workers = w;
	nworkers++;
	if (!start_thread(&thread, work, w))
		return false;
	pthread_detach(thread);
	return true;
}

bool load_start(const char *kind, unsigned int n)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, kind))
			continue;
		while (n && start_one(kinds[i].round))
			n--;
		return !n;
	}
	return false;
}

static bool is_there(struct worker *w, time_t until)
{
	while (atomic_load(&w->rounds) < w->target) {
		if (time(NULL) > until)
			return false;
		usleep(200);
	}
	return true;
}

void load_check(char *ret, size_t size)
{
	time_t until = time(NULL) + CHECK_SECONDS;
	unsigned int stuck = 0;

	is_whole();
	for (struct worker *w = workers; w; w = w->next)
		w->target = atomic_load(&w->rounds) + 2;
	for (struct worker *w = workers; w; w = w->next)
		stuck += !is_there(w, until);
	if (stuck)
		snprintf(ret, size, "%u of %u workers do not go on", stuck,
			 nworkers);
	else if (nbad)
		snprintf(ret, size, "%u times wrong, first: %s", nbad,
			 first_bad);
	else
		snprintf(ret, size, "ok %u", nworkers);
}

/* In a child of fork() there are none. */
void load_forget(void)
{
	workers = NULL;
	nworkers = 0;
}

unsigned int load_excuse(void)
{
	return atomic_exchange(&nbad, 0);
}
