// SPDX-License-Identifier: MIT
/*
 * Shadow variables under threads: readers see what is there and nothing else
 * while others add, remove and make the table grow; writers exclude each other.
 * Each case shows that what it is about did happen at the same time.
 *
 * Also compiled with ThreadSanitizer, by tsan.sh.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <repoint/livepatch.h>

#include "../../livepatch/root.h"

#define THREADS		4
#define STABLE		200	/* objects whose variable is always there */
#define SECONDS		10	/* after which what did not happen will not */

static char objects[100000];
static struct rp_shadow *const shadow = &rp__livepatch_root.shadow;
static int cases, failures;
static int stop;
static time_t deadline;

static bool stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

static uint64_t sequence(void)
{
	return __atomic_load_n(&shadow->sequence, __ATOMIC_RELAXED);
}

static void count(unsigned long *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static unsigned long counted(unsigned long *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void result(const char *name, bool good, const char *format,
		   unsigned long a, unsigned long b)
{
	printf("%sok %d - %s\n# ", good ? "" : "not ", ++cases, name);
	printf(format, a, b);
	putchar('\n');
	failures += !good;
}

/*
 * What shows that a case was about something. Whether threads meet is up to the
 * scheduler: where they did not in all that time, nothing was shown, and nothing
 * is known to be wrong.
 */
static void met(const char *name, unsigned long times, unsigned long wanted,
		unsigned long all)
{
	if (times >= wanted)
		printf("ok %d - %s\n", ++cases, name);
	else
		printf("ok %d - %s # SKIP threads did not meet\n", ++cases,
		       name);
	printf("# %lu times of %lu, %lu wanted\n", times, all, wanted);
}

static void begin(void)
{
	deadline = time(NULL) + SECONDS;
}

static bool late(void)
{
	return time(NULL) > deadline;
}

static void start(pthread_t *threads, int n, void *(*run)(void *))
{
	__atomic_store_n(&stop, 0, __ATOMIC_RELAXED);
	for (intptr_t i = 0; i < n; i++) {
		if (pthread_create(&threads[i], NULL, run, (void *)i))
			abort();
	}
}

static void finish(pthread_t *threads, int n)
{
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

/* What a variable says: its own key, so that another one's is recognised. */
struct stamp {
	const void *object;
	uint64_t id;
};

static int make_stamp(const void *object, void *data, void *arg)
{
	struct stamp *stamp = data;

	stamp->object = object;
	stamp->id = *(uint64_t *)arg;
	return 0;
}

static void *add(const void *object, uint64_t id)
{
	return rp_shadow_alloc(object, id, sizeof(struct stamp), make_stamp,
			       &id);
}

static unsigned long reads, overlapped, missing, wrong;

/* Variables that are always there, among others that come and go. */
static void *read_stable(void *arg)
{
	unsigned int i = (unsigned int)(uintptr_t)arg;

	for (; !stopped(); i++) {
		const void *object = &objects[i % STABLE];
		uint64_t before = sequence();
		struct stamp *stamp = rp_shadow_get(object, 1);

		if (!stamp)
			count(&missing);
		else if (stamp->object != object || stamp->id != 1)
			count(&wrong);
		if (sequence() != before)
			count(&overlapped);
		count(&reads);
	}
	return NULL;
}

static void add_stable(void)
{
	for (int i = 0; i < STABLE; i++)
		add(&objects[i], 1);
}

#define REMOVALS_WANTED	200
#define GROWTHS_WANTED	50

static bool readers_had_enough(unsigned long wanted)
{
	return (counted(&reads) > 20000 && counted(&overlapped) >= wanted) ||
	       late();
}

/* Neighbours in the chains go away and their nodes come back elsewhere. */
static void readers_against_removal(void)
{
	pthread_t threads[THREADS];
	unsigned int i = 0;

	begin();
	reads = overlapped = missing = wrong = 0;
	add_stable();
	start(threads, THREADS, read_stable);
	while (!readers_had_enough(REMOVALS_WANTED)) {
		/* Not more than the table holds: it must not grow here. */
		for (int j = 0; j < 40; j++, i++)
			add(&objects[STABLE + i % 997], 2 + i % 5);
		rp_shadow_free_all(2 + i % 5, NULL);
		for (int j = 0; j < 5; j++)
			rp_shadow_free_all(2 + (uint64_t)j, NULL);
	}
	finish(threads, THREADS);
	result("readers against removal", !missing && !wrong,
	       "%lu missing, %lu wrong", missing, wrong);
	met("readers met removals", overlapped, REMOVALS_WANTED, reads);
	rp_shadow_free_all(1, NULL);
}

static void forget_tables(void)
{
	struct rp_shadow_table *table = shadow->table;

	while (table) {
		struct rp_shadow_table *older = table->older;

		free(table);
		table = older;
	}
	shadow->table = NULL;
}

/* The table doubles ten times under readers, again and again. */
static void readers_against_growth(void)
{
	pthread_t threads[THREADS];
	unsigned long rounds = 0;

	begin();
	reads = overlapped = missing = wrong = 0;
	do {
		forget_tables();
		add_stable();
		start(threads, THREADS, read_stable);
		for (size_t i = STABLE; i < 40000; i++)
			add(&objects[i], 2);
		finish(threads, THREADS);
		rp_shadow_free_all(2, NULL);
		rp_shadow_free_all(1, NULL);
	} while ((++rounds < 5 || !readers_had_enough(GROWTHS_WANTED)) &&
		 !missing && !wrong);
	result("readers against growth", !missing && !wrong,
	       "%lu missing, %lu wrong", missing, wrong);
	met("readers met growth", overlapped, GROWTHS_WANTED, reads);
}

static int inside;
static unsigned long makes, doubles, waits;

/* Nobody else is in here; the pause makes others arrive meanwhile. */
static int make_alone(const void *object, void *data, void *arg)
{
	(void)object;
	(void)arg;
	if (__atomic_add_fetch(&inside, 1, __ATOMIC_RELAXED) > 1)
		count(&doubles);
	for (int i = 0; i < 3; i++)
		sched_yield();
	if (__atomic_load_n(&shadow->lock, __ATOMIC_RELAXED) &
	    RP_SHADOW_AWAITED)
		count(&waits);
	*(int *)data = 1;
	count(&makes);
	__atomic_sub_fetch(&inside, 1, __ATOMIC_RELAXED);
	return 0;
}

static unsigned long frees;

static void *make_same(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; !stopped(); i++) {
		/* Several steps on one object: all get what one of them made. */
		const void *object = &objects[i / 8 % 50];

		if (i % 8 == 7 && rp_shadow_free(object, 3, NULL) == 0)
			count(&frees);
		else
			rp_shadow_get_or_alloc(object, 3, sizeof(int),
					       make_alone, NULL);
	}
	return NULL;
}

static unsigned long left(uint64_t id)
{
	unsigned long n = 0;

	for (size_t i = 0; i < sizeof(objects); i++)
		n += rp_shadow_get(&objects[i], id) != NULL;
	return n;
}

static void writers(void)
{
	pthread_t threads[THREADS];

	begin();
	makes = doubles = waits = frees = 0;
	start(threads, THREADS, make_same);
	while ((counted(&makes) < 2000 || counted(&waits) < 20) && !late())
		usleep(1000);
	finish(threads, THREADS);
	result("one writer at a time", !doubles, "%lu of %lu were not alone",
	       doubles, makes);
	met("writers waited for each other", waits, 20, makes);
	result("each was freed once", makes - frees == left(3),
	       "%lu made, %lu freed", makes, frees);
	rp_shadow_free_all(3, NULL);
	result("the lock is free", !shadow->lock && !left(3), "%lu, %lu",
	       (unsigned long)shadow->lock, left(3));
}

static void *got[THREADS];
static pthread_barrier_t barrier;
static unsigned int rounds_made;

#define ROUNDS		2000

static int make_once(const void *object, void *data, void *arg)
{
	(void)object;
	(void)data;
	(void)arg;
	rounds_made++;		/* under the lock */
	return 0;
}

static void *get_at_once(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		got[(intptr_t)arg] = rp_shadow_get_or_alloc(
			&objects[i], 4, 8, make_once, NULL);
		pthread_barrier_wait(&barrier);
		for (int j = 0; j < THREADS; j++) {
			if (!got[j] || got[j] != got[0])
				count(&wrong);
		}
	}
	return NULL;
}

static void get_or_alloc_race(void)
{
	pthread_t threads[THREADS];

	wrong = 0;
	rounds_made = 0;
	pthread_barrier_init(&barrier, NULL, THREADS);
	start(threads, THREADS, get_at_once);
	finish(threads, THREADS);
	result("all who ask at once get the same", !wrong &&
	       rounds_made == ROUNDS, "%lu wrong, %lu made", wrong, rounds_made);
	rp_shadow_free_all(4, NULL);
	pthread_barrier_destroy(&barrier);
}

static int in_init, leave_init;

/* Holds the lock until it is told to let go. */
static int hold_lock(const void *object, void *data, void *arg)
{
	(void)object;
	(void)data;
	(void)arg;
	__atomic_store_n(&in_init, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&leave_init, __ATOMIC_ACQUIRE))
		usleep(1000);
	return 0;
}

static void *add_slowly(void *arg)
{
	rp_shadow_alloc(&objects[1], 5, 8, hold_lock, arg);
	return NULL;
}

/* The child's copy of the lock is that of a thread that it does not have. */
static int child(void)
{
	alarm(60);
	if (!(shadow->lock >> 32) || !rp_shadow_get(&objects[0], 5))
		return 1;
	if (rp_shadow_get(&objects[1], 5) || !add(&objects[1], 5))
		return 2;
	return rp_shadow_free_all(5, NULL) == 0 && !shadow->lock ? 0 : 3;
}

static void fork_while_locked(void)
{
	pthread_t thread;
	int status = -1;
	pid_t pid;

	add(&objects[0], 5);
	start(&thread, 1, add_slowly);
	while (!__atomic_load_n(&in_init, __ATOMIC_ACQUIRE))
		usleep(1000);
	pid = fork();
	if (pid == 0)
		_exit(child());
	if (pid > 0)
		waitpid(pid, &status, 0);
	__atomic_store_n(&leave_init, 1, __ATOMIC_RELEASE);
	finish(&thread, 1);
	result("fork while another thread has the lock", status == 0 &&
	       rp_shadow_get(&objects[1], 5), "status %#lx, %lu",
	       (unsigned long)status, left(5));
	rp_shadow_free_all(5, NULL);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	readers_against_removal();
	readers_against_growth();
	writers();
	get_or_alloc_race();
	fork_while_locked();
	printf("1..%d\n", cases);
	return failures != 0;
}
