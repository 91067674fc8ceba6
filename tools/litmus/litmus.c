/* SPDX-License-Identifier: MIT */
/* `repoint litmus`: options, the run, the exit status. */
#define _GNU_SOURCE
#include "litmus.h"

#include <errno.h>
#include <getopt.h>
#include <repoint/text_poke.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tool.h"
#include "report.h"

enum {
	EXIT_UNSHOWN = 77,	/* what test harnesses take as "skipped" */
	SECONDS_DEFAULT = 20,
	SECONDS_QUICK = 6,
	SECONDS_MAX = 86400,
};

struct options {
	struct litmus_plan plan;
	unsigned int executors;
	const char *json;
};

static const char usage_text[] =
"usage: repoint litmus [OPTION...]\n"
"\n"
"Rewrites an instruction that other threads are running, in each known way and\n"
"at each offset of a cache line, and shows which ways this processor tolerates.\n"
"\n"
"  --seconds N       time for everything (20)\n"
"  --quick           the same as --seconds 6\n"
"  --offsets LIST    offsets to try, as in 0-7,29,61 (0-63)\n"
"  --protocols LIST  protocols to try, see --list (all)\n"
"  --size N          bytes of the instruction, 5 or 6 (5)\n"
"  --block N         aligned bytes that store8 stays inside of, 8 or 16\n"
"                    (what the library uses on this processor)\n"
"  --executors N     threads that run the instruction, 1 to 8 (1)\n"
"  --json FILE       write the results to FILE as well\n"
"  --verbose         say what each tear looked like\n"
"  --list            list the protocols\n"
"  --help            this text\n"
"\n"
"Exit status: 0 what the library does survived; 1 it did not; 77 nothing can be\n"
"shown, for want of a second CPU or of time; 64 wrong usage.\n";

static int usage_error(const char *what, const char *value)
{
	return rp_misuse("litmus", "%s: %s", value, what);
}

static int list_protocols(void)
{
	static const char *const classes[] = {
		[LITMUS_SHIPPED] = "shipped",
		[LITMUS_PROBE] = "probe",
		[LITMUS_UNSOUND] = "unsound",
	};

	for (unsigned int p = 0; p < LITMUS_PROTOCOL_NR; p++)
		printf("%-12s %-8s %s\n", litmus_protocols[p].name,
		       classes[litmus_protocols[p].class],
		       litmus_protocols[p].what);
	return RP_EXIT_OK;
}

// ---- values ----

static int parse_number(const char *text, unsigned int min, unsigned int max,
			unsigned int *ret)
{
	char *end;

	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || value < min ||
	    value > max)
		return -EINVAL;
	*ret = (unsigned int)value;
	return 0;
}

static int parse_offset(const char **text)
{
	char *end;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	unsigned long value = strtoul(*text, &end, 10);
	*text = end;
	return value < LITMUS_LINE ? (int)value : -EINVAL;
}

static int parse_offsets(const char *text, uint64_t *ret)
{
	uint64_t offsets = 0;

	do {
		int first = parse_offset(&text);
		int last = first;

		if (*text == '-') {
			text++;
			last = parse_offset(&text);
		}
		if (first < 0 || last < first)
			return -EINVAL;
		for (int o = first; o <= last; o++)
			offsets |= UINT64_C(1) << o;
	} while (*text++ == ',');
	if (text[-1])
		return -EINVAL;
	*ret = offsets;
	return 0;
}

static int parse_protocols(const char *text, bool chosen[LITMUS_PROTOCOL_NR])
{
	memset(chosen, 0, sizeof(bool) * LITMUS_PROTOCOL_NR);
	for (;;) {
		size_t len = strcspn(text, ",");
		const struct litmus_protocol *protocol =
			litmus_protocol_find(text, len);

		if (!protocol)
			return -EINVAL;
		chosen[protocol - litmus_protocols] = true;
		if (!text[len])
			return 0;
		text += len + 1;
	}
}

// ---- options ----

/* Zero seconds would be a map of question marks; say so instead. */
static int set_seconds(struct options *options, const char *text)
{
	unsigned int seconds;

	if (parse_number(text, 1, SECONDS_MAX, &seconds) < 0)
		return usage_error("not a number from 1 to 86400", text);
	options->plan.ms = seconds * 1000;
	return 0;
}

static int set_block(struct options *options, const char *text)
{
	struct litmus_plan *plan = &options->plan;

	if (parse_number(text, 8, 16, &plan->block) < 0 ||
	    (plan->block != 8 && plan->block != 16))
		return usage_error("not 8 or 16", text);
	plan->block_source = "--block";
	return 0;
}

static int set_option(struct options *options, int option, const char *text)
{
	struct litmus_plan *plan = &options->plan;

	switch (option) {
	case 's':
		return set_seconds(options, text);
	case 'q':
		plan->ms = SECONDS_QUICK * 1000;
		return 0;
	case 'o':
		return parse_offsets(text, &plan->offsets) ?
		       usage_error("not a list of offsets 0 to 63", text) : 0;
	case 'p':
		return parse_protocols(text, plan->protocols) ?
		       usage_error("not a list of protocols", text) : 0;
	case 'z':
		return parse_number(text, 5, 6, &plan->size) ?
		       usage_error("not 5 or 6", text) : 0;
	case 'b':
		return set_block(options, text);
	case 'e':
		return parse_number(text, 1, LITMUS_CPUS_MAX - 1,
				    &options->executors) ?
		       usage_error("not a number from 1 to 8", text) : 0;
	case 'j':
		options->json = text;
		return 0;
	case 'v':
		plan->verbose = true;
		return 0;
	}
	return RP_EXIT_USAGE;
}

static void set_defaults(struct options *options)
{
	static struct rp_text_poke_info info;
	struct litmus_plan *plan = &options->plan;

	info.sz = sizeof(info);
	rp_text_poke_get_info(&info);
	memset(options, 0, sizeof(*options));
	options->executors = 1;
	plan->ms = SECONDS_DEFAULT * 1000;
	plan->size = 5;
	plan->block = info.block == 16 ? 16 : 8;
	plan->block_source = info.cpu ? info.cpu : "the library's choice";
	plan->offsets = ~UINT64_C(0);
	for (unsigned int p = 0; p < LITMUS_PROTOCOL_NR; p++)
		plan->protocols[p] = true;
}

/* Returns an exit status if there is nothing more to do, else -1. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "quick", no_argument, NULL, 'q' },
		{ "offsets", required_argument, NULL, 'o' },
		{ "protocols", required_argument, NULL, 'p' },
		{ "size", required_argument, NULL, 'z' },
		{ "block", required_argument, NULL, 'b' },
		{ "executors", required_argument, NULL, 'e' },
		{ "json", required_argument, NULL, 'j' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "list", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	set_defaults(options);
	optind = 0;	// the caller may have used getopt already
	opterr = 0;
	while ((option = getopt_long(argc, argv, "hv", known, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage_text, stdout);
			return RP_EXIT_OK;
		}
		if (option == 'l')
			return list_protocols();
		if (option == '?')
			return rp_usage_error("litmus", known, argv);
		int err = set_option(options, option, optarg);
		if (err)
			return err;
	}
	if (optind < argc)
		return usage_error("no argument is expected", argv[optind]);
	return -1;
}

// ---- the run ----

static int write_json(const char *path, const struct litmus_map *map)
{
	FILE *out = strcmp(path, "-") ? fopen(path, "we") : stdout;

	if (!out) {
		fprintf(stderr, "repoint litmus: error: %s: %s\n", path,
			strerror(errno));
		return -EIO;
	}
	litmus_json(out, map);
	int bad = ferror(out);
	if (out != stdout)
		bad |= fclose(out);
	if (!bad)
		return 0;
	fprintf(stderr, "repoint litmus: error: %s: cannot be written\n", path);
	return -EIO;
}

static int exit_status(const struct litmus_map *map)
{
	switch (litmus_map_verdict(map)) {
	case LITMUS_VERDICT_TORN:
		return RP_EXIT_ERROR;
	case LITMUS_VERDICT_UNSHOWN:
		return EXIT_UNSHOWN;
	default:
		return map->interrupted ? EXIT_UNSHOWN : RP_EXIT_OK;
	}
}

int rp_cmd_litmus(int argc, char **argv)
{
	static struct litmus_map map;
	struct options options;
	int status = parse_options(argc, argv, &options);

	if (status >= 0)
		return status;
	memset(&map, 0, sizeof(map));
	map.plan = options.plan;
	litmus_machine_init(&map.machine);
	litmus_machine_choose_cpus(&map.machine, options.executors + 1);
	if (map.machine.nr_cpus < 2) {
		fprintf(stderr, "repoint litmus: error: this process may use one CPU "
			"only: a writer and an executor never run at once, "
			"and nothing can be shown\n");
		return EXIT_UNSHOWN;
	}
	litmus_report_header(stdout, &map);
	fflush(stdout);
	int err = litmus_map_run(&map);
	if (err) {
		fprintf(stderr, "repoint litmus: error: %s\n", strerror(-err));
		return RP_EXIT_ERROR;
	}
	litmus_report(stdout, &map);
	if (options.json && write_json(options.json, &map) < 0)
		return RP_EXIT_ERROR;
	return exit_status(&map);
}
