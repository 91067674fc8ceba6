// SPDX-License-Identifier: MIT
/* Figures of programs that are run again and again. */
#define _GNU_SOURCE
#include "figures.h"

#include <stdio.h>
#include <string.h>

static void read_figure(const struct figure *figures, size_t nr,
			const char *line, struct samples *samples)
{
	char key[64];
	double value;

	if (sscanf(line, "%63s %lf", key, &value) != 2)
		bench_die("a program's line is no figure: %s", line);
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(figures[i].key, key))
			samples_add(&samples[i], value);
}

static void run_once(const struct figure *figures, size_t nr,
		     const char *command, struct samples *samples)
{
	char line[256];
	FILE *pipe = popen(command, "re");

	if (!pipe)
		bench_die("%s: cannot be run", command);
	while (fgets(line, sizeof(line), pipe))
		read_figure(figures, nr, line, samples);
	if (pclose(pipe) != 0)
		bench_die("%s: failed", command);
}

static void report_figure(struct report *report, const struct figure *figure,
			  struct samples *samples)
{
	struct row row = {
		.unit = figure->unit, .goal = figure->goal,
		.value = samples_stats(samples),
	};

	snprintf(row.section, sizeof(row.section), "%s", figure->section);
	snprintf(row.group, sizeof(row.group), "%s", figure->group);
	snprintf(row.name, sizeof(row.name), "%s", figure->name);
	if (row.value.nr)
		report_row(report, &row);
	samples_deinit(samples);
}

void figures_run(struct report *report, const struct figure *figures, size_t nr,
		 const char *command, int processes)
{
	struct samples samples[FIGURES_MAX] = { { NULL, 0, 0 } };

	if (nr > FIGURES_MAX)
		bench_die("more than %d figures", FIGURES_MAX);
	for (int i = 0; i < processes; i++)
		run_once(figures, nr, command, samples);
	for (size_t i = 0; i < nr; i++)
		report_figure(report, &figures[i], &samples[i]);
}
