// SPDX-License-Identifier: MIT
/*
 * A program with a million call sites: registration, memory, updates of one
 * static call with N sites. Each sample is a fresh process (sites.c), because
 * registration happens once in its life.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "report.h"

/* struct figure - what a name that sites.c prints means. */
struct figure {
	const char *key;
	const char *section;
	const char *group;
	const char *name;
	const char *unit;
	double goal;
};

#define MEMORY	"memory, bytes per site"
#define START	"registration of all sites at start"

static const struct figure figures[] = {
	{ "sites", "start", START, "sites", "", 0 },
	{ "register_ms", "start", START, "registration", "ms", 150 },
	{ "register_ns", "start", START, "registration, per site", "ns", 0 },
	{ "again_ns", "start", START,
	  "the same without first touch, per site", "ns", 0 },
	{ "faults", "start", START, "page faults meanwhile", "", 0 },
	{ "table_bytes", "memory", MEMORY, "table, in the file", "bytes", 0 },
	{ "anon_bytes", "memory", MEMORY, "library's list, private", "bytes",
	  0 },
	{ "text_bytes", "memory", MEMORY,
	  "text that became private (64 per site)", "bytes", 0 },
	{ "peak_bytes", "memory", MEMORY, "during registration only", "bytes",
	  0 },
#define UPDATES(nr, text, goal)						\
	{ "single_" #nr, "update", text, "no other thread", "ns/site", goal }, \
	{ "busy_" #nr, "update", text, "a second thread runs elsewhere", \
	  "ns/site", goal },						\
	{ "running_" #nr, "update", text, "a second thread runs them",	\
	  "ns/site", 0 }
	UPDATES(1, "1 site", 0),
	UPDATES(100, "100 sites", 0),
	UPDATES(10000, "10000 sites", 30),
	UPDATES(1000000, "1000000 sites", 30),
};

#define NR_FIGURES	(sizeof(figures) / sizeof(*figures))

static void read_figure(const char *line, struct samples *samples)
{
	char key[64];
	double value;

	if (sscanf(line, "%63s %lf", key, &value) != 2)
		bench_die("sites: does not understand: %s", line);
	for (size_t i = 0; i < NR_FIGURES; i++)
		if (!strcmp(figures[i].key, key))
			samples_add(&samples[i], value);
}

static void run_once(const char *program, unsigned int rounds,
		     struct samples *samples)
{
	char command[4096], line[256];
	FILE *pipe;

	snprintf(command, sizeof(command), "'%s' %u", program, rounds);
	pipe = popen(command, "re");
	if (!pipe)
		bench_die("%s: cannot be run", program);
	while (fgets(line, sizeof(line), pipe))
		read_figure(line, samples);
	if (pclose(pipe) != 0)
		bench_die("%s: failed", program);
}

void bench_start(struct report *report, const struct bench_options *options)
{
	struct samples samples[NR_FIGURES] = { { NULL, 0, 0 } };

	for (int process = 0; process < (options->quick ? 2 : 9); process++)
		run_once(options->sites, options->quick ? 2 : 12, samples);
	for (size_t i = 0; i < NR_FIGURES; i++) {
		const struct figure *figure = &figures[i];
		struct row row = {
			.unit = figure->unit, .goal = figure->goal,
			.value = samples_stats(&samples[i]),
		};

		snprintf(row.section, sizeof(row.section), "%s",
			 figure->section);
		snprintf(row.group, sizeof(row.group), "%s", figure->group);
		snprintf(row.name, sizeof(row.name), "%s", figure->name);
		if (row.value.nr)
			report_row(report, &row);
		samples_deinit(&samples[i]);
	}
}
