// SPDX-License-Identifier: MIT
/*
 * What one call costs, in one run: the last table of the demo.
 *
 * The variants take turns, and each gets the median of its rounds. It is a
 * glance; `make bench` measures properly.
 */
#include <repoint/static_call.h>
#include <repoint/static_key.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cost.h"

enum { ROUNDS = 41, CALLS = 1000000 };

__attribute__((noinline)) static uint64_t step(uint64_t x)
{
	return x + 1;
}

__attribute__((noinline)) static uint64_t other(uint64_t x)
{
	return x + 3;
}

RP_DEFINE_STATIC_CALL(cost_call, other);
RP_DEFINE_STATIC_KEY_FALSE(cost_key);

static uint64_t (*volatile cost_pointer)(uint64_t x) = step;
static volatile int cost_flag;

/* One loop per variant, each at the start of cache lines of its own. */
#define LOOP(name, body)						\
	__attribute__((noinline, aligned(64)))				\
	static uint64_t name(uint64_t x)				\
	{								\
		for (int i = 0; i < CALLS; i++) {			\
			body;						\
			__asm__ volatile("" : "+r" (x));		\
		}							\
		return x;						\
	}

LOOP(loop_direct, x = step(x))
LOOP(loop_static_call, x = rp_static_call(cost_call)(x))
LOOP(loop_pointer, x = cost_pointer(x))
LOOP(loop_nothing, x++)
LOOP(loop_static_key, x++; if (rp_static_branch_unlikely(&cost_key)) x = other(x))
LOOP(loop_flag, x++; if (cost_flag) x = other(x))

static const struct variant {
	const char *name;
	uint64_t (*loop)(uint64_t x);
	int base;		/* the variant that it is compared with */
} variants[] = {
	{ "direct call", loop_direct, 0 },
	{ "static call", loop_static_call, 0 },
	{ "function pointer", loop_pointer, 0 },
	{ "no branch", loop_nothing, 3 },
	{ "static key, disabled", loop_static_key, 3 },
	{ "flag in memory, 0", loop_flag, 3 },
};
enum { VARIANTS = sizeof(variants) / sizeof(*variants) };

static double measure(const struct variant *variant)
{
	static volatile uint64_t sink;
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	sink += variant->loop(sink);
	clock_gettime(CLOCK_MONOTONIC, &b);
	return ((double)(b.tv_sec - a.tv_sec) * 1e9 +
		(double)(b.tv_nsec - a.tv_nsec)) / CALLS;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void cost_print(void)
{
	static double ns[VARIANTS][ROUNDS];

	rp_static_call_update(cost_call, step);
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < VARIANTS; i++) {
			int v = (i + round) % VARIANTS;

			ns[v][round] = measure(&variants[v]);
		}
	for (int v = 0; v < VARIANTS; v++)
		qsort(ns[v], ROUNDS, sizeof(double), compare);
	printf("\n  cost, one thread       ns per pass    ratio\n");
	for (int v = 0; v < VARIANTS; v++)
		printf("  %-22s %11.2f %8.2f\n", variants[v].name,
		       ns[v][ROUNDS / 2],
		       ns[v][ROUNDS / 2] / ns[variants[v].base][ROUNDS / 2]);
	printf("  A glance on one loop: a hot, well predicted pointer is nearly free on some\n"
	       "  processors. docs/benchmarks.md says where static calls win and where not.\n");
}
