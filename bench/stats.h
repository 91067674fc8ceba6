/* SPDX-License-Identifier: MIT */
/* Samples and their quantiles. */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include <stddef.h>

/* struct samples - a growing array; all zero is empty. */
struct samples {
	double *value;
	size_t nr;
	size_t room;
};

/* struct stats - quartiles; .nr is 0 where there are none. */
struct stats {
	double min, q1, median, q3, max;
	size_t nr;
};

void samples_add(struct samples *samples, double value);
void samples_deinit(struct samples *samples);

/** samples_stats() - sorts the samples. */
struct stats samples_stats(struct samples *samples);

#endif /* BENCH_STATS_H */
