// SPDX-License-Identifier: MIT
/*
 * A program with a million call sites: registration, memory, updates of one
 * static call with N sites. Each sample is a fresh process (sites.c), because
 * registration happens once in its life.
 */
#include <stdio.h>

#include "figures.h"

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

void bench_start(struct report *report, const struct bench_options *options)
{
	char command[4096];

	snprintf(command, sizeof(command), "'%s' %d", options->sites,
		 options->quick ? 2 : 12);
	figures_run(report, figures, NR_FIGURES, command,
		    options->quick ? 2 : 9);
}
