/* SPDX-License-Identifier: MIT */
/*
 * A clock whose source is chosen at start.
 *
 * clock_now() is a call through a table of operations until clock_init() binds
 * it. Where the processor has an invariant time stamp counter, `rdtsc` takes
 * the place of the call: a patchlet. Elsewhere it is a direct call.
 */
#ifndef OPS_CLOCK_H
#define OPS_CLOCK_H

#include <stdint.h>

#include <repoint/ops.h>

/* Returned in %rax and %rdx, which is where rdtsc has its halves. */
struct clock_ticks {
	uint64_t low, high;
};

struct clock_ops {
	const char *name;
	struct clock_ticks (*now)(void);
	uint64_t (*to_ns)(uint64_t ticks);
};

RP_DECLARE_OPS(struct clock_ops, clock_source);

/** clock_init() - choose and bind. Return: as rp_ops_bind(). */
int clock_init(void);

/** clock_now() - ticks since some point in time. */
static inline uint64_t clock_now(void)
{
	struct clock_ticks ticks = rp_op(clock_source, now)();

	return ticks.low | ticks.high << 32;
}

/** clock_ns() - nanoseconds that @ticks took. */
static inline uint64_t clock_ns(uint64_t ticks)
{
	return rp_op(clock_source, to_ns)(ticks);
}

#endif /* OPS_CLOCK_H */
