/* SPDX-License-Identifier: MIT */
/* What `repoint patch diff` and `repoint patch build` share. */
#define _GNU_SOURCE
#include "settings.h"

#include "../tool.h"
#include "../../patch/patch.h"
#include "inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char rp_patch_options_help[] =
"  -o, --output FILE            the payload (NAME.rpp)\n"
"      --binary FILE            the program or library that runs\n"
"      --debug FILE             its separate debug file, if it is not found by\n"
"                               build-id\n"
"      --debug-dir DIR          where separate debug files are (/usr/lib/debug);\n"
"                               may be repeated\n"
"      --name NAME              name of the patch (the output's, without .rpp)\n"
"      --patch-version TEXT     version of the patch\n"
"      --description TEXT       one line about it\n"
"      --after FILE.rpp         a payload that is applied before this one; may\n"
"                               be repeated\n"
"      --allow-layout TYPE      no object of this type outlives the change, so\n"
"                               its layout may change\n"
"      --allow-mismatch FUNC    this function's code in the binary is known to do\n"
"                               what the old source says, though it differs\n"
"      --show-first-changed     say why each function counts as changed\n"
"      --json                   the report as JSON\n"
"  -v, --verbose                notes as well\n"
"  -h, --help                   this text\n";

/* Shadow variables, embedded: see livepatch_object.S. */
extern const unsigned char rp_livepatch_object[], rp_livepatch_object_end[];

static void add_word(struct rp_word_list *list, const char *word)
{
	const char **v = reallocarray(list->v, list->n + 2, sizeof(*v));

	if (!v) {
		fprintf(stderr, "repoint: error: out of memory\n");
		exit(RP_EXIT_ERROR);
	}
	v[list->n++] = word;
	v[list->n] = NULL;
	list->v = v;
}

bool rp_patch_settings_option(struct rp_patch_settings *s, int c,
			      const char *argument)
{
	switch (c) {
	case RP_PATCH_OPT_BINARY: s->binary = argument; break;
	case 'o': s->output = argument; break;
	case RP_PATCH_OPT_NAME: s->name = argument; break;
	case RP_PATCH_OPT_VERSION: s->patch_version = argument; break;
	case RP_PATCH_OPT_DESCRIPTION: s->description = argument; break;
	case RP_PATCH_OPT_DEBUG: s->debug_file = argument; break;
	case RP_PATCH_OPT_DEBUG_DIR: add_word(&s->debug_dirs, argument); break;
	case RP_PATCH_OPT_AFTER: add_word(&s->after, argument); break;
	case RP_PATCH_OPT_ALLOW_LAYOUT:
		add_word(&s->allow_layout, argument);
		break;
	case RP_PATCH_OPT_ALLOW_MISMATCH:
		add_word(&s->allow_mismatch, argument);
		break;
	case RP_PATCH_OPT_FIRST: s->show_first_changed = true; break;
	case RP_PATCH_OPT_JSON: s->json = true; break;
	case 'v': s->verbose = true; break;
	case 'h': s->help = true; break;
	default: return false;
	}
	return true;
}

/* The name of a file without directories and without @suffix. */
static char *stem(const char *path, const char *suffix)
{
	const char *slash = strrchr(path, '/');
	char *name = strdup(slash ? slash + 1 : path);
	size_t n = name ? strlen(name) : 0, k = strlen(suffix);

	if (name && n > k && !strcmp(name + n - k, suffix))
		name[n - k] = '\0';
	return name;
}

struct names {
	char *output;
	char *name;
};

static int choose_names(const struct rp_patch_settings *s, struct names *names)
{
	names->name = s->name ? strdup(s->name) :
		      s->output ? stem(s->output, ".rpp") : strdup("patch");
	if (!names->name)
		return -ENOMEM;
	if (s->output)
		names->output = strdup(s->output);
	else if (asprintf(&names->output, "%s.rpp", names->name) < 0)
		names->output = NULL;
	return names->output ? 0 : -ENOMEM;
}

static bool is_good_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+";

	return *name && strspn(name, letters) == strlen(name) &&
	       strlen(name) < 128;
}

static const char *kind_name(enum rp_patched_kind kind)
{
	static const char *const names[] = {
		[RP_PATCHED_REPLACED] = "replaced", [RP_PATCHED_ADDED] = "added",
		[RP_PATCHED_DATA] = "data", [RP_PATCHED_SET] = "set",
	};

	return names[kind];
}

static const char *severity_name(enum rp_finding_kind kind)
{
	return kind == RP_FINDING_REFUSAL ? "error" :
	       kind == RP_FINDING_WARNING ? "warning" : "note";
}

static void print_patched(const struct rp_patch_settings *s,
			  const struct rp_patched *it)
{
	printf("  %-9s ", kind_name(it->kind));
	rp_print_name(stdout, it->name);
	printf("  (");
	rp_print_name(stdout, it->unit);
	if (it->kind == RP_PATCHED_REPLACED)
		printf("; %llu -> %llu bytes)\n",
		       (unsigned long long)it->old_size,
		       (unsigned long long)it->new_size);
	else
		printf("; %llu bytes)\n", (unsigned long long)it->new_size);
	if (!s->show_first_changed || !*it->why)
		return;
	printf("            ");
	if (it->has_offset)
		printf("at +0x%llx: ", (unsigned long long)it->offset);
	rp_print_name(stdout, it->why);
	putchar('\n');
}

static const char *outcome(const struct rp_patch_report *report)
{
	return report->refusals ? "refused" :
	       report->made ? "made" : "nothing-to-patch";
}

static void print_report(const struct rp_patch_settings *s,
			 const struct rp_patch_report *report,
			 const char *output)
{
	for (size_t i = 0; i < report->nfindings; i++) {
		const struct rp_finding *f = &report->findings[i];

		if (f->kind != RP_FINDING_NOTE || s->verbose)
			rp_message(f->file, severity_name(f->kind), &f->diag);
	}
	if (report->refusals) {
		printf("cannot be patched: %zu reason%s (see above); nothing was "
		       "written\n", report->refusals,
		       report->refusals == 1 ? "" : "s");
		return;
	}
	if (report->line_only && s->verbose)
		printf("%zu function%s differ%s in line numbers only\n",
		       report->line_only, report->line_only == 1 ? "" : "s",
		       report->line_only == 1 ? "s" : "");
	if (!report->made) {
		printf("nothing to patch: %zu object%s compared, %zu of them "
		       "identical\n", report->pairs,
		       report->pairs == 1 ? "" : "s", report->identical);
		return;
	}
	printf("%s\n", output);
	for (size_t i = 0; i < report->npatched; i++)
		print_patched(s, &report->patched[i]);
}

static void json_field(const char *name, const char *value, const char *after)
{
	printf("\"%s\": ", name);
	rp_json_string(stdout, value);
	fputs(after, stdout);
}

static void json_finding(const struct rp_finding *f, bool first)
{
	printf("%s\n    { ", first ? "" : ",");
	json_field("severity", severity_name(f->kind), ", ");
	json_field("file", f->file, ", ");
	printf("\"id\": \"RP%04d\", ", f->diag.id);
	json_field("where", f->diag.where, ", ");
	json_field("text", f->diag.text, " }");
}

static void json_patched(const struct rp_patched *it, bool first)
{
	printf("%s\n    { ", first ? "" : ",");
	json_field("kind", kind_name(it->kind), ", ");
	json_field("name", it->name, ", ");
	json_field("unit", it->unit, ", ");
	printf("\"old_size\": %llu, \"new_size\": %llu",
	       (unsigned long long)it->old_size,
	       (unsigned long long)it->new_size);
	if (*it->why) {
		printf(", ");
		json_field("why", it->why, "");
	}
	if (it->has_offset)
		printf(", \"offset\": %llu", (unsigned long long)it->offset);
	printf(" }");
}

static void print_json(const struct rp_patch_report *report, const char *output)
{
	printf("{\n  ");
	json_field("outcome", outcome(report), ",\n  ");
	if (report->made)
		json_field("output", output, ",\n  ");
	printf("\"objects\": %zu,\n  \"identical\": %zu,\n  \"unchanged\": %zu,"
	       "\n  \"not_linked\": %zu,\n  \"functions_compared\": %zu,\n"
	       "  \"line_numbers_only\": %zu,\n"
	       "  \"findings\": [", report->pairs, report->identical,
	       report->unchanged, report->not_linked, report->functions,
	       report->line_only);
	for (size_t i = 0; i < report->nfindings; i++)
		json_finding(&report->findings[i], !i);
	printf("%s],\n  \"patched\": [", report->nfindings ? "\n  " : "");
	for (size_t i = 0; i < report->npatched; i++)
		json_patched(&report->patched[i], !i);
	printf("%s]\n}\n", report->npatched ? "\n  " : "");
}

/* A new file beside the output, which it replaces when it is whole. */
static int open_beside(const char *output, char **path)
{
	if (asprintf(path, "%s.XXXXXX", output) < 0) {
		*path = NULL;
		errno = ENOMEM;
		return -1;
	}
	return mkostemp(*path, O_CLOEXEC);
}

static int write_error(const char *output, int error)
{
	struct rp_diag diag;

	rp_diag_set(&diag, RP_DIAG_WRITE, NULL, "%s", strerror(error));
	rp_error(output, &diag);
	return RP_EXIT_ERROR;
}

static int keep(int fd, const char *path, const char *output)
{
	// As open() would have made it: mkostemp() lets only the owner read.
	mode_t mask = umask(0);

	umask(mask);
	if (fchmod(fd, 0666 & ~mask) || rename(path, output))
		return write_error(output, errno);
	return RP_EXIT_OK;
}

static int finish(const struct rp_patch_settings *s, const char *output,
		  const struct rp_patch_report *report)
{
	if (s->json)
		print_json(report, output);
	else
		print_report(s, report, output);
	return report->refusals ? (int)RP_PATCH_EXIT_REFUSED :
	       report->made ? (int)RP_PATCH_EXIT_MADE :
			      (int)RP_PATCH_EXIT_NOTHING;
}

static int run_into(const struct rp_patch_settings *s,
		    const struct rp_patch_options *options,
		    const struct rp_patch_inputs *inputs, const char *output)
{
	struct rp_patch_report report;
	struct rp_diag diag;
	const char *culprit;
	char *path;
	int fd = open_beside(output, &path), status;

	if (fd < 0) {
		free(path);
		return write_error(output, errno);
	}
	if (rp_patch_make(inputs->v, inputs->n, options, fd, &report, &culprit,
			  &diag)) {
		rp_error(culprit, &diag);
		status = RP_EXIT_ERROR;
	} else {
		status = report.made ? keep(fd, path, output) : RP_EXIT_OK;
		if (!status)
			status = finish(s, output, &report);
	}
	if (!report.made || status)
		unlink(path);
	close(fd);
	free(path);
	rp_patch_report_deinit(&report);
	return status;
}

static int run(const struct rp_patch_settings *s,
	       const struct rp_patch_inputs *inputs)
{
	struct names names = { 0 };
	int status;

	if (choose_names(s, &names)) {
		fprintf(stderr, "repoint: error: out of memory\n");
		return RP_EXIT_ERROR;
	}
	const struct rp_patch_options options = {
		.binary = s->binary,
		.binary_options = { .debug_file = s->debug_file,
				    .debug_dirs = s->debug_dirs.v },
		.name = names.name, .patch_version = s->patch_version,
		.description = s->description, .tool = "repoint " RP_VERSION,
		.after = s->after.v, .allow_layout = s->allow_layout.v,
		.allow_mismatch = s->allow_mismatch.v,
		.livepatch_object = rp_livepatch_object,
		.livepatch_object_size = rp_livepatch_object_end -
					 rp_livepatch_object,
	};

	if (s->binary && access(s->binary, R_OK)) {
		// Also where nothing changed: a name that is wrong is an error.
		struct rp_diag diag;

		rp_diag_set(&diag, RP_DIAG_READ, NULL, "%s", strerror(errno));
		rp_error(s->binary, &diag);
		status = RP_EXIT_ERROR;
	} else if (!is_good_name(names.name)) {
		fprintf(stderr, "repoint patch: error: %s cannot be a patch's "
			"name: letters, digits and -_.+ are; choose one with "
			"--name\n", names.name);
		status = RP_EXIT_USAGE;
	} else {
		status = run_into(s, &options, inputs, names.output);
	}
	free(names.name);
	free(names.output);
	return status;
}

int rp_patch_run_dirs(const struct rp_patch_settings *settings,
		      const char *old_dir, const char *new_dir)
{
	struct rp_patch_inputs inputs = { 0 };
	int status = rp_patch_inputs_dirs(&inputs, old_dir, new_dir);

	if (!status)
		status = run(settings, &inputs);
	rp_patch_inputs_deinit(&inputs);
	return status;
}

int rp_patch_run_pairs(const struct rp_patch_settings *settings,
		       char *const *paths, size_t n)
{
	struct rp_patch_inputs inputs = { 0 };
	int status = rp_patch_inputs_pairs(&inputs, paths, n);

	if (!status)
		status = run(settings, &inputs);
	rp_patch_inputs_deinit(&inputs);
	return status;
}
