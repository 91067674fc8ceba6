// SPDX-License-Identifier: MIT
/*
 * Threads that count one key up and down: between an increment that returned 0
 * and its decrement the key is enabled, in every branch and for every thread.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <repoint/static_key.h>

#include "harness.h"

RP_DEFINE_STATIC_KEY_FALSE(key);

/* Far apart, so that not all of them change with one page. */
#define BRANCH(number, kind)						\
	__attribute__((noinline, aligned(8192)))			\
	static int branch_##number(void)				\
	{								\
		return rp_static_branch_##kind(&key) ? 1 : 0;		\
	}
BRANCH(0, unlikely)
BRANCH(1, likely)
BRANCH(2, unlikely)
BRANCH(3, likely)

static unsigned int enabled_branches(void)
{
	return (unsigned int)(branch_0() + branch_1() + branch_2() +
			      branch_3());
}

enum { USERS = 4, ROUNDS = 500, BRANCHES = 4 };

/* ---- one that looks, when asked ---- */

static unsigned int asked, answered;
static bool stop;

static struct event looking;

/* Whoever asked holds the key until the answer is there. */
static void *look(void *unused)
{
	event_set(&looking);
	while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
		unsigned int now = __atomic_load_n(&asked, __ATOMIC_SEQ_CST);

		if (now == answered) {
			sched_yield();
			continue;
		}
		CHECK_EQ(enabled_branches(), BRANCHES);
		CHECK(rp_static_key_enabled(&key));
		__atomic_store_n(&answered, now, __ATOMIC_SEQ_CST);
	}
	return unused;
}

static void ask(void)
{
	unsigned int ticket = __atomic_add_fetch(&asked, 1, __ATOMIC_SEQ_CST);

	while ((int)(__atomic_load_n(&answered, __ATOMIC_SEQ_CST) - ticket) < 0)
		sched_yield();
}

/* ---- users ---- */

static unsigned int failures;

static int patiently(int (*change)(struct rp_static_key *key))
{
	int error;

	while ((error = change(&key.key)))
		__atomic_fetch_add(&failures, 1, __ATOMIC_SEQ_CST);
	return error;
}

static void use_once(bool asks)
{
	int error = rp_static_key_inc(&key);

	if (error) {
		CHECK_EQ(error, -EPERM);
		__atomic_fetch_add(&failures, 1, __ATOMIC_SEQ_CST);
		return;
	}
	CHECK_EQ(enabled_branches(), BRANCHES);
	CHECK(rp_static_key_count(&key) >= 1);
	if (asks)
		ask();
	patiently(rp_static_key_key_dec);
}

static pthread_barrier_t barrier;

/* All begin together: one is the first, the others come while it patches. */
static void *use(void *arg)
{
	unsigned int n = *(unsigned int *)arg;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&barrier);
		use_once((i + n) % 16 == 0);
	}
	/* libc blocks signals in threads that begin or end: none does yet. */
	pthread_barrier_wait(&barrier);
	return NULL;
}

/* It has to be switched @commits times at least, or nothing was tested. */
static void run_users(unsigned int commits)
{
	static unsigned int numbers[USERS];
	pthread_t users[USERS], looker;

	pthread_barrier_init(&barrier, NULL, USERS);
	REQUIRE(!pthread_create(&looker, NULL, look, NULL));
	event_wait(&looking);
	for (unsigned int i = 0; i < USERS; i++) {
		numbers[i] = i;
		REQUIRE(!pthread_create(&users[i], NULL, use, &numbers[i]));
	}
	for (unsigned int i = 0; i < USERS; i++)
		pthread_join(users[i], NULL);
	__atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
	pthread_join(looker, NULL);
	CHECK_EQ(rp_static_key_count(&key), 0);
	CHECK_EQ(enabled_branches(), 0);
	CHECK(stats_now().commits >= commits);
	CHECK(answered >= commits / 16);
}

static void enabled_while_counted(void)
{
	run_users(ROUNDS);
	CHECK_EQ(failures, 0);
}

/*
 * Under the text lock. Both ways to write fail at times; never twice in a row,
 * because what was written has to be taken back.
 */
static int fail_some(enum rp__fail_point point)
{
	static unsigned int windows, writes;
	static bool fail_write;

	if (point == RP__FAIL_UNPROTECT && ++windows % 7 == 0) {
		fail_write = windows % 2;
		return -EACCES;
	}
	if (point == RP__FAIL_MEM_WRITE && (++writes == 50 || fail_write)) {
		fail_write = false;
		writes = 0;
		return -EACCES;
	}
	return 0;
}

/* An update that fails leaves the count, and every branch, as it was. */
static void enabled_while_counted_with_failures(void)
{
	rp__fail_hook = fail_some;
	run_users(ROUNDS / 2);
	rp__fail_hook = NULL;
	CHECK(failures > 10);
}

TEST_MAIN(
	TEST(enabled_while_counted),
	TEST(enabled_while_counted_with_failures),
)
