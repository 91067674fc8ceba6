/* SPDX-License-Identifier: MIT */
/* The results: rows, as a table and as JSON. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdio.h>

#include "machine.h"
#include "stats.h"

/**
 * struct row - one result.
 * @section: the question: "call", "sites", "guard", ...
 * @group:   what is compared with each other; the first row is the base
 * @name:    the contestant
 * @symbol:  function that counts.sh counts the instructions of, or NULL
 * @unit:    of @value
 * @value:   absolute
 * @ratio:   to the base, pairwise within a round; .nr 0: none
 * @goal:    upper limit for the median of @ratio if there is one (and not
 *           @absolute), else of @value; 0: none
 * @absolute: the goal is one for @value
 */
struct row {
	char section[16];
	char group[64];
	char name[64];
	const char *symbol;
	const char *unit;
	struct stats value;
	struct stats ratio;
	double goal;
	bool absolute;
};

struct report;

struct report *report_create(bool quick);
void report_destroy(struct report *report);

/** report_read_counts() - instruction counts, "symbol count" a line. */
void report_read_counts(struct report *report, const char *path);

/** report_row() - take over a copy of a row. */
void report_row(struct report *report, const struct row *row);

/** report_value() - a row with one value and no ratio. */
void report_value(struct report *report, const char *section,
		  const char *group, const char *name, const char *unit,
		  double value, double goal);

/** report_print_section() - the rows of one section, as a table. */
void report_print_section(FILE *out, const struct report *report,
			  const char *section, const char *title);

void report_print_machine(FILE *out, const struct machine *machine);

void report_json(FILE *out, const struct report *report,
		 const struct machine *machine, double seconds);

#endif /* BENCH_REPORT_H */
