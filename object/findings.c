/* SPDX-License-Identifier: MIT */
/* The list of what is wrong with an object. */
#include "findings.h"
#include "grow.h"
#include "printable.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Longer texts are cut: names in them may be of any length. */
#define MAX_TEXT	400

enum rp_check_class rp_finding_class(enum rp_diag_id id)
{
	if (rp_diag_is_patchlet(id))
		return RP_CHECK_ALTERNATIVES;
	if (id < 911)
		return RP_CHECK_LIVEPATCH;
	if (id < 921)
		return RP_CHECK_SECTIONS;
	if (id < 931)
		return RP_CHECK_ALTERNATIVES;
	if (id < 941)
		return RP_CHECK_SITES;
	return id < 961 ? RP_CHECK_STACK : RP_CHECK_RETPOLINE;
}

const char *rp_check_class_name(enum rp_check_class class)
{
	static const char *const names[RP_CHECK_NR] = {
		[RP_CHECK_LIVEPATCH] = "livepatch",
		[RP_CHECK_SECTIONS] = "sections",
		[RP_CHECK_ALTERNATIVES] = "alternatives",
		[RP_CHECK_SITES] = "sites",
		[RP_CHECK_STACK] = "stack",
		[RP_CHECK_RETPOLINE] = "retpoline",
	};

	return names[class];
}

const char *rp_severity_name(enum rp_severity severity)
{
	static const char *const names[RP_SEVERITY_NR] = {
		[RP_NOTE] = "note",
		[RP_WARNING] = "warning",
		[RP_ERROR] = "error",
	};

	return names[severity];
}

static bool append(struct rp_findings *findings, struct rp_finding finding,
		   const char *text)
{
	if (rp_grow(&findings->v, &findings->room, findings->n + 1,
		    sizeof(*findings->v)))
		return false;
	finding.text = strdup(text);
	if (!finding.text)
		return false;
	findings->v[findings->n++] = finding;
	return true;
}

void rp_findings_add(struct rp_findings *findings, enum rp_diag_id id,
		     enum rp_severity severity, uint32_t section,
		     uint64_t offset, const char *fmt, ...)
{
	const struct rp_finding finding = {
		.id = id, .severity = severity, .section = section,
		.offset = offset };
	char text[MAX_TEXT];
	va_list args;

	if (findings->left_out & 1u << rp_finding_class(id))
		return;
	if (findings->count[id]++ >= RP_FINDINGS_KEPT) {
		findings->unkept[id]++;
		findings->unkept_severity[severity]++;
		return;
	}
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	rp_make_printable(text);
	if (!append(findings, finding, text))
		findings->nomem = true;
}

// What @from has counted only. Its list is counted as it is moved.
static void merge_unkept(struct rp_findings *to, const struct rp_findings *from)
{
	for (size_t i = 0; i < RP_FINDING_IDS; i++) {
		to->unkept[i] += from->unkept[i];
		to->count[i] += from->unkept[i];
	}
	for (size_t i = 0; i < RP_SEVERITY_NR; i++)
		to->unkept_severity[i] += from->unkept_severity[i];
}

void rp_findings_merge(struct rp_findings *to, struct rp_findings *from)
{
	for (size_t i = 0; i < from->n; i++) {
		const struct rp_finding *f = &from->v[i];

		rp_findings_add(to, f->id, f->severity, f->section, f->offset,
				"%s", f->text);
	}
	merge_unkept(to, from);
	to->nomem |= from->nomem;
	rp_findings_deinit(from);
}

static int compare(const void *a, const void *b)
{
	const struct rp_finding *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	if (x->severity != y->severity)
		return x->severity > y->severity ? -1 : 1;
	size_t n = strlen(x->text), m = strlen(y->text);
	if (n != m)
		return n > m ? -1 : 1;
	return strcmp(x->text, y->text);
}

/* Of these, who makes the model has a word to say too: the longest is kept. */
static bool is_once(enum rp_diag_id id)
{
	return id == RP_DIAG_CHECK_ALT_RECORD ||
	       id == RP_DIAG_CHECK_ALT_CODE || id == RP_DIAG_CHECK_SITE ||
	       id == RP_DIAG_CHECK_SITE_RECORD;
}

static bool is_same(const struct rp_finding *a, const struct rp_finding *b)
{
	return a->section == b->section && a->offset == b->offset &&
	       a->id == b->id &&
	       (is_once(a->id) || !strcmp(a->text, b->text));
}

static void count(struct rp_findings *findings)
{
	memcpy(findings->count, findings->unkept, sizeof(findings->count));
	memcpy(findings->severity, findings->unkept_severity,
	       sizeof(findings->severity));
	for (size_t i = 0; i < findings->n; i++) {
		findings->count[findings->v[i].id]++;
		findings->severity[findings->v[i].severity]++;
	}
}

void rp_findings_sort(struct rp_findings *findings)
{
	size_t n = 0;

	if (findings->n)
		qsort(findings->v, findings->n, sizeof(*findings->v), compare);
	for (size_t i = 0; i < findings->n; i++) {
		struct rp_finding *f = &findings->v[i];

		// Lists of others were put in as a whole.
		if (findings->left_out & 1u << rp_finding_class(f->id) ||
		    (n && is_same(&findings->v[n - 1], f)))
			free(f->text);
		else
			findings->v[n++] = *f;
	}
	findings->n = n;
	count(findings);
}

void rp_findings_deinit(struct rp_findings *findings)
{
	for (size_t i = 0; i < findings->n; i++)
		free(findings->v[i].text);
	free(findings->v);
	memset(findings, 0, sizeof(*findings));
}
