// SPDX-License-Identifier: MIT
/* A program that can tell whether its static calls and keys do as they should. */
#define _GNU_SOURCE
#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <repoint/batch.h>
#include <repoint/static_call.h>
#include <repoint/static_key.h>

#include "case.h"
#include "subject.h"

#define THREADS_MAX	8

static int one(int c)
{
	return c + 1;
}

static int two(int c)
{
	return c + 2;
}

RP_DEFINE_STATIC_CALL(subject_op, one);
RP_DEFINE_STATIC_KEY_FALSE(subject_flag);

/* ---- sites ---- */

__attribute__((noinline)) static int plain_call(int c)
{
	int result = rp_static_call(subject_op)(c);

	/* Not a tail call. */
	__asm__ volatile("" : "+r" (result));
	return result;
}

__attribute__((noinline)) static int tail_call(int c)
{
	return rp_static_call(subject_op)(c);
}

__attribute__((noinline)) static int conditional_tail_call(int c)
{
	if (c == 'a')
		return rp_static_call(subject_op)(c);
	return -1;
}

__attribute__((noinline)) static bool branch_unlikely(void)
{
	if (rp_static_branch_unlikely(&subject_flag))
		return true;
	return false;
}

__attribute__((noinline)) static bool branch_likely(void)
{
	if (rp_static_branch_likely(&subject_flag))
		return true;
	return false;
}

const void *subject_text(void)
{
	return (const void *)plain_call;
}

/* ---- updates and queries ---- */

typedef int op_fn(int);

static op_fn *function(enum subject_func func)
{
	switch (func) {
	case SUBJECT_ONE:
		return one;
	case SUBJECT_TWO:
		return two;
	case SUBJECT_FAR:
		return toupper;
	case SUBJECT_RET0:
		return RP_STATIC_CALL_RET0(one);
	default:
		return NULL;
	}
}

int subject_set(enum subject_func func)
{
	return rp_static_call_update(subject_op, function(func));
}

int subject_enable(bool enabled)
{
	return enabled ? rp_static_key_enable(&subject_flag)
		       : rp_static_key_disable(&subject_flag);
}

int subject_batch(enum subject_func func, bool enabled, struct rp_error *error)
{
	struct rp_text_poke_opts opts = { .sz = sizeof(opts), .error = error };
	struct rp_batch *batch;
	int result = rp_batch_begin(&batch, &opts);

	if (result < 0)
		return result;
	rp_batch_static_call_update(batch, subject_op, function(func));
	if (enabled)
		rp_batch_static_key_enable(batch, &subject_flag);
	else
		rp_batch_static_key_disable(batch, &subject_flag);
	return rp_batch_commit(batch);
}

enum subject_func subject_func(void)
{
	op_fn *func = rp_static_call_query(subject_op);
	int i;

	for (i = 0; i < SUBJECT_NULL; i++)
		if (func == function((enum subject_func)i))
			return (enum subject_func)i;
	return func ? SUBJECT_FUNC_NR : SUBJECT_NULL;
}

bool subject_enabled(void)
{
	return rp_static_key_enabled(&subject_flag);
}

/* What a call with 'a' gives; -1 if that is undefined. */
static int wanted(enum subject_func func)
{
	static const int result[SUBJECT_FUNC_NR] = {
		[SUBJECT_ONE] = 'b', [SUBJECT_TWO] = 'c', [SUBJECT_FAR] = 'A',
		[SUBJECT_RET0] = 0, [SUBJECT_NULL] = -1,
	};

	return result[func];
}

bool subject_is(enum subject_func func, bool enabled)
{
	int want = wanted(func);
	int a = plain_call('a'), b = tail_call('a');
	int c = conditional_tail_call('a');

	return (want < 0 || (a == want && b == want && c == want)) &&
	       branch_unlikely() == enabled && branch_likely() == enabled;
}

bool subject_consistent(void)
{
	enum subject_func func = subject_func();

	return func != SUBJECT_FUNC_NR && subject_is(func, subject_enabled());
}

/* ---- threads ---- */

static pthread_t threads[THREADS_MAX];
static unsigned long rounds[THREADS_MAX];
static unsigned int threads_nr;
static bool stop, wrong;

static bool is_possible(int result)
{
	return result == 'b' || result == 'c' || result == 'A' || result == 0;
}

bool subject_run_once(void)
{
	branch_unlikely();
	branch_likely();
	return is_possible(plain_call('a')) && is_possible(tail_call('a')) &&
	       is_possible(conditional_tail_call('a')) &&
	       conditional_tail_call('x') == -1;
}

static void *run(void *number)
{
	unsigned long *round = &rounds[(uintptr_t)number];

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		if (!subject_run_once())
			__atomic_store_n(&wrong, true, __ATOMIC_RELAXED);
		__atomic_fetch_add(round, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

void subject_start(unsigned int nr)
{
	__atomic_store_n(&stop, false, __ATOMIC_RELAXED);
	for (threads_nr = 0; threads_nr < nr; threads_nr++)
		REQUIRE(pthread_create(&threads[threads_nr], NULL, run,
				       (void *)(uintptr_t)threads_nr) == 0);
	REQUIRE(subject_moves());
}

unsigned long subject_progress(void)
{
	unsigned long sum = 0;

	for (unsigned int i = 0; i < threads_nr; i++)
		sum += __atomic_load_n(&rounds[i], __ATOMIC_RELAXED);
	return sum;
}

bool subject_moves(void)
{
	double end = case_now() + 30;

	for (unsigned int i = 0; i < threads_nr; i++) {
		unsigned long before = __atomic_load_n(&rounds[i],
						       __ATOMIC_RELAXED);

		while (__atomic_load_n(&rounds[i], __ATOMIC_RELAXED) <
		       before + 2) {
			if (case_now() > end)
				return false;
			usleep(100);
		}
	}
	return true;
}

bool subject_stop(void)
{
	bool moves = subject_moves();

	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (unsigned int i = 0; i < threads_nr; i++)
		pthread_join(threads[i], NULL);
	threads_nr = 0;
	return moves && !__atomic_load_n(&wrong, __ATOMIC_RELAXED);
}
