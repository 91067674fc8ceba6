/* SPDX-License-Identifier: MIT */
/* `repoint object annotate`: tables of sites for object files. */
#include "../tool.h"
#include "annotate_file.h"
#include "options.h"
#include "../../object/abi.h"
#include "../../object/elf/places.h"
#include "../../object/printable.h"

#include <getopt.h>
#include <string.h>

static const char help_text[] =
"Usage: repoint object annotate [OPTION...] FILE.o...\n"
"\n"
"Finds the calls of static calls, and the uses of ops tables, in relocatable\n"
"x86-64 objects and writes tables of them into each object, so that the library\n"
"can patch these instructions themselves. Objects without any, and objects that\n"
"have the right tables already, are not touched. Patchlets are checked: an\n"
"object with one that does what it did not declare is refused.\n"
"\n"
"  -n, --dry-run   look and report, but change no file\n"
"  -v, --verbose   say what was found in each file\n"
"      --stats     end with totals\n"
"      --json      print the sites as JSON\n"
"      --abi ABI   whose names and tables: repoint (if not given), linux-6.1 or\n"
"                  linux-6.12: a kernel's objects, .static_call_sites and, if\n"
"                  there are any, .retpoline_sites and .return_sites\n"
"      --module    with a kernel's: the object is of a module, keys of static\n"
"                  calls may be missing\n"
"  -h, --help      this text\n"
"\n"
"Exit status: 0 if all went well, 1 if a file could not be annotated (the\n"
"others are, all the same), 64 if the command line is wrong.\n";

enum { OPT_JSON = 0x100, OPT_STATS, OPT_ABI, OPT_MODULE };

static const struct option options[] = {
	{ "dry-run", no_argument, NULL, 'n' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "abi", required_argument, NULL, OPT_ABI },
	{ "module", no_argument, NULL, OPT_MODULE },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

/* Other references that --verbose lists. */
#define OTHERS_SHOWN	10

struct settings {
	bool dry_run;
	bool verbose;
	bool stats;
	bool json;
	bool module;
	bool help;
	const char *abi_name;
	const struct rp_abi *abi;
};

struct totals {
	size_t files, changed, errors, lto;
	struct counts {
		size_t sites, crossing, prefixed, got, others;
	} of[RP_TABLE_NR];
	size_t thunks[RP_THUNKS_NR];
};

static size_t count_crossing(const struct rp_sites *sites)
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

static struct counts count(const struct rp_sites *sites)
{
	return (struct counts){ sites->n, count_crossing(sites),
				sites->prefixed, sites->got, sites->others };
}

static void print_crossing(FILE *out, const char *before, size_t n)
{
	fprintf(out, "%s%zu cross%s a 16-byte block", before, n,
		n == 1 ? "es" : "");
}

static void print_thunks(FILE *out, size_t retpoline, size_t returns)
{
	fprintf(out, "; %zu retpoline site%s, %zu return site%s", retpoline,
		rp_s(retpoline), returns, rp_s(returns));
}

static void print_counts(FILE *out, const struct counts *n)
{
	if (n->sites)
		print_crossing(out, ", ", n->crossing);
	if (n->prefixed)
		fprintf(out, ", %zu left out (prefixed)", n->prefixed);
	if (n->got)
		fprintf(out, ", %zu through the GOT (another object's table, "
			"or not hidden)", n->got);
	if (n->others)
		fprintf(out, ", %zu other reference%s", n->others,
			rp_s(n->others));
}

static bool want_function(const struct rp_relobj *obj,
			  const struct rp_symbol *symbol)
{
	(void)obj;
	return symbol->type == STT_FUNC;
}

/* The function around a place; NULL if there is none. */
static const struct rp_symbol *function_at(const struct rp_relobj *obj,
					   const struct rp_places *functions,
					   uint32_t section, uint64_t offset)
{
	const struct rp_place *place;

	place = rp_places_before(functions, section, offset);
	if (!place)
		return NULL;
	const struct rp_symbol *function = &obj->symbols[place->symbol];
	return offset - function->value < function->size ? function : NULL;
}

static void print_other(const char *path, const struct rp_relobj *obj,
			const struct rp_places *functions,
			const struct rp_other *other)
{
	const struct rp_symbol *function;
	uint64_t offset = other->offset;

	function = function_at(obj, functions, other->section, offset);
	rp_print_name(stdout, path);
	printf(":   no ops site: ");
	rp_print_name(stdout, obj->sections[other->section].name);
	if (function) {
		putchar(' ');
		rp_print_name(stdout, function->name);
		offset -= function->value;
	}
	printf("+0x%llx refers to ", (unsigned long long)offset);
	rp_print_name(stdout, obj->symbols[other->symbol].name);
	putchar('\n');
}

/* Where calls may have gone through a register. */
static void print_others(const char *path, const struct rp_annotation *a)
{
	const struct rp_sites *ops = &a->sites[RP_TABLE_OPS];
	struct rp_places functions = { 0 };

	if (!ops->others)
		return;
	// Without memory for the index the function names are missing.
	if (rp_places_init(&functions, &a->obj, want_function))
		functions.n = 0;
	for (size_t i = 0; i < ops->others && i < OTHERS_SHOWN; i++)
		print_other(path, &a->obj, &functions, &ops->other[i]);
	if (ops->others > OTHERS_SHOWN) {
		rp_print_name(stdout, path);
		printf(":   and %zu more\n", ops->others - OTHERS_SHOWN);
	}
	rp_places_deinit(&functions);
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
	const struct counts calls = count(&a->sites[RP_TABLE_CALLS]);
	const struct counts ops = count(&a->sites[RP_TABLE_OPS]);
	const char *word = words[a->outcome];

	if (a->outcome == RP_ANNOTATE_CHANGED && dry_run)
		word = "would be annotated";
	rp_print_name(stdout, path);
	printf(": %s: %zu site%s", word, calls.sites, rp_s(calls.sites));
	print_counts(stdout, &calls);
	if (ops.sites || ops.prefixed || ops.got || ops.others) {
		printf("; %zu ops site%s", ops.sites, rp_s(ops.sites));
		print_counts(stdout, &ops);
	}
	if (a->thunks[RP_THUNKS_RETPOLINE].n || a->thunks[RP_THUNKS_RETURN].n)
		print_thunks(stdout, a->thunks[RP_THUNKS_RETPOLINE].n,
			     a->thunks[RP_THUNKS_RETURN].n);
	putchar('\n');
	print_others(path, a);
}

static void print_json_function(const struct rp_relobj *obj,
				const struct rp_places *functions,
				const struct rp_site *site)
{
	const struct rp_symbol *function;

	function = function_at(obj, functions, site->section, site->offset);
	if (!function)
		return;
	printf(", \"function\": ");
	rp_json_string(stdout, function->name);
	printf(", \"function_offset\": %llu",
	       (unsigned long long)(site->offset - function->value));
}

static void print_json_call(const struct rp_relobj *obj,
			    const struct rp_site *site)
{
	printf(", \"tramp\": ");
	rp_json_string(stdout, obj->symbols[site->symbol].name);
	printf(", \"crosses_block\": %s", site->crosses ? "true" : "false");
}

static void print_json_op(const struct rp_relobj *obj,
			  const struct rp_site *site)
{
	printf(", \"table\": ");
	rp_json_string(stdout, obj->symbols[site->symbol].name);
	printf(", \"member_offset\": %lld, \"length\": %u",
	       (long long)site->addend, site->length);
	printf(", \"crosses_block\": %s", site->crosses ? "true" : "false");
}

static void print_json_thunk(const struct rp_relobj *obj,
			     const struct rp_site *site)
{
	printf(", \"thunk\": ");
	rp_json_string(stdout, obj->symbols[site->symbol].name);
}

typedef void print_site_fn(const struct rp_relobj *, const struct rp_site *);

/* @table: whose words for kinds of sites */
static void print_json_sites(const struct rp_relobj *obj,
			     const struct rp_places *functions,
			     const struct rp_sites *sites,
			     enum rp_site_table table, print_site_fn *rest)
{
	for (size_t i = 0; i < sites->n; i++) {
		const struct rp_site *site = &sites->v[i];

		printf("%s\n    { \"section\": ", i ? "," : "");
		rp_json_string(stdout, obj->sections[site->section].name);
		printf(", \"section_index\": %u, \"offset\": %llu",
		       site->section, (unsigned long long)site->offset);
		print_json_function(obj, functions, site);
		printf(", \"kind\": \"%s\"",
		       rp_site_kind_name(table, site->kind));
		rest(obj, site);
		printf(" }");
	}
	printf("%s]", sites->n ? "\n  " : "");
}

static void print_json_thunks(const struct rp_annotation *a,
			      const struct rp_places *functions)
{
	printf(", \"retpoline_sites\": [");
	print_json_sites(&a->obj, functions, &a->thunks[RP_THUNKS_RETPOLINE],
			 RP_TABLE_KERNEL, print_json_thunk);
	printf(", \"return_sites\": [");
	print_json_sites(&a->obj, functions, &a->thunks[RP_THUNKS_RETURN],
			 RP_TABLE_KERNEL, print_json_thunk);
}

static void print_json(const char *path, const struct rp_annotation *a,
		       bool dry_run)
{
	const struct rp_sites *calls = &a->sites[RP_TABLE_CALLS];
	const struct rp_sites *ops = &a->sites[RP_TABLE_OPS];
	struct rp_places functions = { 0 };

	// Without memory for the index the function names are missing.
	if (rp_places_init(&functions, &a->obj, want_function))
		functions.n = 0;
	printf("  { \"file\": ");
	rp_json_string(stdout, path);
	printf(", \"status\": \"%s\", \"prefixed\": %zu, \"others\": %zu, "
	       "\"sites\": [", outcome_name(a->outcome, dry_run),
	       calls->prefixed, calls->others);
	print_json_sites(&a->obj, &functions, calls, RP_TABLE_CALLS,
			 print_json_call);
	printf(", \"ops_prefixed\": %zu, \"ops_got\": %zu, "
	       "\"ops_others\": %zu, \"ops_sites\": [", ops->prefixed,
	       ops->got, ops->others);
	print_json_sites(&a->obj, &functions, ops, RP_TABLE_OPS, print_json_op);
	if (a->abi->kernel)
		print_json_thunks(a, &functions);
	printf(" }");
	rp_places_deinit(&functions);
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
	for (size_t i = 0; i < RP_TABLE_NR; i++) {
		const struct counts n = count(&a->sites[i]);

		totals->of[i].sites += n.sites;
		totals->of[i].crossing += n.crossing;
		totals->of[i].prefixed += n.prefixed;
		totals->of[i].got += n.got;
		totals->of[i].others += n.others;
	}
	for (size_t i = 0; i < RP_THUNKS_NR; i++)
		totals->thunks[i] += a->thunks[i].n;
}

static void print_totals(const struct totals *t, bool dry_run, bool kernel)
{
	const struct counts *calls = &t->of[RP_TABLE_CALLS];
	const struct counts *ops = &t->of[RP_TABLE_OPS];

	fprintf(stderr, "%zu file%s: %zu %s, %zu with errors, %zu compiled "
		"with -flto", t->files, rp_s(t->files), t->changed,
		dry_run ? "to be changed" : "changed", t->errors, t->lto);
	fprintf(stderr, "; %zu site%s", calls->sites, rp_s(calls->sites));
	print_crossing(stderr, ": ", calls->crossing);
	fprintf(stderr, ", %zu left out (prefixed), %zu other reference%s",
		calls->prefixed, calls->others, rp_s(calls->others));
	fprintf(stderr, "; %zu ops site%s", ops->sites, rp_s(ops->sites));
	print_crossing(stderr, ": ", ops->crossing);
	fprintf(stderr, ", %zu left out (prefixed), %zu through the GOT, "
		"%zu other reference%s", ops->prefixed, ops->got, ops->others,
		rp_s(ops->others));
	if (kernel)
		print_thunks(stderr, t->thunks[RP_THUNKS_RETPOLINE],
			     t->thunks[RP_THUNKS_RETURN]);
	fputc('\n', stderr);
}

static int annotate_file(struct rp_annotated_file *file, const char *path,
			 const struct settings *settings, struct rp_diag *diag)
{
	if (settings->abi->kernel)
		return rp_annotate_kernel_file(file, path, settings->abi,
			settings->module, settings->dry_run, diag);
	return rp_annotate_file(file, path, settings->dry_run, diag);
}

static void annotate(const char *path, const struct settings *settings,
		     struct totals *totals)
{
	struct rp_annotated_file file;
	struct rp_diag diag;

	totals->files++;
	if (annotate_file(&file, path, settings, &diag)) {
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

static int check_settings(struct settings *settings, bool files)
{
	settings->abi = rp_option_abi("object annotate", settings->abi_name);
	if (!settings->abi)
		return RP_EXIT_USAGE;
	if (settings->module && !settings->abi->kernel)
		return rp_misuse("object annotate", "--module is for a kernel's "
				 "objects (--abi)");
	return files ? 0 : rp_misuse("object annotate", "no file given");
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
		case OPT_ABI:
			settings->abi_name = optarg;
			break;
		case OPT_MODULE:
			settings->module = true;
			break;
		case 'h':
			settings->help = true;
			return 0;
		default:
			return rp_usage_error("object annotate", options, argv);
		}
	}
	return check_settings(settings, optind < argc);
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
		print_totals(&totals, settings.dry_run,
			     settings.abi->kernel);
	return totals.errors ? RP_EXIT_ERROR : RP_EXIT_OK;
}
