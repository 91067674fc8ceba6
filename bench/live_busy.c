// SPDX-License-Identifier: MIT
/*
 * Threads that do nothing but run through the function that is replaced, on
 * every CPU: how long until it is. Each command has to succeed, and looks at the
 * stacks as always.
 */
#define _GNU_SOURCE
#include <stdio.h>

#include "live.h"
#include "live_work.h"

#define GOAL	100

/* struct variant - @kind of live_target.c; the name of the payload too. */
struct variant {
	const char *kind;
	const char *what;
	const char *payload;
};

static void report_variant(const struct live *live, const struct variant *v,
			   unsigned int spinning, struct samples *apply,
			   struct samples *longest, struct samples *stops,
			   struct samples *revert)
{
	double slowest = samples_stats(apply).max;
	char group[64], name[64];

	snprintf(group, sizeof(group), "%u thread%s in %s", spinning,
		 spinning > 1 ? "s" : "", v->what);
	snprintf(name, sizeof(name), "apply, slowest of %zu", apply->nr);
	live_row(live, "busy", group, "apply, whole command", "ms", 0, apply,
		 NULL);
	report_value(live->report, "busy", group, name, "ms", slowest, GOAL);
	live_row(live, "busy", group, "- the longest of its stops", "ms", 0,
		 longest, NULL);
	live_row(live, "busy", group, "- stops", "", 0, stops, NULL);
	live_row(live, "busy", group, "revert, whole command", "ms", 0, revert,
		 NULL);
}

static void run(const struct live *live, const struct variant *v)
{
	struct samples apply = { NULL, 0, 0 }, revert = apply, stops = apply,
		       longest = apply;
	const char *repoint = live->options->repoint;
	unsigned int rounds = live->options->quick ? 2 : 50;
	unsigned int spinning = bench_nr_cpus();
	struct live_process target;
	struct live_change change;

	live_target(live, &target, v->kind, spinning + 1);
	for (unsigned int i = 0; i < rounds; i++) {
		live_apply(repoint, target.pid, v->payload, &change);
		live_check(&target, v->kind, LIVE_FIXED);
		samples_add(&apply, change.wall_ns / 1e6);
		samples_add(&longest, change.longest_ns / 1e6);
		samples_add(&stops, change.stops);
		live_revert(repoint, target.pid, v->kind, &change);
		live_check(&target, v->kind, 1);
		samples_add(&revert, change.wall_ns / 1e6);
	}
	live_end(&target, false);
	report_variant(live, v, spinning, &apply, &longest, &stops, &revert);
}

void bench_live_busy(const struct live *live)
{
	const struct variant variants[] = {
		{ "tiny", "a function of one instruction", live->tiny },
		{ "long", "a function of 1 ms", live->slow },
	};

	for (size_t i = 0; i < sizeof(variants) / sizeof(*variants); i++)
		run(live, &variants[i]);
}
