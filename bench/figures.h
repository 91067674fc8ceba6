/* SPDX-License-Identifier: MIT */
/* Figures of programs that are run again and again: what happens once in one. */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include "bench.h"
#include "report.h"

#define FIGURES_MAX	32

/* struct figure - what a name that the program prints means. */
struct figure {
	const char *key;
	const char *section;
	const char *group;
	const char *name;
	const char *unit;
	double goal;
};

/**
 * figures_run() - run a program and report the quartiles of what it prints,
 * "name value" lines. Dies if the program fails.
 * @command:   for the shell
 * @processes: how often
 */
void figures_run(struct report *report, const struct figure *figures, size_t nr,
		 const char *command, int processes);

#endif /* BENCH_FIGURES_H */
