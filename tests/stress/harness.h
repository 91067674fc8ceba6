/* SPDX-License-Identifier: MIT */
/*
 * Tests of the engine: each runs in a process of its own, prints a line of TAP,
 * and is killed if it hangs. Sites are machine code that is made at run time,
 * in an arena where each has the offset that the test wants.
 *
 *   PROGRAM            all tests
 *   PROGRAM NAME...    some
 *
 * RP_TEST_CALL_STUBS=1 in the environment makes the handler emulate calls as
 * it does where there is a shadow stack.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <repoint/text_poke.h>

#include "inject.h"

/* ---- tests ---- */

struct test {
	const char *name;
	void (*run)(void);
};

#define TEST(name)	{ #name, name }

/* What main() returns. */
int test_main(int argc, char **argv, const struct test *tests, size_t nr);

#define TEST_MAIN(...)							\
	int main(int argc, char **argv)					\
	{								\
		static const struct test tests[] = { __VA_ARGS__ };	\
									\
		return test_main(argc, argv, tests,			\
				 sizeof(tests) / sizeof(*tests));	\
	}

/*
 * A failed check is a line on standard error; the test goes on. Also from
 * threads, signal handlers and children.
 */
__attribute__((format(printf, 4, 5)))
bool test_check(bool holds, const char *file, int line, const char *format,
		...);
/* Ends the process of the test. */
__attribute__((noreturn)) void test_end(void);
__attribute__((noreturn)) void test_skip(const char *reason);
bool test_failed(void);

#define CHECK(condition)						\
	test_check(!!(condition), __FILE__, __LINE__, "not true: %s",	\
		   #condition)
#define CHECKF(condition, ...)						\
	test_check(!!(condition), __FILE__, __LINE__, __VA_ARGS__)
#define CHECK_EQ(found, wanted)						\
	__extension__ ({						\
		long long found_ = (long long)(found);			\
		long long wanted_ = (long long)(wanted);		\
		test_check(found_ == wanted_, __FILE__, __LINE__,	\
			   "%s is %lld (%#llx), not %lld (%#llx)",	\
			   #found, found_, found_, wanted_, wanted_);	\
	})
#define REQUIRE(condition)						\
	do {								\
		if (!CHECK(condition))					\
			test_end();					\
	} while (0)

/* ---- processes and threads ---- */

/* A copy of this process by a system call alone: no fork handlers run. */
pid_t raw_fork(void);
/* Wait status of @pid; it is killed if it takes absurdly long. */
int wait_for(pid_t pid);
/* Run @fn in a child made by fork(); its wait status. */
int in_child(void (*fn)(void *), void *arg);

int gettid_now(void);
/* Run on the n-th of the processors that this process may use. */
void pin_to(unsigned int n);
unsigned int cpus(void);
/* A thread that does nothing, so that the process has two. */
void start_idle_thread(void);

/*
 * struct worker - a thread that does what it is told.
 * worker_post() tells it, worker_wait() waits until it is done.
 */
struct worker {
	pthread_t thread;
	int tid;
	void (*fn)(void *arg);
	void *arg;
	sem_t ready;
	sem_t done;
};

void worker_start(struct worker *worker, unsigned int cpu);
void worker_post(struct worker *worker, void (*fn)(void *), void *arg);
void worker_wait(struct worker *worker);

/* A one-shot event; safe in signal handlers and between threads. */
struct event {
	uint32_t set;
};

void event_set(struct event *event);
void event_wait(struct event *event);
bool event_is_set(const struct event *event);

/* ---- hooks ---- */

/*
 * Called at each point, of the thread that commits and of the handler; NULL
 * for none. Not called recursively: not for what the hook itself does.
 */
void hook_points(void (*fn)(enum rp__inject_point point));
const char *point_name(enum rp__inject_point point);

#define POINT_BIT(name)	(1u << RP__INJECT_##name)
/* Points of a BREAKPOINT commit where a thread that comes by traps. */
#define POINTS_INT3	(POINT_BIT(INT3_WRITTEN) | POINT_BIT(INT3_SYNCED) | \
			 POINT_BIT(TAIL_WRITTEN) | POINT_BIT(TAIL_SYNCED))
/* Points before any site was written. */
#define POINTS_BEFORE	(POINT_BIT(LOCKED) | POINT_BIT(SIGNALS_CHECKED) | \
			 POINT_BIT(VALIDATED) | POINT_BIT(WINDOW_OPEN))
/* Points of the committer, not of the trap handler. */
#define POINTS_COMMIT	(POINTS_BEFORE | POINTS_INT3 |			\
			 POINT_BIT(FIRST_WRITTEN) | POINT_BIT(FIRST_SYNCED) | \
			 POINT_BIT(WINDOW_CLOSED) | POINT_BIT(BATCH_RETIRED))

static inline bool point_in(enum rp__inject_point point, unsigned int points)
{
	return points >> point & 1;
}

/* ---- counters and mappings ---- */

struct rp_text_poke_stats stats_now(void);

/* Bytes of /proc/self/maps that describe start..end; adjacent lines that say
 * the same of neighbouring pages are one. Static size, no allocation. */
struct maps_text {
	size_t len;
	char text[64 << 10];
};

void maps_read(struct maps_text *ret, const void *start, size_t size);
/* @now says what @before says; shows the difference if not. */
bool maps_equal(const struct maps_text *before, const struct maps_text *now);

#endif
