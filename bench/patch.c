// SPDX-License-Identifier: MIT
/*
 * What making a live patch takes: `repoint patch diff` on pairs of objects of
 * several sizes, as whole processes, and `repoint patch build` (patch_build.c).
 *
 * The objects come from patch_source.c and the system's compiler, the binary is
 * linked from the old ones. In each round every pair is compared once, changed
 * and unchanged, in random order: a slow phase of the machine hits all sizes, and
 * nobody always finds the caches as the largest one has left them.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "patch_build.h"
#include "patch_process.h"
#include "patch_source.h"
#include "report.h"

#define NOTHING_TO_PATCH	3

/**
 * struct size
 * @bytes: of the old object, about; the source is made to measure
 * @goal:  for the time of the changed pair, in ms, or 0
 * @small: it is one of the small pairs
 * @quick: it is in the smoke test
 */
static const struct size {
	const char *name;
	double bytes;
	const char *flags;
	double goal;
	bool small;
	bool quick;
} sizes[] = {
	{ "10 KB", 10e3, "-O0", 0, true, true },
	{ "20 KB", 20e3, "-O0", 0, true, false },
	{ "50 KB", 50e3, "-O0", 0, true, false },
	{ "100 KB", 100e3, "-O0", 0, true, true },
	{ "0.5 MB", 0.5e6, "-O0", 0, false, false },
	{ "1.2 MB", 1.2e6, "-O0", 60, false, false },
	{ "1.2 MB, compiled with -O2", 1.2e6, "-O2", 0, false, false },
	{ "5 MB", 5e6, "-O0", 0, false, false },
};

#define NR_SIZES	(sizeof(sizes) / sizeof(*sizes))

#define SMALL_GOAL	3
#define LINEAR_GOAL	1.1

/**
 * struct pair
 * @old, @new, @same: objects; of the last one only .comment differs
 * @bytes: of the old one
 * @name:  of the function that changes
 */
struct pair {
	const struct size *size;
	char *old;
	char *new;
	char *same;
	char *binary;
	char name[32];
	double bytes;
	struct samples changed;
	struct samples unchanged;
};

/* ---- objects ---- */

/* All versions of a file have one name: it is in the debug information. */
static void compile(unsigned int functions, unsigned int fixed,
		    const char *flags, const char *ident, const char *object)
{
	const struct patch_source source = {
		.functions = functions, .fixed = fixed, .header = true,
	};
	char *path = patch_path("unit.c");
	FILE *file = patch_open(path);

	patch_source_write(file, &source);
	patch_source_main(file, 1);
	patch_close(file, path);
	patch_shell("cc %s -g -w -ffunction-sections -fdata-sections "
		    "-DIDENT='\"%s\"' -c unit.c -o '%s'", flags, ident, object);
	free(path);
}

/* The object's size is linear in the number of functions, nearly. */
static unsigned int functions_for(const struct size *size)
{
	const unsigned int few = 16, many = 128;
	char *object = patch_path("probe.o");
	double small, each;

	compile(few, PATCH_SOURCE_NONE, size->flags, "a", object);
	small = (double)patch_size(object);
	compile(many, PATCH_SOURCE_NONE, size->flags, "a", object);
	each = ((double)patch_size(object) - small) / (many - few);
	free(object);
	if (size->bytes < small - (few - 2) * each)
		return 2;
	return few + (unsigned int)((size->bytes - small) / each + 0.5);
}

static void make_pair(struct pair *pair, const struct size *size)
{
	unsigned int functions = functions_for(size), fixed = functions / 2;
	size_t nth = (size_t)(size - sizes);

	pair->size = size;
	pair->old = patch_path("old-%zu.o", nth);
	pair->new = patch_path("new-%zu.o", nth);
	pair->same = patch_path("same-%zu.o", nth);
	pair->binary = patch_path("binary-%zu", nth);
	patch_source_name(pair->name, sizeof(pair->name), fixed);
	compile(functions, PATCH_SOURCE_NONE, size->flags, "a", pair->old);
	compile(functions, PATCH_SOURCE_NONE, size->flags, "b", pair->same);
	compile(functions, fixed, size->flags, "a", pair->new);
	patch_shell("cc -o '%s' '%s'", pair->binary, pair->old);
	pair->bytes = (double)patch_size(pair->old);
}

static void free_pair(struct pair *pair)
{
	free(pair->old);
	free(pair->new);
	free(pair->same);
	free(pair->binary);
	samples_deinit(&pair->changed);
	samples_deinit(&pair->unchanged);
}

/* ---- the differ ---- */

#define DIFF_ARGS(repoint, pair, to, output)				\
	(char *[]){ (char *)(repoint), "patch", "diff", "--binary",	\
		    (pair)->binary, "-o", (output), (pair)->old, (to), NULL }

/* Optimised, callers may have changed as well: they have inlined it. */
static void check_found(const struct pair *pair, const char *report)
{
	unsigned int lines = 0, named = 0;
	FILE *file = fopen(report, "re");
	char line[512], what[32], name[64];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "  %31s %63s (", what, name) != 2 ||
		    line[0] != ' ')
			continue;
		lines++;
		named += !strcmp(what, "replaced") && !strcmp(name, pair->name);
	}
	if (file)
		fclose(file);
	if (named != 1 || (lines != 1 && !strcmp(pair->size->flags, "-O0")))
		bench_die("%s: %u functions in the payload, %s is %sone of them",
			  pair->size->name, lines, pair->name,
			  named ? "" : "not ");
}

/* What the differ finds is looked at once, before anything is timed. */
static void warm_up(const struct pair *pair, const char *repoint, char *output)
{
	char *report = patch_path("report");

	patch_run(DIFF_ARGS(repoint, pair, pair->new, output), report, 0);
	check_found(pair, report);
	if (!patch_size(output))
		bench_die("%s: the payload is empty", pair->size->name);
	patch_run(DIFF_ARGS(repoint, pair, pair->same, output), report,
		  NOTHING_TO_PATCH);
	free(report);
}

static void measure(struct pair *pair, const char *repoint, char *output)
{
	uint64_t changed, unchanged;

	changed = patch_run(DIFF_ARGS(repoint, pair, pair->new, output),
			    "/dev/null", 0);
	unchanged = patch_run(DIFF_ARGS(repoint, pair, pair->same, output),
			      "/dev/null", NOTHING_TO_PATCH);
	samples_add(&pair->changed, (double)changed / 1e6);
	samples_add(&pair->unchanged, (double)unchanged / 1e6);
}

static void shuffle(size_t *order, size_t nr, unsigned int *seed)
{
	for (size_t i = nr - 1; i > 0; i--) {
		size_t other = (size_t)rand_r(seed) % (i + 1), was = order[i];

		order[i] = order[other];
		order[other] = was;
	}
}

static void run_rounds(struct pair *pairs, size_t nr, unsigned int rounds,
		       const char *repoint, char *output)
{
	size_t order[NR_SIZES];
	unsigned int seed = 1;

	for (size_t i = 0; i < nr; i++)
		order[i] = i;
	for (unsigned int r = 0; r < rounds; r++) {
		shuffle(order, nr, &seed);
		for (size_t i = 0; i < nr; i++)
			measure(&pairs[order[i]], repoint, output);
	}
}

/* ---- report ---- */

static void report_times(struct report *report, const char *group,
			 const char *name, const char *unit, double goal,
			 struct stats stats)
{
	struct row row = { .unit = unit, .goal = goal, .value = stats };

	snprintf(row.section, sizeof(row.section), "diff");
	snprintf(row.group, sizeof(row.group), "%s", group);
	snprintf(row.name, sizeof(row.name), "%s", name);
	report_row(report, &row);
}

/* The median of the medians, which are sorted by size anyway. */
static void report_small(struct report *report, struct pair *pairs, size_t nr)
{
	struct samples medians = { NULL, 0, 0 };

	for (size_t i = 0; i < nr; i++)
		if (pairs[i].size->small)
			samples_add(&medians,
				    samples_stats(&pairs[i].changed).median);
	report_times(report, "one function changed", "median of the small pairs",
		     "ms", SMALL_GOAL, samples_stats(&medians));
	samples_deinit(&medians);
}

static void report_pairs(struct report *report, struct pair *pairs, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		report_times(report, "one function changed",
			     pairs[i].size->name, "ms", pairs[i].size->goal,
			     samples_stats(&pairs[i].changed));
	report_small(report, pairs, nr);
	for (size_t i = 0; i < nr; i++)
		report_times(report, "only .comment changed",
			     pairs[i].size->name, "ms", 0,
			     samples_stats(&pairs[i].unchanged));
}

static void report_rates(struct report *report, struct pair *pairs, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		report_value(report, "diff", "size of the old object",
			     pairs[i].size->name, "bytes", pairs[i].bytes, 0);
	for (size_t i = 0; i < nr; i++) {
		double ms = samples_stats(&pairs[i].changed).median;

		report_value(report, "diff",
			     "one function changed, old object per second",
			     pairs[i].size->name, "MB/s",
			     pairs[i].bytes / 1e3 / ms, 0);
	}
}

static struct pair *find_pair(struct pair *pairs, size_t nr, const char *name)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(pairs[i].size->name, name))
			return &pairs[i];
	return NULL;
}

/* 1: linear. The start of the process counts for both. */
static void report_linear(struct report *report, struct pair *pairs, size_t nr)
{
	struct pair *small = find_pair(pairs, nr, "0.5 MB");
	struct pair *large = find_pair(pairs, nr, "5 MB");

	if (!small || !large)
		return;
	report_value(report, "diff", "time per byte", "5 MB to 0.5 MB", "x",
		     samples_stats(&large->changed).median / large->bytes /
		     (samples_stats(&small->changed).median / small->bytes),
		     LINEAR_GOAL);
}

static void report_peak(struct report *report, const struct pair *pair,
			const struct bench_options *options, char *output)
{
	double bytes = patch_peak(options->peak,
				  DIFF_ARGS(options->repoint, pair, pair->new,
					    output), 0);

	report_value(report, "diffmemory", "peak resident memory",
		     pair->size->name, "MB", bytes / 1e6, 0);
	report_value(report, "diffmemory", "the same, per byte of the old object",
		     pair->size->name, "bytes", bytes / pair->bytes, 0);
}

static void diff(struct report *report, const struct bench_options *options)
{
	struct pair pairs[NR_SIZES] = { { .size = NULL } };
	char *output = patch_path("out.rpp");
	size_t nr = 0;

	for (size_t i = 0; i < NR_SIZES; i++)
		if (!options->quick || sizes[i].quick)
			make_pair(&pairs[nr++], &sizes[i]);
	for (size_t i = 0; i < nr; i++)
		warm_up(&pairs[i], options->repoint, output);
	run_rounds(pairs, nr, options->quick ? 1 : 11, options->repoint, output);
	report_pairs(report, pairs, nr);
	report_rates(report, pairs, nr);
	report_linear(report, pairs, nr);
	report_peak(report, &pairs[nr - 1], options, output);
	for (size_t i = 0; i < nr; i++)
		free_pair(&pairs[i]);
	free(output);
}

void bench_patch(struct report *report, const struct bench_options *options)
{
	if (!patch_have("cc")) {
		puts("patch: skipped: there is no cc");
		return;
	}
	bench_unpin();
	diff(report, options);
	bench_patch_build(report, options);
}
