/* SPDX-License-Identifier: MIT */
/* `repoint object annotate`: call site tables for object files. */
#include "../tool.h"
#include "annotate_file.h"
#include "../../object/places.h"

#include <getopt.h>
#include <string.h>

static const char help_text[] =
"Usage: repoint object annotate [OPTION...] FILE.o...\n"
"\n"
"Finds the calls of static calls in relocatable x86-64 objects and writes the\n"
"table of them into each object, so that the library can patch the calls\n"
"themselves. Objects without static calls, and objects that have the right\n"
"table already, are not touched.\n"
"\n"
"  -n, --dry-run   look and report, but change no file\n"
"  -v, --verbose   say what was found in each file\n"
"      --stats     end with totals\n"
"      --json      print the sites as JSON\n"
"  -h, --help      this text\n"
"\n"
"Exit status: 0 if all went well, 1 if a file could not be annotated (the\n"
"others are, all the same), 64 if the command line is wrong.\n";

enum { OPT_JSON = 0x100, OPT_STATS };

static const struct option options[] = {
	{ "dry-run", no_argument, NULL, 'n' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

struct settings {
	bool dry_run;
	bool verbose;
	bool stats;
	bool json;
	bool help;
};

struct totals {
	size_t files, changed, errors, lto;
	size_t sites, crossing, prefixed, others;
};

static size_t count_crossing(const struct rp_call_sites *sites)
{
	size_t n = 0;

	for (size_t i = 0; i < sites->n; i++)
		n += sites->v[i].crosses;
	return n;
}

static const char *outcome_name(enum rp_annotate_outcome outcome, bool dry_run)
{
	switch (outcome) {
	case RP_ANNOTATE_UNCHANGED:
		return "unchanged";
	case RP_ANNOTATE_CHANGED:
		return dry_run ? "would-change" : "annotated";
	case RP_ANNOTATE_LTO:
		return "lto";
	default:
		return "no-sites";
	}
}

static void note_lto(const char *path)
{
	struct rp_diag diag;

	rp_diag_set(&diag, RP_DIAG_LTO, NULL, "compiled with -flto: nothing to "
		    "annotate; link with -Wl,--emit-relocs");
	rp_message(path, "note", &diag);
}

static void print_verbose(const char *path, const struct rp_annotation *a,
			  bool dry_run)
{
	static const char *const words[] = {
		[RP_ANNOTATE_NO_SITES] = "no static calls",
		[RP_ANNOTATE_UNCHANGED] = "already annotated",
		[RP_ANNOTATE_CHANGED] = "annotated",
		[RP_ANNOTATE_LTO] = "compiled with -flto",
	};
	const char *word = words[a->outcome];

	if (a->outcome == RP_ANNOTATE_CHANGED && dry_run)
		word = "would be annotated";
	printf("%s: %s: %zu sites", path, word, a->sites.n);
	if (a->sites.n)
		printf(", %zu cross a 16-byte block", count_crossing(&a->sites));
	if (a->sites.prefixed)
		printf(", %zu left out (prefixed)", a->sites.prefixed);
	if (a->sites.others)
		printf(", %zu other references", a->sites.others);
	putchar('\n');
}

static bool want_function(const struct rp_relobj *obj,
			  const struct rp_symbol *symbol)
{
	(void)obj;
	return symbol->type == STT_FUNC;
}

static void print_json_function(const struct rp_relobj *obj,
				const struct rp_places *functions,
				const struct rp_call_site *site)
{
	const struct rp_place *place;

	place = rp_places_before(functions, site->section, site->offset);
	if (!place)
		return;
	const struct rp_symbol *function = &obj->symbols[place->symbol];
	if (site->offset - function->value >= function->size)
		return;
	printf(", \"function\": ");
	rp_json_string(stdout, function->name);
	printf(", \"function_offset\": %llu",
	       (unsigned long long)(site->offset - function->value));
}

static void print_json_sites(const struct rp_annotation *a)
{
	const struct rp_relobj *obj = &a->obj;
	struct rp_places functions = { 0 };

	// Without memory for the index the function names are missing.
	if (rp_places_init(&functions, obj, want_function))
		functions.n = 0;
	for (size_t i = 0; i < a->sites.n; i++) {
		const struct rp_call_site *site = &a->sites.v[i];

		printf("%s\n    { \"section\": ", i ? "," : "");
		rp_json_string(stdout, obj->sections[site->section].name);
		printf(", \"section_index\": %u, \"offset\": %llu",
		       site->section, (unsigned long long)site->offset);
		print_json_function(obj, &functions, site);
		printf(", \"kind\": \"%s\", \"tramp\": ",
		       rp_site_kind_name(site->kind));
		rp_json_string(stdout, obj->symbols[site->tramp].name);
		printf(", \"crosses_block\": %s }",
		       site->crosses ? "true" : "false");
	}
	rp_places_deinit(&functions);
}

static void print_json(const char *path, const struct rp_annotation *a,
		       bool dry_run)
{
	printf("  { \"file\": ");
	rp_json_string(stdout, path);
	printf(", \"status\": \"%s\", \"prefixed\": %zu, \"others\": %zu, "
	       "\"sites\": [", outcome_name(a->outcome, dry_run),
	       a->sites.prefixed, a->sites.others);
	print_json_sites(a);
	printf("%s] }", a->sites.n ? "\n  " : "");
}

static void print_json_error(const char *path, const struct rp_diag *diag)
{
	printf("  { \"file\": ");
	rp_json_string(stdout, path);
	printf(", \"status\": \"error\", \"id\": \"RP%04d\", \"where\": ",
	       diag->id);
	rp_json_string(stdout, diag->where);
	if (diag->has_offset)
		printf(", \"offset\": %llu", (unsigned long long)diag->offset);
	printf(", \"message\": ");
	rp_json_string(stdout, diag->text);
	printf(" }");
}

static void add_totals(struct totals *totals, const struct rp_annotation *a)
{
	totals->changed += a->outcome == RP_ANNOTATE_CHANGED;
	totals->lto += a->outcome == RP_ANNOTATE_LTO;
	totals->sites += a->sites.n;
	totals->crossing += count_crossing(&a->sites);
	totals->prefixed += a->sites.prefixed;
	totals->others += a->sites.others;
}

static void print_totals(const struct totals *t, bool dry_run)
{
	fprintf(stderr, "%zu files: %zu %s, %zu with errors, %zu compiled with "
		"-flto; %zu sites: %zu cross a 16-byte block, %zu left out "
		"(prefixed), %zu other references\n", t->files, t->changed,
		dry_run ? "to be changed" : "changed", t->errors, t->lto,
		t->sites, t->crossing, t->prefixed, t->others);
}

static void annotate(const char *path, const struct settings *settings,
		     struct totals *totals)
{
	struct rp_annotated_file file;
	struct rp_diag diag;

	totals->files++;
	if (rp_annotate_file(&file, path, settings->dry_run, &diag)) {
		totals->errors++;
		rp_error(path, &diag);
		if (settings->json)
			print_json_error(path, &diag);
	} else {
		add_totals(totals, &file.annotation);
		if (file.annotation.outcome == RP_ANNOTATE_LTO)
			note_lto(path);
		if (settings->json)
			print_json(path, &file.annotation, settings->dry_run);
		else if (settings->verbose)
			print_verbose(path, &file.annotation,
				      settings->dry_run);
	}
	rp_annotated_file_deinit(&file);
}

static int parse(int argc, char **argv, struct settings *settings)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "nvh", options, NULL)) != -1) {
		switch (c) {
		case 'n':
			settings->dry_run = true;
			break;
		case 'v':
			settings->verbose = true;
			break;
		case OPT_STATS:
			settings->stats = true;
			break;
		case OPT_JSON:
			settings->json = true;
			break;
		case 'h':
			settings->help = true;
			return 0;
		default:
			return rp_usage_error("object annotate", options, argv);
		}
	}
	if (optind < argc)
		return 0;
	fprintf(stderr, "repoint object annotate: error: no file given "
		"(see: repoint help object annotate)\n");
	return RP_EXIT_USAGE;
}

int rp_cmd_object_annotate(int argc, char **argv)
{
	struct settings settings = { 0 };
	struct totals totals = { 0 };

	int status = parse(argc, argv, &settings);
	if (status)
		return status;
	if (settings.help) {
		fputs(help_text, stdout);
		return RP_EXIT_OK;
	}
	if (settings.json)
		printf("[");
	for (int i = optind; i < argc; i++) {
		if (settings.json)
			printf("%s\n", i == optind ? "" : ",");
		annotate(argv[i], &settings, &totals);
	}
	if (settings.json)
		printf("\n]\n");
	if (settings.stats)
		print_totals(&totals, settings.dry_run);
	return totals.errors ? RP_EXIT_ERROR : RP_EXIT_OK;
}
