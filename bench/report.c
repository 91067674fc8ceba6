// SPDX-License-Identifier: MIT
/* The results: rows, as a table and as JSON. */
#define _GNU_SOURCE
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define ROWS_MAX	512
#define COUNTS_MAX	128

struct count {
	char symbol[48];
	double instructions;
};

struct report {
	bool quick;
	struct row row[ROWS_MAX];
	size_t rows;
	struct count count[COUNTS_MAX];
	size_t counts;
};

struct report *report_create(bool quick)
{
	struct report *report = calloc(1, sizeof(*report));

	if (!report)
		bench_die("no memory for the report");
	report->quick = quick;
	return report;
}

void report_destroy(struct report *report)
{
	free(report);
}

void report_read_counts(struct report *report, const char *path)
{
	FILE *file = fopen(path, "re");
	struct count *count;

	if (!file)
		bench_die("%s: cannot be opened", path);
	while (report->counts < COUNTS_MAX) {
		count = &report->count[report->counts];
		if (fscanf(file, "%47s %lf", count->symbol,
			   &count->instructions) != 2)
			break;
		report->counts++;
	}
	fclose(file);
}

void report_row(struct report *report, const struct row *row)
{
	if (report->rows == ROWS_MAX)
		bench_die("more than %d rows", ROWS_MAX);
	report->row[report->rows++] = *row;
}

void report_value(struct report *report, const char *section,
		  const char *group, const char *name, const char *unit,
		  double value, double goal)
{
	struct row row = {
		.unit = unit,
		.value = { value, value, value, value, value, 1 },
		.goal = goal,
	};

	snprintf(row.section, sizeof(row.section), "%s", section);
	snprintf(row.group, sizeof(row.group), "%s", group);
	snprintf(row.name, sizeof(row.name), "%s", name);
	report_row(report, &row);
}

static const struct count *find_count(const struct report *report,
				      const struct row *row)
{
	for (size_t i = 0; row->symbol && i < report->counts; i++)
		if (!strcmp(report->count[i].symbol, row->symbol))
			return &report->count[i];
	return NULL;
}

static bool met(const struct row *row)
{
	double figure = row->ratio.nr && !row->absolute ? row->ratio.median
							: row->value.median;

	return figure <= row->goal;
}

/* ---- table ---- */

static void print_row(FILE *out, const struct report *report,
		      const struct row *row)
{
	const struct count *count = find_count(report, row);

	fprintf(out, "  %-38s %11.2f %-8s", row->name, row->value.median,
		row->unit);
	if (row->ratio.nr)
		fprintf(out, " %7.3f [%.3f %.3f]", row->ratio.median,
			row->ratio.q1, row->ratio.q3);
	if (count)
		fprintf(out, "  %.2f instr", count->instructions);
	if (row->goal > 0)
		fprintf(out, "  goal %.4g: %s", row->goal,
			report->quick ? "not judged (--quick)" :
			met(row) ? "met" : "MISSED");
	fputc('\n', out);
}

void report_print_section(FILE *out, const struct report *report,
			  const char *section, const char *title)
{
	const char *group = "";

	fprintf(out, "\n== %s\n", title);
	for (size_t i = 0; i < report->rows; i++) {
		const struct row *row = &report->row[i];

		if (strcmp(row->section, section))
			continue;
		if (strcmp(row->group, group))
			fprintf(out, "%s\n", row->group);
		group = row->group;
		print_row(out, report, row);
	}
	fflush(out);
}

void report_print_machine(FILE *out, const struct machine *machine)
{
	fprintf(out, "%s, %s family %s model %s stepping %s; %u CPUs%s; %s\n",
		machine->brand, machine->vendor, machine->family,
		machine->model, machine->stepping, machine->cpus,
		machine->virtual ? ", a virtual machine" : "",
		machine->kernel);
	fprintf(out, "text written through %s, synchronised by %s, one store changes up to %u bytes\n",
		machine->backend, machine->sync, machine->block);
}

/* ---- JSON ---- */

static void json_string(FILE *out, const char *name, const char *value)
{
	fprintf(out, "\"%s\": \"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			fputc('\\', out);
		if ((unsigned char)*value >= 0x20)
			fputc(*value, out);
	}
	fputc('"', out);
}

static void json_stats(FILE *out, const char *name, const struct stats *stats)
{
	if (!stats->nr) {
		fprintf(out, ", \"%s\": null", name);
		return;
	}
	fprintf(out, ", \"%s\": {\"min\": %.6g, \"q1\": %.6g, \"median\": %.6g, \"q3\": %.6g, \"max\": %.6g, \"nr\": %zu}",
		name, stats->min, stats->q1, stats->median, stats->q3,
		stats->max, stats->nr);
}

static void json_row(FILE *out, const struct report *report,
		     const struct row *row)
{
	const struct count *count = find_count(report, row);

	fputs("    {", out);
	json_string(out, "section", row->section);
	fputs(", ", out);
	json_string(out, "group", row->group);
	fputs(", ", out);
	json_string(out, "name", row->name);
	fputs(", ", out);
	json_string(out, "unit", row->unit);
	json_stats(out, "value", &row->value);
	json_stats(out, "ratio", &row->ratio);
	if (count)
		fprintf(out, ", \"instructions\": %.4g", count->instructions);
	if (row->goal > 0)
		fprintf(out, ", \"goal\": %.4g, \"goal_of\": \"%s\", \"met\": %s",
			row->goal,
			row->ratio.nr && !row->absolute ? "ratio" : "value",
			met(row) ? "true" : "false");
	fputc('}', out);
}

static void json_machine(FILE *out, const struct machine *machine)
{
	const struct { const char *name, *value; } text[] = {
		{ "vendor", machine->vendor }, { "brand", machine->brand },
		{ "family", machine->family }, { "model", machine->model },
		{ "stepping", machine->stepping },
		{ "kernel", machine->kernel }, { "backend", machine->backend },
		{ "sync", machine->sync },
	};

	fputs("  \"machine\": {", out);
	for (size_t i = 0; i < sizeof(text) / sizeof(*text); i++) {
		json_string(out, text[i].name, text[i].value);
		fputs(", ", out);
	}
	fprintf(out, "\"cpus\": %u, \"virtual\": %s, \"block\": %u},\n",
		machine->cpus, machine->virtual ? "true" : "false",
		machine->block);
}

void report_json(FILE *out, const struct report *report,
		 const struct machine *machine, double seconds)
{
	fputs("{\n", out);
	json_machine(out, machine);
	fprintf(out, "  \"quick\": %s,\n  \"seconds\": %.1f,\n  \"rows\": [\n",
		report->quick ? "true" : "false", seconds);
	for (size_t i = 0; i < report->rows; i++) {
		json_row(out, report, &report->row[i]);
		fputs(i + 1 < report->rows ? ",\n" : "\n", out);
	}
	fputs("  ]\n}\n", out);
}
