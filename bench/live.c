// SPDX-License-Identifier: MIT
/*
 * What patching a process that runs takes, and what the process notices.
 *
 * The program (live_target.c) is one of this build; its payloads are made here,
 * by `repoint patch diff`. Each change is a command of its own, from its start to
 * its exit, and after each one the program is asked what its functions do.
 */
#define _GNU_SOURCE
#include "live.h"

#include <stdlib.h>
#include <string.h>

#include "live_floor.h"
#include "live_work.h"
#include "patch_process.h"

void live_target(const struct live *live, struct live_process *target,
		 const char *kind, unsigned int threads)
{
	char number[16], line[64];
	char *argv[] = { (char *)live->options->live, (char *)kind, number,
			 NULL };

	snprintf(number, sizeof(number), "%u", threads);
	live_start(target, argv);
	live_read(target, line, sizeof(line));
	if (strcmp(line, "ready"))
		bench_die("%s: %s", argv[0], line);
}

void live_check(struct live_process *target, const char *function,
		unsigned int want)
{
	char answer[64];

	live_ask(target, function, answer, sizeof(answer));
	if ((unsigned int)atoi(answer) != want)
		bench_die("live: %s adds %s, not %u", function, answer, want);
}

void live_row(const struct live *live, const char *section, const char *group,
	      const char *name, const char *unit, double goal,
	      struct samples *samples, struct samples *ratio)
{
	struct row row = {
		.unit = unit, .goal = goal, .absolute = true,
		.value = samples_stats(samples),
	};

	if (ratio) {
		row.ratio = samples_stats(ratio);
		samples_deinit(ratio);
	}
	snprintf(row.section, sizeof(row.section), "%s", section);
	snprintf(row.group, sizeof(row.group), "%s", group);
	snprintf(row.name, sizeof(row.name), "%s", name);
	report_row(live->report, &row);
	samples_deinit(samples);
}

/* The objects that the program was linked from are beside it. */
static char *make_payload(const struct bench_options *options, const char *name)
{
	const char *slash = strrchr(options->live, '/');
	int dir = slash ? (int)(slash + 1 - options->live) : 0;
	char *old, *new, *output = patch_path("%s.rpp", name);

	if (asprintf(&old, "%.*slive_work_none.o", dir, options->live) < 0 ||
	    asprintf(&new, "%.*slive_work_%s.o", dir, options->live, name) < 0)
		bench_die("no memory");
	patch_run((char *[]){ (char *)options->repoint, "patch", "diff",
			      "--binary", (char *)options->live, "-o", output,
			      old, new, NULL }, "/dev/null", 0);
	free(old);
	free(new);
	return output;
}

static bool may_trace(const struct live *live)
{
	struct live_process target;
	double floor, stop;

	live_target(live, &target, "idle", 1);
	floor = live_floor(target.pid, 1, &stop);
	live_end(&target, false);
	return floor > 0;
}

void bench_live(struct report *report, const struct bench_options *options)
{
	struct live live = { .report = report, .options = options };

	if (!may_trace(&live)) {
		puts("live: skipped: ptrace is not permitted here");
		return;
	}
	live.tiny = make_payload(options, "tiny");
	live.slow = make_payload(options, "long");
	bench_unpin();
	bench_live_stop(&live);
	bench_live_busy(&live);
	bench_live_calls(&live);
	bench_live_load(&live);
	free(live.tiny);
	free(live.slow);
}
