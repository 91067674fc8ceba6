/* SPDX-License-Identifier: MIT */
/* What the parts of section "live" share. */
#ifndef BENCH_LIVE_H
#define BENCH_LIVE_H

#include "bench.h"
#include "live_process.h"
#include "report.h"

/**
 * struct live - the programs and the payloads.
 * @tiny: path of a payload for live_tiny() and live_ten(); its name is "tiny"
 * @slow: for live_long(); "long"
 */
struct live {
	struct report *report;
	const struct bench_options *options;
	char *tiny;
	char *slow;
};

/** live_target() - start the program of live_target.c. */
void live_target(const struct live *live, struct live_process *target,
		 const char *kind, unsigned int threads);

/** live_check() - die unless that function of the target adds @want. */
void live_check(struct live_process *target, const char *function,
		unsigned int want);

/** live_row() - a row of @samples, which are gone then. @ratio: or NULL. */
void live_row(const struct live *live, const char *section, const char *group,
	      const char *name, const char *unit, double goal,
	      struct samples *samples, struct samples *ratio);

/* The parts, in their order. */
void bench_live_stop(const struct live *live);
void bench_live_busy(const struct live *live);
void bench_live_calls(const struct live *live);
void bench_live_load(const struct live *live);

#endif /* BENCH_LIVE_H */
