/* SPDX-License-Identifier: MIT */
/* What `repoint object check` prints about one file. */
#include "check_print.h"
#include "place.h"
#include "../tool.h"

/* Findings of one number that are listed for a file; the rest are counted. */
#define LISTED	20

/* ---- text ---- */

static void print_finding(FILE *out, const char *path,
			  const struct rp_check *check,
			  const struct rp_finding *f,
			  struct rp_check_lines **lines)
{
	struct rp_place place;

	rp_place_find(&place, &check->code, f, lines);
	rp_print_name(out, path);
	fprintf(out, ": %s: ", rp_severity_name(f->severity));
	rp_place_print(out, &place);
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

static void print_json_finding(FILE *out, const char *path,
			       const struct rp_check *check,
			       const struct rp_finding *f,
			       struct rp_check_lines **lines)
{
	struct rp_place place;

	rp_place_find(&place, &check->code, f, lines);
	fprintf(out, "\n    { \"file\": ");
	rp_json_string(out, path);
	fprintf(out, ", \"id\": \"RP%04d\", \"class\": \"%s\", "
		"\"severity\": \"%s\"", f->id,
		rp_check_class_name(rp_finding_class(f->id)),
		rp_severity_name(f->severity));
	rp_place_print_json(out, &place);
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
	fprintf(out, ", \"status\": \"error\"");
	rp_json_message(out, diag);
	fprintf(out, ", \"findings\": [] }");
}
