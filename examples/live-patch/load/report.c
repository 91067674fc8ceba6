// SPDX-License-Identifier: MIT
/*
 * Counts and latencies. The histogram has 64 steps for each power of two
 * nanoseconds, so what it says is at most 1.6 % too much.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

enum { STEP_BITS = 6, STEPS = 1 << STEP_BITS, BUCKETS = 40 * STEPS };

struct phase {
	char *name;
	uint64_t start, end;
	uint64_t answers, failed, reconnects;
	uint64_t max;
	uint64_t buckets[BUCKETS];
};

static struct phase *current(struct report *report)
{
	return &report->phases[report->nphases - 1];
}

static size_t bucket_of(uint64_t ns)
{
	size_t bucket;
	int shift;

	if (ns < STEPS)
		return (size_t)ns;
	shift = 63 - __builtin_clzll(ns) - STEP_BITS;
	bucket = (size_t)(shift + 1) * STEPS + (size_t)(ns >> shift) - STEPS;
	return bucket < BUCKETS ? bucket : BUCKETS - 1;
}

/* The largest time that falls into it. */
static uint64_t bucket_limit(size_t bucket)
{
	size_t shift = bucket / STEPS;

	if (!shift)
		return bucket;
	shift--;
	return ((uint64_t)(bucket % STEPS + STEPS + 1) << shift) - 1;
}

static double percentile_us(const struct phase *phase, double part)
{
	uint64_t sum = 0, limit = phase->max;
	double want = (double)phase->answers * part;

	for (size_t i = 0; i < BUCKETS; i++) {
		sum += phase->buckets[i];
		if (sum && (double)sum >= want) {
			limit = bucket_limit(i);
			break;
		}
	}
	return (double)(limit < phase->max ? limit : phase->max) / 1e3;
}

int report_phase(struct report *report, const char *name)
{
	struct phase *phases = reallocarray(report->phases, report->nphases + 1,
					    sizeof(*phases));
	struct phase *phase;

	if (!phases)
		return -ENOMEM;
	report->phases = phases;
	phase = &phases[report->nphases];
	memset(phase, 0, sizeof(*phase));
	phase->name = strdup(name);
	if (!phase->name)
		return -ENOMEM;
	phase->start = load_now();
	if (report->nphases)
		current(report)->end = phase->start;
	report->nphases++;
	return 0;
}

void report_answer(struct report *report, uint64_t ns)
{
	struct phase *phase = current(report);

	report->requests++;
	phase->answers++;
	phase->buckets[bucket_of(ns)]++;
	if (ns > phase->max)
		phase->max = ns;
}

void report_failure(struct report *report)
{
	report->requests++;
	report->failed++;
	current(report)->failed++;
}

void report_reconnect(struct report *report)
{
	report->reconnects++;
	current(report)->reconnects++;
}

static double seconds_of(const struct phase *phase)
{
	uint64_t end = phase->end ? phase->end : load_now();

	return (double)(end - phase->start) / 1e9;
}

/* Names of phases are the user's own: nothing to escape but by mistake. */
static void name_json(FILE *out, const char *name)
{
	fputc('"', out);
	for (; *name; name++)
		fputc(*name == '"' || *name == '\\' || (unsigned char)*name < 32
		      ? '?' : *name, out);
	fputc('"', out);
}

static void phase_json(const struct phase *phase, FILE *out)
{
	fputs("{\"name\": ", out);
	name_json(out, phase->name);
	fprintf(out, ", \"seconds\": %.3f, \"requests\": %llu, \"failed\": %llu, "
		"\"reconnects\": %llu, \"p50_us\": %.1f, \"p99_us\": %.1f, "
		"\"p999_us\": %.1f, \"max_us\": %.1f}",
		seconds_of(phase),
		(unsigned long long)(phase->answers + phase->failed),
		(unsigned long long)phase->failed,
		(unsigned long long)phase->reconnects,
		percentile_us(phase, 0.5), percentile_us(phase, 0.99),
		percentile_us(phase, 0.999), (double)phase->max / 1e3);
}

void report_json(struct report *report, FILE *out)
{
	fprintf(out, "{\"requests\": %llu, \"failed\": %llu, "
		"\"reconnects\": %llu, \"phases\": [",
		(unsigned long long)report->requests,
		(unsigned long long)report->failed,
		(unsigned long long)report->reconnects);
	for (size_t i = 0; i < report->nphases; i++) {
		fputs(i ? ", " : "", out);
		phase_json(&report->phases[i], out);
	}
	fputs("]}\n", out);
	fflush(out);
}

static void table_row(FILE *out, const char *name, uint64_t requests,
		      uint64_t failed, uint64_t reconnects)
{
	fprintf(out, "  %-10s %10llu %7llu %11llu", name,
		(unsigned long long)requests, (unsigned long long)failed,
		(unsigned long long)reconnects);
}

void report_table(struct report *report, FILE *out)
{
	fprintf(out, "  %-10s %10s %7s %11s %9s %9s %9s %9s\n", "phase",
		"requests", "failed", "reconnects", "p50 us", "p99 us",
		"p99.9 us", "max us");
	for (size_t i = 0; i < report->nphases; i++) {
		const struct phase *phase = &report->phases[i];

		table_row(out, phase->name, phase->answers + phase->failed,
			  phase->failed, phase->reconnects);
		fprintf(out, " %9.0f %9.0f %9.0f %9.0f\n",
			percentile_us(phase, 0.5), percentile_us(phase, 0.99),
			percentile_us(phase, 0.999), (double)phase->max / 1e3);
	}
	table_row(out, "all", report->requests, report->failed,
		  report->reconnects);
	fputc('\n', out);
	fflush(out);
}

void report_deinit(struct report *report)
{
	for (size_t i = 0; i < report->nphases; i++)
		free(report->phases[i].name);
	free(report->phases);
}
