/* SPDX-License-Identifier: MIT */
/*
 * What a user of the installed library writes, in the common part of C and
 * C++: each feature once, with a second thread so that nothing is "stopped".
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <repoint/batch.h>
#include <repoint/log.h>
#include <repoint/static_call.h>
#include <repoint/static_key.h>
#include <repoint/text_poke.h>

#define ROUNDS 100

static int add(int a, int b)
{
	return a + b;
}

static int sub(int a, int b)
{
	return a - b;
}

RP_DEFINE_STATIC_CALL(op, add);
RP_DEFINE_STATIC_KEY_FALSE(negate);

static int stop;
static int failures;

static int compute(int a, int b)
{
	int value = rp_static_call(op)(a, b);

	if (rp_static_branch_unlikely(&negate))
		return -value;
	return value;
}

static void *run(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		int value = compute(5, 3);

		if (value != 8 && value != -8 && value != 2 && value != -2)
			__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void expect(const char *what, int got, int want)
{
	if (got == want)
		return;
	if (__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED) < 5)
		fprintf(stderr, "user.c: error: %s: got %d, expected %d\n",
			what, got, want);
}

static void flip(void)
{
	struct rp_batch *batch = NULL;

	expect("before", compute(5, 3), 8);
	expect("update", rp_static_call_update(op, sub), 0);
	expect("after update", compute(5, 3), 2);
	expect("enable", rp_static_key_enable(&negate), 0);
	expect("after enable", compute(5, 3), -2);

	expect("begin", rp_batch_begin(&batch, NULL), 0);
	expect("add call", rp_batch_static_call_update(batch, op, add), 0);
	expect("add key", rp_batch_static_key_disable(batch, &negate), 0);
	expect("commit", rp_batch_commit(batch), 0);
}

int main(void)
{
	struct rp_text_poke_stats stats;
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, NULL) != 0)
		return 1;
	for (int i = 0; i < ROUNDS; i++)
		flip();
	__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);

	memset(&stats, 0, sizeof(stats));
	stats.sz = sizeof(stats);
	rp_text_poke_get_stats(&stats);
#ifdef __x86_64__
	// Three commits a round: otherwise nothing was patched, and the calls
	// above went through memory.
	expect("commits", stats.commits >= 3 * ROUNDS, 1);
#endif
	printf("%s: %llu commits, %d failures\n", rp_strerror(0),
	       (unsigned long long)stats.commits, failures);
	return failures ? 1 : 0;
}
