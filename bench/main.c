// SPDX-License-Identifier: MIT
/* repoint-bench: what patched code costs, beside what else there is. */
#define _GNU_SOURCE
#include <getopt.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"
#include "report.h"

static const char usage[] =
"usage: repoint-bench [--quick] [--only SECTION] [--json FILE]\n"
"                     [--counts FILE] [--sites PROGRAM] [--repoint PROGRAM]\n"
"                     [--redis DIRECTORY] [--objects DIRECTORY]\n"
"       repoint-bench --count\n"
"\n"
"  --quick         a smoke test: figures mean nothing\n"
"  --only SECTION  calls, chains, guards, features, ops, start, apply, commit,\n"
"                  latency, patch, live, objects or unwind\n"
"  --json FILE     write the results there too\n"
"  --counts FILE   instruction counts to show beside the times (counts.sh)\n"
"  --sites FILE    the program for \"start\" (default: beside this one)\n"
"  --objects DIR   kernel objects for \"objects\": of 6.1, without objtool's tables\n"
"  --redis DIR     patch redis, too: DIR has redis-server and redis.rpp, made by\n"
"                  scripts/bench-redis.sh\n"
"  --repoint FILE  the tool for \"patch\", \"live\" (default: the one built with this)\n"
"  --count         run what counts.sh counts, and nothing else\n";

#define PARTS_MAX	5

/*
 * struct section - one question; @parts are the sections of its rows and their
 * titles.
 */
static const struct section {
	const char *name;
	void (*run)(struct report *report, const struct bench_options *options);
	struct {
		const char *section;
		const char *title;
	} parts[PARTS_MAX];
} sections[] = {
	{ "calls", bench_calls, {
		{ "call", "One hot call: ns per call, ratio to a direct call" },
		{ "cold", "Evicted data: ns per turn, eviction included" } } },
	{ "chains", bench_chains, {
		{ "sites", "Many sites: ns per call, ratio to direct calls" } } },
	{ "guards", bench_guards, {
		{ "guard", "A branch never taken: ns per turn, ratio to no code" } } },
	{ "features", bench_features, {
		{ "dispatch", "Code for a processor feature: ns, ratio to a direct call" } } },
	{ "ops", bench_ops, {
		{ "ops", "Patchable ops: ns per call" },
		{ "real", "A time source and a lock as ops: ns per use" } } },
	{ "start", bench_start, {
		{ "start", "Start of a program with many sites" },
		{ "memory", "Memory of a program with many sites" },
		{ "update", "Update of one static call with N sites" } } },
	{ "apply", bench_apply, {
		{ "apply", "Start of a program with many alternatives" } } },
	{ "commit", bench_commit, {
		{ "commit", "Batch of N sites, ratio to the same by hand" } } },
	{ "latency", bench_latency, {
		{ "latency", "Update while threads run through the site" } } },
	{ "patch", bench_patch, {
		{ "diff", "patch diff, whole process (goal for 1.2 MB: a tenth of what kpatch's\n"
		  "   differ took on such a machine, 606 ms: measured elsewhere, not in this run)" },
		{ "diffmemory", "Memory of patch diff" },
		{ "build", "patch build, ratio to the two builds by hand" } } },
	{ "live", bench_live, {
		{ "stop", "A process stands still: ms, ratio to the floor (elsewhere, not in this run: the\n"
		  "   best peers hold it 0.65 ms at 1 thread, 4.2 ms at 101, 17 ms at 501)" },
		{ "wall", "patch apply and revert, whole process" },
		{ "busy", "Threads run through what is replaced, on all CPUs" },
		{ "patched", "Calls of a function that is replaced: one jump more" },
		{ "load", "Requests to a server while it is patched: none failed" } } },
	{ "objects", bench_objects, {
		{ "objects", "Checking objects, ratio to the kernel's objtool" } } },
	{ "unwind", bench_unwind, {
		{ "unwind", "Stacks: ns per frame, ratio to those who read .eh_frame" } } },
};

#define NR_SECTIONS	(sizeof(sections) / sizeof(*sections))

struct arguments {
	struct bench_options options;
	const char *only;
	const char *json;
	const char *counts;
	bool count;
};

static void bad_usage(void)
{
	fputs(usage, stderr);
	exit(64);
}

static void parse(int argc, char **argv, struct arguments *arguments)
{
	static const struct option options[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "only", required_argument, NULL, 'o' },
		{ "json", required_argument, NULL, 'j' },
		{ "counts", required_argument, NULL, 'c' },
		{ "sites", required_argument, NULL, 's' },
		{ "repoint", required_argument, NULL, 'r' },
		{ "redis", required_argument, NULL, 'R' },
		{ "objects", required_argument, NULL, 'O' },
		{ "count", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 'q': arguments->options.quick = true; break;
		case 'o': arguments->only = optarg; break;
		case 'j': arguments->json = optarg; break;
		case 'c': arguments->counts = optarg; break;
		case 's': arguments->options.sites = optarg; break;
		case 'r': arguments->options.repoint = optarg; break;
		case 'O': arguments->options.objects = optarg; break;
		case 'R': arguments->options.redis = optarg; break;
		case 'n': arguments->count = true; break;
		case 'h': fputs(usage, stdout); exit(0);
		default: bad_usage();
		}
	}
	if (optind != argc)
		bad_usage();
}

/* What others do by hand, commit.c and latency.c do with membarrier only. */
static void need_membarrier(void)
{
	const long need = MEMBARRIER_CMD_PRIVATE_EXPEDITED |
			  MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE;
	long have = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	if (have < 0 || (have & need) != need) {
		puts("SKIP: membarrier is not available here");
		exit(77);
	}
}

/* Clocks that rise with the load have risen before anything is measured. */
static void warm_up(const struct bench_options *options)
{
	uint64_t end = bench_ns() + (options->quick ? 10000000 : 500000000);

	while (bench_ns() < end)
		;
}

static bool wanted(const struct arguments *arguments,
		   const struct section *section)
{
	return !arguments->only || !strcmp(arguments->only, section->name);
}

static void run_section(const struct section *section, struct report *report,
			const struct arguments *arguments)
{
	fprintf(stderr, "%s...\n", section->name);
	section->run(report, &arguments->options);
	for (size_t i = 0; i < PARTS_MAX && section->parts[i].section; i++)
		report_print_section(stdout, report, section->parts[i].section,
				     section->parts[i].title);
}

static void write_json(const struct report *report, const char *path,
		       const struct machine *machine, uint64_t start)
{
	FILE *file = fopen(path, "we");

	if (!file)
		bench_die("%s: cannot be written", path);
	report_json(file, report, machine, (double)(bench_ns() - start) / 1e9);
	if (fclose(file))
		bench_die("%s: cannot be written", path);
}

static int run(const struct arguments *arguments)
{
	struct report *report = report_create(arguments->options.quick);
	uint64_t start = bench_ns();
	struct machine machine;
	size_t ran = 0;

	if (arguments->counts)
		report_read_counts(report, arguments->counts);
	machine_init(&machine);
	report_print_machine(stdout, &machine);
	warm_up(&arguments->options);
	for (size_t i = 0; i < NR_SECTIONS; i++)
		if (wanted(arguments, &sections[i])) {
			run_section(&sections[i], report, arguments);
			ran++;
		}
	if (!ran)
		bad_usage();
	if (arguments->json)
		write_json(report, arguments->json, &machine, start);
	report_destroy(report);
	return 0;
}

/* The programs of sites.c, alternatives.c, patch_peak.c, live_target.c are beside this one. */
static const char *beside(const char *argv0, const char *name, bool small)
{
	const char *slash = strrchr(argv0, '/');
	char *path;

	if (asprintf(&path, "%.*srepoint-bench-%s%s",
		     slash ? (int)(slash + 1 - argv0) : 0, argv0, name,
		     small ? "-small" : "") < 0)
		bench_die("no memory");
	return path;
}

static void find_programs(struct arguments *arguments, const char *argv0)
{
	struct bench_options *options = &arguments->options;

	if (!options->sites)
		options->sites = beside(argv0, "sites", options->quick);
	options->alternatives = beside(argv0, "alternatives", options->quick);
	options->peak = beside(argv0, "peak", false);
	options->live = beside(argv0, "live", false);
	if (!options->repoint)
		options->repoint = REPOINT_TOOL;
}

int main(int argc, char **argv)
{
	struct arguments arguments = { .only = NULL };

	parse(argc, argv, &arguments);
	find_programs(&arguments, argv[0]);
	if (arguments.count) {
		bench_calls_count();
		bench_guards_count();
		bench_features_count();
		bench_ops_count();
		return 0;
	}
	need_membarrier();
	return run(&arguments);
}
