/* SPDX-License-Identifier: MIT */
/* `repoint object check`: what is wrong with objects that are to be patched. */
#include "../tool.h"
#include "../parallel.h"
#include "check_print.h"
#include "options.h"
#include "whole_file.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char help_text[] =
"Usage: repoint object check [OPTION...] FILE...\n"
"\n"
"Looks for what makes x86-64 code unfit for patching: functions without room for\n"
"a detour, entries in the middle of functions, alternatives that do not fit their\n"
"site or the unwind table, sites that are not what their tables say, a stack that\n"
"is not what it should be, indirect branches where there were to be none. Objects,\n"
"results of ld -r, programs and shared objects; no file is changed.\n"
"\n"
"      --only LIST     these classes of checks: livepatch, sections,\n"
"                      alternatives, sites, stack, retpoline\n"
"      --skip LIST     all but these\n"
"      --require LIST  livepatch: what stands in the way of a live patch is an\n"
"                      error, not a note; retpoline: no indirect branches;\n"
"                      rethunk: no plain returns; sls: int3 behind both\n"
"      --abi ABI       whose names and tables: repoint (if not given), linux-6.1\n"
"                      or linux-6.12\n"
"      --module        with a kernel's: the object is of a module\n"
"  -j, --jobs N        files at a time (if not given: one for each processor)\n"
"  -v, --verbose       list all, notes too\n"
"  -q, --quiet         no count of notes, no summary\n"
"      --stats         end with what was looked at\n"
"      --json          print all as JSON\n"
"  -h, --help          this text\n"
"\n"
"Exit status: 0 if there is nothing to say but notes, 1 if there are warnings or\n"
"errors, 2 if a file could not be read or analysed (the others are, all the\n"
"same) or nothing can be printed, 64 if the command line is wrong.\n";

enum {
	OPT_ONLY = 0x100, OPT_SKIP, OPT_REQUIRE, OPT_ABI, OPT_MODULE, OPT_STATS,
	OPT_JSON,
};

static const struct option options[] = {
	{ "only", required_argument, NULL, OPT_ONLY },
	{ "skip", required_argument, NULL, OPT_SKIP },
	{ "require", required_argument, NULL, OPT_REQUIRE },
	{ "abi", required_argument, NULL, OPT_ABI },
	{ "module", no_argument, NULL, OPT_MODULE },
	{ "jobs", required_argument, NULL, 'j' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

#define EXIT_FINDINGS	1
#define EXIT_FAILED	2

/* What is kept of a file for the end. */
struct result {
	bool done, failed;
	size_t severity[RP_SEVERITY_NR];
	size_t class[RP_CHECK_NR];
	struct rp_check_stats stats;
};

struct settings {
	struct rp_check_options options;
	uint32_t only, skip;
	enum rp_check_detail detail;
	unsigned int jobs;
	bool stats, json, help;
	char **paths;
	struct result *results;
};

/* ---- one file ---- */

static void keep_result(struct result *result, const struct rp_check *check)
{
	memcpy(result->severity, check->findings.severity,
	       sizeof(result->severity));
	for (unsigned int id = 0; id < RP_FINDING_IDS; id++)
		result->class[rp_finding_class(id)] += check->findings.count[id];
	result->stats = check->stats;
}

static int fail(const struct settings *s, size_t index, FILE *out, FILE *err,
		const struct rp_diag *diag)
{
	s->results[index].failed = true;
	rp_check_print_failure(err, s->paths[index], diag);
	if (s->json)
		rp_check_print_failure_json(out, s->paths[index], diag);
	return EXIT_FAILED;
}

static int report(const struct settings *s, size_t index, FILE *out,
		  const struct rp_check *check)
{
	struct result *result = &s->results[index];

	keep_result(result, check);
	if (s->json)
		rp_check_print_json(out, s->paths[index], check);
	else
		rp_check_print(out, s->paths[index], check, s->detail);
	return result->severity[RP_ERROR] || result->severity[RP_WARNING] ?
	       EXIT_FINDINGS : RP_EXIT_OK;
}

static int check_file(void *context, size_t index, FILE *out, FILE *err)
{
	const struct settings *s = context;
	struct rp_whole_file file;
	struct rp_check check;
	struct rp_diag diag;
	int status;

	if (s->json)
		fprintf(out, "%s\n", index ? "," : "");
	s->results[index].done = true;
	if (rp_whole_file_read(&file, s->paths[index], &diag)) {
		status = fail(s, index, out, err, &diag);
	} else {
		if (rp_check_init(&check, file.image, file.size, &s->options,
				  &diag))
			status = fail(s, index, out, err, &diag);
		else
			status = report(s, index, out, &check);
		rp_check_deinit(&check);
	}
	rp_whole_file_deinit(&file);
	return status;
}

/* ---- the end ---- */

static void add(struct result *sum, const struct result *r)
{
	for (unsigned int i = 0; i < RP_SEVERITY_NR; i++)
		sum->severity[i] += r->severity[i];
	for (unsigned int i = 0; i < RP_CHECK_NR; i++)
		sum->class[i] += r->class[i];
	sum->stats.instructions += r->stats.instructions;
	sum->stats.functions += r->stats.functions;
	sum->stats.skipped += r->stats.skipped;
	sum->stats.alternatives += r->stats.alternatives;
	sum->stats.call_sites += r->stats.call_sites;
	sum->stats.key_sites += r->stats.key_sites;
	sum->stats.op_sites += r->stats.op_sites;
}

static void print_number(FILE *out, const char *before, size_t n,
			 const char *word)
{
	fprintf(out, "%s%zu %s%s", before, n, word, rp_s(n));
}

static void print_summary(const struct result *sum, size_t files, size_t failed)
{
	const struct rp_check_stats *stats = &sum->stats;

	print_number(stdout, "", files, "file");
	print_number(stdout, ", ", stats->functions, "function");
	print_number(stdout, ", ", stats->instructions, "instruction");
	print_number(stdout, ": ", sum->severity[RP_ERROR], "error");
	print_number(stdout, ", ", sum->severity[RP_WARNING], "warning");
	print_number(stdout, ", ", sum->severity[RP_NOTE], "note");
	if (stats->skipped)
		print_number(stdout, "; the stack check left out ",
			     stats->skipped, "function");
	if (failed) {
		print_number(stdout, "; ", failed, "file");
		printf(" could not be checked");
	}
	putchar('\n');
}

static void print_stats(const struct result *sum)
{
	const struct rp_check_stats *stats = &sum->stats;

	print_number(stderr, "looked at: ", stats->functions, "function");
	print_number(stderr, ", ", stats->instructions, "instruction");
	print_number(stderr, ", ", stats->alternatives, "alternative");
	print_number(stderr, ", ", stats->call_sites, "call site");
	fprintf(stderr, ", %zu static branch%s", stats->key_sites,
		stats->key_sites == 1 ? "" : "es");
	print_number(stderr, ", ", stats->op_sites, "ops site");
	fprintf(stderr, "\nfound:");
	for (unsigned int i = 0; i < RP_CHECK_NR; i++)
		fprintf(stderr, "%s %s %zu", i ? "," : "",
			rp_check_class_name(i), sum->class[i]);
	fputc('\n', stderr);
}

static void print_end(const struct settings *s, size_t n)
{
	struct result sum = { 0 };
	size_t files = 0, failed = 0;

	for (size_t i = 0; i < n; i++) {
		add(&sum, &s->results[i]);
		files += s->results[i].done;
		failed += s->results[i].failed;
	}
	if (!s->json && s->detail != RP_DETAIL_LESS)
		print_summary(&sum, files, failed);
	if (s->stats)
		print_stats(&sum);
}

/* ---- the command line ---- */

static const char *const requirements[] = { "livepatch", "retpoline", "rethunk",
					    "sls" };

/* The bits of a list of words, or 0. */
static uint32_t parse_list(const char *option, const char *list,
			   const char *const *words, size_t n)
{
	uint32_t bits = 0;

	for (;;) {
		size_t length = strcspn(list, ","), i = 0;
		char word[40];

		snprintf(word, sizeof(word), "%.*s", (int)length, list);
		while (i < n && strcmp(word, words[i]))
			i++;
		if (i == n) {
			const char *hint = rp_closest(word, words, n);

			rp_misuse("object check", "%s has no word \"%s\"%s%s%s",
				  option, word, hint ? "; did you mean " : "",
				  hint ? hint : "", hint ? "?" : "");
			return 0;
		}
		bits |= 1u << i;
		if (!list[length])
			return bits;
		list += length + 1;
	}
}

static bool parse_classes(const char *option, uint32_t *ret)
{
	const char *words[RP_CHECK_NR];

	for (unsigned int i = 0; i < RP_CHECK_NR; i++)
		words[i] = rp_check_class_name(i);
	uint32_t bits = parse_list(option, optarg, words, RP_CHECK_NR);
	*ret |= bits;
	return bits;
}

static bool parse_require(struct settings *s)
{
	uint32_t bits = parse_list("--require", optarg, requirements,
				   sizeof(requirements) / sizeof(*requirements));

	s->options.require |= bits;
	return bits;
}

/* Return: is it known, and what it should be? */
static bool parse_option(int c, struct settings *s, char **argv)
{
	switch (c) {
	case OPT_ONLY:
		return parse_classes("--only", &s->only);
	case OPT_SKIP:
		return parse_classes("--skip", &s->skip);
	case OPT_REQUIRE:
		return parse_require(s);
	case OPT_ABI:
		s->options.abi = rp_option_abi("object check", optarg);
		return s->options.abi;
	case 'j':
		return rp_option_jobs("object check", optarg, &s->jobs);
	case OPT_MODULE:
		s->options.module = true;
		return true;
	case 'v':
		s->detail = RP_DETAIL_ALL;
		return true;
	case 'q':
		s->detail = RP_DETAIL_LESS;
		return true;
	case OPT_STATS:
		s->stats = true;
		return true;
	case OPT_JSON:
		s->json = true;
		return true;
	case 'h':
		s->help = true;
		return true;
	default:
		rp_usage_error("object check", options, argv);
		return false;
	}
}

/* What was asked for by name is looked for in any code. */
static int choose_classes(struct settings *s)
{
	const uint32_t retpoline = 1u << RP_CHECK_RETPOLINE;

	if (s->only & retpoline)
		s->options.require |= RP_REQUIRE_RETPOLINE;
	uint32_t required = 0;

	if (s->options.require & RP_REQUIRE_LIVEPATCH)
		required |= 1u << RP_CHECK_LIVEPATCH;
	if (s->options.require & ~RP_REQUIRE_LIVEPATCH)
		required |= retpoline;
	if (required & s->skip)
		return rp_misuse("object check", "--skip leaves out what "
				 "--require asks for");
	s->options.classes = ((s->only ? s->only : RP_CHECK_ALL) & ~s->skip) |
			     required;
	if (s->options.classes)
		return 0;
	return rp_misuse("object check", "--only and --skip leave nothing to "
			 "check");
}

static int parse(int argc, char **argv, struct settings *s)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "j:vqh", options, NULL)) != -1) {
		if (!parse_option(c, s, argv))
			return RP_EXIT_USAGE;
		if (s->help)
			return 0;
	}
	return optind < argc ? choose_classes(s) :
			       rp_misuse("object check", "no file given");
}

static int run(struct settings *s, size_t n)
{
	s->results = calloc(n, sizeof(*s->results));
	if (!s->results) {
		fprintf(stderr, "repoint object check: error: out of memory\n");
		return EXIT_FAILED;
	}
	if (s->json)
		printf("[");
	fflush(stdout);
	int status = rp_parallel(n, s->jobs, check_file, s);
	if (s->json)
		printf("\n]\n");
	print_end(s, n);
	free(s->results);
	// main() says what is wrong; this is no finding.
	return fflush(stdout) || ferror(stdout) ? EXIT_FAILED : status;
}

int rp_cmd_object_check(int argc, char **argv)
{
	struct settings s = { .detail = RP_DETAIL_USUAL,
			      .options.abi = rp_abi(RP_ABI_REPOINT) };

	int status = parse(argc, argv, &s);
	if (status)
		return status;
	if (s.help) {
		fputs(help_text, stdout);
		return RP_EXIT_OK;
	}
	s.paths = argv + optind;
	return run(&s, argc - optind);
}
