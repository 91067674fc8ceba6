/* SPDX-License-Identifier: MIT */
/* `repoint object orc`: tables to unwind stacks by. */
#include "../parallel.h"
#include "../tool.h"
#include "options.h"
#include "orc_table.h"
#include "orc_dump.h"
#include "place.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char help_text[] =
"Usage: repoint object orc [OPTION...] FILE...\n"
"\n"
"Follows the code of x86-64 objects and writes a table of how to unwind the\n"
"stack at each instruction into each: .orc_unwind, .orc_unwind_ip. One table\n"
"serves all variants of alternatives; if their stacks differ, that is an error.\n"
"Linked files are not changed: their table becomes a file of its own (-o), which\n"
"the library unwinds by.\n"
"\n"
"  -o, --output OUT     write the object, or the table of a linked file, to OUT;\n"
"                       into a directory OUT tables of linked files, as\n"
"                       BUILD-ID.orc each\n"
"      --from-eh-frame  make the table of what .eh_frame says, without following\n"
"                       the code\n"
"      --abi ABI        format: repoint (if not given), linux-6.1 or linux-6.12,\n"
"                       for objects of such a kernel\n"
"      --prefix N       functions may have N bytes of NOPs in front, for calls to\n"
"                       be written there: these belong to them (objtool\n"
"                       --prefix=N)\n"
"      --dump           print the table that a file has, or else the one that it\n"
"                       would get; write nothing\n"
"  -n, --dry-run        write nothing; with --dump: print the table as it would\n"
"                       be made now\n"
"  -j, --jobs N         work on N files at a time (if not given: one on each\n"
"                       processor)\n"
"  -v, --verbose        say what was done with each file\n"
"      --json           print as JSON\n"
"  -h, --help           this text\n"
"\n"
"Exit status: 0 if all went well, 1 if a file got no table (the others do, all\n"
"the same), 64 if the command line is wrong.\n";

enum { OPT_JSON = 0x100, OPT_ABI, OPT_DUMP, OPT_FROM_EH_FRAME, OPT_PREFIX };

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "from-eh-frame", no_argument, NULL, OPT_FROM_EH_FRAME },
	{ "abi", required_argument, NULL, OPT_ABI },
	{ "prefix", required_argument, NULL, OPT_PREFIX },
	{ "dump", no_argument, NULL, OPT_DUMP },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "jobs", required_argument, NULL, 'j' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 }
};

struct settings {
	struct rp_orc_options how;
	const char *abi_name;
	const char *jobs_word;
	const char *prefix_word;
	unsigned int jobs;
	bool verbose;
	bool json;
	bool help;
	char **files;
};

static void print_findings(FILE *err, const char *path,
			   const struct rp_orc_result *result)
{
	const struct rp_findings *findings = &result->findings;
	struct rp_check_lines *lines = NULL;
	struct rp_place place;

	for (size_t i = 0; i < findings->n; i++) {
		const struct rp_finding *f = &findings->v[i];

		if (f->severity != RP_ERROR)
			continue;
		rp_print_name(err, path);
		fprintf(err, ": %s: ", rp_orc_table_spoils(f) ? "error" : "note");
		rp_place_find(&place, &result->code, f, &lines);
		rp_place_print(err, &place);
		fprintf(err, "%s [RP%04d]\n", f->text, f->id);
	}
	rp_check_lines_close(lines);
}

static const char *outcome_word(enum rp_orc_outcome outcome)
{
	static const char *const words[] = {
		[RP_ORC_FAILED] = "error", [RP_ORC_NO_CODE] = "no-code",
		[RP_ORC_UNCHANGED] = "unchanged", [RP_ORC_WRITTEN] = "written",
		[RP_ORC_REPLACED] = "replaced",
		[RP_ORC_WOULD_WRITE] = "would-write", [RP_ORC_READ] = "read",
		[RP_ORC_MADE] = "made", [RP_ORC_BYTECODE] = "lto",
	};

	return words[outcome];
}

static void print_verbose(FILE *out, const char *path,
			  const struct rp_orc_result *r)
{
	static const char *const texts[] = {
		[RP_ORC_NO_CODE] = "no code",
		[RP_ORC_UNCHANGED] = "has its table already",
		[RP_ORC_WRITTEN] = "table written",
		[RP_ORC_REPLACED] = "table replaced",
		[RP_ORC_WOULD_WRITE] = "table would be written",
		[RP_ORC_READ] = "has a table",
		[RP_ORC_MADE] = "table made",
		[RP_ORC_BYTECODE] = "compiled with -flto",
	};

	rp_print_name(out, path);
	fprintf(out, ": %s: %zu entr%s\n", texts[r->outcome], r->orc.n,
		r->orc.n == 1 ? "y" : "ies");
}

static int print_json(FILE *out, const char *path,
		      const struct rp_orc_result *r, bool dump,
		      const struct rp_diag *diag)
{
	int rc = 0;

	fputs("  { \"file\": ", out);
	rp_json_string(out, path);
	fprintf(out, ", \"status\": \"%s\"", outcome_word(r->outcome));
	if (r->outcome == RP_ORC_FAILED) {
		rp_json_message(out, diag);
	} else {
		fprintf(out, ", \"abi\": \"%s\", \"entries\": %zu, "
			"\"unsaid\": %zu", r->abi->name, r->orc.n, r->unsaid);
		if (dump) {
			fputs(", \"table\": ", out);
			rc = rp_orc_print_json(out, &r->orc, &r->obj);
		}
	}
	fputs(" }", out);
	return rc;
}

static void print_notes(FILE *err, const char *path,
			const struct rp_orc_result *r, bool verbose)
{
	struct rp_diag diag;

	if (r->outcome == RP_ORC_REPLACED) {
		rp_diag_set(&diag, RP_DIAG_ORC_EXISTS, NULL, "had a table that "
			    "did not fit it; it was replaced");
		rp_print_message(err, path, "note", &diag);
	}
	if (r->unsaid && verbose) {
		rp_diag_set(&diag, RP_DIAG_ORC_RANGE, NULL, "%zu stretch%s of "
			    "code with a stack that the format cannot say: "
			    "undefined in the table", r->unsaid,
			    r->unsaid == 1 ? "" : "es");
		rp_print_message(err, path, "note", &diag);
	}
	if (r->outcome == RP_ORC_BYTECODE) {
		rp_diag_set(&diag, RP_DIAG_LTO, NULL, "compiled with -flto: no "
			    "code to follow yet; use the linked file");
		rp_print_message(err, path, "note", &diag);
	}
	if (r->no_build_id) {
		rp_diag_set(&diag, RP_DIAG_BINARY_BUILD_ID, NULL, "has no "
			    "build ID: nothing can check that the table is its "
			    "own; link with -Wl,--build-id");
		rp_print_message(err, path, "warning", &diag);
	}
}

static int report(const struct settings *s, const char *path,
		  const struct rp_orc_result *r, const struct rp_diag *diag,
		  FILE *out, FILE *err)
{
	bool failed = r->outcome == RP_ORC_FAILED;
	struct rp_diag nomem;
	int rc = 0;

	print_findings(err, path, r);
	if (failed)
		rp_print_message(err, path, "error", diag);
	else
		print_notes(err, path, r, s->verbose);
	if (s->json)
		rc = print_json(out, path, r, s->how.dump, diag);
	else if (s->how.dump && !failed)
		rc = rp_orc_print(out, &r->orc, &r->obj);
	else if (s->verbose && !failed)
		print_verbose(out, path, r);
	if (rc) {
		rp_diag_nomem(&nomem);
		rp_print_message(err, path, "error", &nomem);
	}
	return failed || rc ? RP_EXIT_ERROR : RP_EXIT_OK;
}

static int work(void *context, size_t index, FILE *out, FILE *err)
{
	const struct settings *s = context;
	const char *path = s->files[index];
	struct rp_orc_result result;
	struct rp_diag diag;

	if (s->json && index)
		fputs(",\n", out);
	rp_orc_file(&result, path, &s->how, &diag);
	int status = report(s, path, &result, &diag, out, err);
	rp_orc_result_deinit(&result);
	return status;
}

/* Return: a number from 1 to 255, or 0. */
static unsigned int read_prefix(const char *word)
{
	char *end;
	unsigned long n = strtoul(word, &end, 10);

	return *word >= '0' && *word <= '9' && !*end && n <= UINT8_MAX ? n : 0;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static int check_settings(struct settings *s, int nfiles)
{
	s->how.abi = rp_option_abi("object orc", s->abi_name);
	if (!s->how.abi ||
	    !rp_option_jobs("object orc", s->jobs_word, &s->jobs))
		return RP_EXIT_USAGE;
	s->how.prefix = s->prefix_word ? read_prefix(s->prefix_word) : 0;
	if (s->prefix_word && !s->how.prefix)
		return rp_misuse("object orc", "--prefix takes a number from 1 "
				 "to 255");
	if (s->prefix_word && s->how.from_eh_frame)
		return rp_misuse("object orc", "--prefix is for tables made by "
				 "following the code: no --from-eh-frame with "
				 "it");
	if (s->how.from_eh_frame && s->how.abi->kernel)
		return rp_misuse("object orc", "kernels have no .eh_frame: "
				 "--from-eh-frame goes with --abi repoint "
				 "only");
	if (s->how.output && nfiles > 1 && !is_directory(s->how.output))
		return rp_misuse("object orc", "-o takes one file, unless it "
				 "names a directory");
	if (s->how.output && s->how.dump)
		return rp_misuse("object orc", "--dump writes nothing: no -o "
				 "with it");
	return nfiles ? 0 : rp_misuse("object orc", "no file given");
}

static int parse(int argc, char **argv, struct settings *s)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "o:nj:vh", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			s->how.output = optarg;
			break;
		case 'n':
			s->how.dry_run = true;
			break;
		case 'j':
			s->jobs_word = optarg;
			break;
		case 'v':
			s->verbose = true;
			break;
		case OPT_FROM_EH_FRAME:
			s->how.from_eh_frame = true;
			break;
		case OPT_ABI:
			s->abi_name = optarg;
			break;
		case OPT_PREFIX:
			s->prefix_word = optarg;
			break;
		case OPT_DUMP:
			s->how.dump = true;
			break;
		case OPT_JSON:
			s->json = true;
			break;
		case 'h':
			s->help = true;
			return 0;
		default:
			return rp_usage_error("object orc", options, argv);
		}
	}
	return check_settings(s, argc - optind);
}

int rp_cmd_object_orc(int argc, char **argv)
{
	struct settings settings = { 0 };
	int status = parse(argc, argv, &settings);

	if (status)
		return status;
	if (settings.help) {
		fputs(help_text, stdout);
		return RP_EXIT_OK;
	}
	settings.files = argv + optind;
	if (settings.json)
		printf("[\n");
	status = rp_parallel(argc - optind, settings.jobs, work, &settings);
	if (settings.json)
		printf("\n]\n");
	return status;
}
