// SPDX-License-Identifier: MIT
/* Samples and their quantiles. */
#include "stats.h"

#include <stdlib.h>
#include <string.h>

#include "bench.h"

void samples_add(struct samples *samples, double value)
{
	if (samples->nr == samples->room) {
		samples->room = samples->room ? 2 * samples->room : 64;
		samples->value = realloc(samples->value,
					 samples->room * sizeof(double));
		if (!samples->value)
			bench_die("no memory for samples");
	}
	samples->value[samples->nr++] = value;
}

void samples_deinit(struct samples *samples)
{
	free(samples->value);
	memset(samples, 0, sizeof(*samples));
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Between the neighbours of the place that is @part of the way up. */
static double quantile(const struct samples *samples, double part)
{
	double at = part * (double)(samples->nr - 1);
	size_t low = (size_t)at;
	double rest = at - (double)low;

	if (low + 1 == samples->nr)
		return samples->value[low];
	return samples->value[low] * (1 - rest) + samples->value[low + 1] * rest;
}

struct stats samples_stats(struct samples *samples)
{
	struct stats stats = { .nr = samples->nr };

	if (!samples->nr)
		return stats;
	qsort(samples->value, samples->nr, sizeof(double), compare);
	stats.min = samples->value[0];
	stats.q1 = quantile(samples, 0.25);
	stats.median = quantile(samples, 0.5);
	stats.q3 = quantile(samples, 0.75);
	stats.max = samples->value[samples->nr - 1];
	return stats;
}
