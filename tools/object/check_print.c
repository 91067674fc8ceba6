/* SPDX-License-Identifier: MIT */
/* What `repoint object check` prints about one file. */
#include "check_print.h"
#include "check_lines.h"
#include "../tool.h"
#include "../../payload/text.h"

#include <string.h>

/* Findings of one number that are listed for a file; the rest are counted. */
#define LISTED	20

/*
 * struct place - where a finding is, in words: names as the file has them.
 * @function: its name, "" if it is in none
 * @inside:   the place is in the function itself
 * @source:   NULL: no line is known
 */
struct place {
	char section[80];
	char function[120];
	uint64_t offset;
	uint64_t function_offset;
	bool inside;
	const char *source;
	uint32_t line;
};

// A name that is too long ends with a whole character.
static void copy_name(char *ret, size_t size, const char *name)
{
	size_t n = strnlen(name, size);

	if (n == size) {
		n--;
		while (n && !rp_text_is_start(name[n]))
			n--;
	}
	memcpy(ret, name, n);
	ret[n] = '\0';
}

static void find_function(struct place *place, const struct rp_check *check,
			  const struct rp_finding *f)
{
	uint32_t insn = 0, function;

	if (rp_section_is_text(&check->obj.sections[f->section]))
		insn = rp_code_around(&check->code, f->section, f->offset);
	function = insn ? check->code.insns[insn].function : 0;
	if (!function)
		return;
	copy_name(place->function, sizeof(place->function),
		  rp_function_name(&check->code, function));
	// A replacement belongs to the function that its site is in.
	place->inside = check->code.functions[function].section == f->section;
	if (place->inside)
		place->function_offset = f->offset -
				check->code.functions[function].offset;
}

static void find_place(struct place *place, const struct rp_check *check,
		       const struct rp_finding *f,
		       struct rp_check_lines **lines)
{
	struct rp_source_line line;

	*place = (struct place){ .offset = f->offset };
	if (!f->section)
		return;
	copy_name(place->section, sizeof(place->section),
		  check->obj.sections[f->section].name);
	find_function(place, check, f);
	if (rp_check_lines_find(lines, &check->obj, f->section, f->offset,
				&line)) {
		place->source = line.file;
		place->line = line.line;
	}
}

/* ---- text ---- */

static void print_source(FILE *out, const struct place *place,
			 const char *before, const char *behind)
{
	char file[200];

	if (!place->source)
		return;
	copy_name(file, sizeof(file), place->source);
	fputs(before, out);
	rp_print_name(out, file);
	fprintf(out, ":%u%s", place->line, behind);
}

static void print_offset(FILE *out, const char *name, uint64_t offset)
{
	rp_print_name(out, name);
	fprintf(out, "+0x%llx", (unsigned long long)offset);
}

static void print_place(FILE *out, const struct place *place)
{
	if (place->function[0] && place->inside) {
		print_offset(out, place->function, place->function_offset);
		fputs(" (", out);
		print_offset(out, place->section, place->offset);
		print_source(out, place, ", ", "");
		fputs("): ", out);
	} else if (place->function[0]) {
		print_offset(out, place->section, place->offset);
		fputs(" (of ", out);
		rp_print_name(out, place->function);
		print_source(out, place, ", ", "");
		fputs("): ", out);
	} else if (place->section[0]) {
		print_offset(out, place->section, place->offset);
		print_source(out, place, " (", ")");
		fputs(": ", out);
	}
}

static void print_finding(FILE *out, const char *path,
			  const struct rp_check *check,
			  const struct rp_finding *f,
			  struct rp_check_lines **lines)
{
	struct place place;

	find_place(&place, check, f, lines);
	rp_print_name(out, path);
	fprintf(out, ": %s: ", rp_severity_name(f->severity));
	print_place(out, &place);
	fprintf(out, "%s [RP%04d]\n", f->text, f->id);
}

/* Notes come as numbers, without -v. */
static void print_notes(FILE *out, const char *path,
			const struct rp_findings *findings)
{
	uint32_t count[RP_FINDING_IDS] = { 0 };
	size_t n = findings->severity[RP_NOTE];
	const char *before = ": ";

	for (size_t i = 0; i < findings->n; i++)
		count[findings->v[i].id] += findings->v[i].severity == RP_NOTE;
	rp_print_name(out, path);
	fprintf(out, ": %zu note%s (-v lists them)", n, rp_s(n));
	for (size_t i = 0; i < RP_FINDING_IDS; i++) {
		if (!count[i])
			continue;
		fprintf(out, "%sRP%04zu %u", before, i, count[i]);
		before = ", ";
	}
	fputc('\n', out);
}

static void print_rest(FILE *out, const char *path,
		       const struct rp_findings *findings,
		       const uint32_t *listed, const uint32_t *notes,
		       enum rp_check_detail detail)
{
	for (size_t i = 0; i < RP_FINDING_IDS; i++) {
		uint32_t seen = listed[i] + notes[i];

		if (findings->count[i] <= seen)
			continue;
		rp_print_name(out, path);
		fprintf(out, ": and %u more of RP%04zu%s\n",
			findings->count[i] - seen, i,
			detail == RP_DETAIL_ALL ? "" : " (-v lists them)");
	}
}

static void print_lto(FILE *out, const char *path)
{
	struct rp_diag diag;

	rp_diag_set(&diag, RP_DIAG_LTO, NULL, "compiled with -flto: there is no "
		    "code to check; check what it is linked into");
	rp_print_message(out, path, "note", &diag);
}

void rp_check_print(FILE *out, const char *path, const struct rp_check *check,
		    enum rp_check_detail detail)
{
	const struct rp_findings *findings = &check->findings;
	uint32_t listed[RP_FINDING_IDS] = { 0 }, notes[RP_FINDING_IDS] = { 0 };
	struct rp_check_lines *lines = NULL;

	for (size_t i = 0; i < findings->n; i++) {
		const struct rp_finding *f = &findings->v[i];

		if (f->severity == RP_NOTE && detail != RP_DETAIL_ALL) {
			notes[f->id]++;
			continue;
		}
		if (listed[f->id] >= LISTED && detail != RP_DETAIL_ALL)
			continue;
		listed[f->id]++;
		print_finding(out, path, check, f, &lines);
	}
	rp_check_lines_close(lines);
	print_rest(out, path, findings, listed, notes, detail);
	if (detail == RP_DETAIL_USUAL && findings->severity[RP_NOTE])
		print_notes(out, path, findings);
	// Nothing is left out without a word.
	if (check->obj.lto == RP_LTO_SLIM)
		print_lto(out, path);
}

void rp_check_print_failure(FILE *out, const char *path,
			    const struct rp_diag *diag)
{
	rp_print_message(out, path, "error", diag);
}

/* ---- JSON ---- */

static void print_json_place(FILE *out, const struct place *place)
{
	if (!place->section[0])
		return;
	fprintf(out, ", \"section\": ");
	rp_json_string(out, place->section);
	fprintf(out, ", \"offset\": %llu", (unsigned long long)place->offset);
	if (place->function[0]) {
		fprintf(out, ", \"function\": ");
		rp_json_string(out, place->function);
	}
	if (place->inside)
		fprintf(out, ", \"function_offset\": %llu",
			(unsigned long long)place->function_offset);
	if (place->source) {
		char file[400];

		copy_name(file, sizeof(file), place->source);
		fprintf(out, ", \"source\": ");
		rp_json_string(out, file);
		fprintf(out, ", \"line\": %u", place->line);
	}
}

static void print_json_finding(FILE *out, const char *path,
			       const struct rp_check *check,
			       const struct rp_finding *f,
			       struct rp_check_lines **lines)
{
	struct place place;

	find_place(&place, check, f, lines);
	fprintf(out, "\n    { \"file\": ");
	rp_json_string(out, path);
	fprintf(out, ", \"id\": \"RP%04d\", \"class\": \"%s\", "
		"\"severity\": \"%s\"", f->id,
		rp_check_class_name(rp_finding_class(f->id)),
		rp_severity_name(f->severity));
	print_json_place(out, &place);
	fprintf(out, ", \"message\": ");
	rp_json_string(out, f->text);
	fprintf(out, " }");
}

static const char *status_word(const struct rp_check *check)
{
	if (check->obj.lto == RP_LTO_SLIM)
		return "lto";
	return check->findings.severity[RP_ERROR] ||
	       check->findings.severity[RP_WARNING] ? "findings" : "ok";
}

static size_t not_kept(const struct rp_findings *findings)
{
	size_t n = 0;

	for (size_t i = 0; i < RP_FINDING_IDS; i++)
		n += findings->count[i];
	return n - findings->n;
}

void rp_check_print_json(FILE *out, const char *path,
			 const struct rp_check *check)
{
	const struct rp_findings *findings = &check->findings;
	struct rp_check_lines *lines = NULL;

	fprintf(out, "  { \"file\": ");
	rp_json_string(out, path);
	fprintf(out, ", \"status\": \"%s\", \"functions\": %zu, "
		"\"instructions\": %zu, \"skipped\": %zu, \"errors\": %zu, "
		"\"warnings\": %zu, \"notes\": %zu, \"not_listed\": %zu, "
		"\"findings\": [", status_word(check), check->stats.functions,
		check->stats.instructions, check->stats.skipped,
		findings->severity[RP_ERROR], findings->severity[RP_WARNING],
		findings->severity[RP_NOTE], not_kept(findings));
	for (size_t i = 0; i < findings->n; i++) {
		if (i)
			fputc(',', out);
		print_json_finding(out, path, check, &findings->v[i], &lines);
	}
	fprintf(out, "%s] }", findings->n ? "\n  " : "");
	rp_check_lines_close(lines);
}

void rp_check_print_failure_json(FILE *out, const char *path,
				 const struct rp_diag *diag)
{
	fprintf(out, "  { \"file\": ");
	rp_json_string(out, path);
	fprintf(out, ", \"status\": \"error\", \"id\": \"RP%04d\"", diag->id);
	if (diag->where[0]) {
		fprintf(out, ", \"section\": ");
		rp_json_string(out, diag->where);
	}
	if (diag->has_offset)
		fprintf(out, ", \"offset\": %llu",
			(unsigned long long)diag->offset);
	fprintf(out, ", \"message\": ");
	rp_json_string(out, diag->text);
	fprintf(out, ", \"findings\": [] }");
}
