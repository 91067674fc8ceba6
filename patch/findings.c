/* SPDX-License-Identifier: MIT */
/* What is said about a patch: refusals, warnings, and what it holds. */
#define _GNU_SOURCE
#include "patch_internal.h"

#include "../object/grow.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_said(const struct rp_patch_report *report, const char *file,
		    const struct rp_diag *diag)
{
	for (size_t i = 0; i < report->nfindings; i++) {
		const struct rp_finding *f = &report->findings[i];

		if (f->diag.id == diag->id && !strcmp(f->file, file) &&
		    !strcmp(f->diag.where, diag->where) &&
		    !strcmp(f->diag.text, diag->text))
			return true;
	}
	return false;
}

int rp_patch_find(struct rp_patch *p, enum rp_finding_kind kind,
		  const char *file, enum rp_diag_id id, const char *where,
		  const char *fmt, ...)
{
	struct rp_patch_report *report = p->report;
	struct rp_finding finding = { .kind = kind };
	char text[sizeof(finding.diag.text)];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	rp_diag_set(&finding.diag, id, where, "%s", text);
	if (is_said(report, file, &finding.diag))
		return 0;
	finding.file = strdup(file);
	if (!finding.file ||
	    rp_grow(&report->findings, &report->findings_room,
		    report->nfindings + 1, sizeof(*report->findings))) {
		free(finding.file);
		return rp_diag_nomem(p->diag);
	}
	report->findings[report->nfindings++] = finding;
	report->refusals += kind == RP_FINDING_REFUSAL;
	return 0;
}

static char *copy(const char *s)
{
	return strdup(s ? s : "");
}

int rp_patch_tell(struct rp_patch *p, const struct rp_patched *patched)
{
	struct rp_patch_report *report = p->report;
	struct rp_patched it = *patched;

	it.unit = copy(it.unit);
	it.name = copy(it.name);
	it.why = copy(it.why);
	if (!it.unit || !it.name || !it.why ||
	    rp_grow(&report->patched, &report->patched_room,
		    report->npatched + 1, sizeof(*report->patched))) {
		free(it.unit);
		free(it.name);
		free(it.why);
		return rp_diag_nomem(p->diag);
	}
	report->patched[report->npatched++] = it;
	return 0;
}

bool rp_patch_listed(const char *const *list, const char *name)
{
	for (; list && *list; list++) {
		if (!strcmp(*list, name))
			return true;
	}
	return false;
}

void rp_patch_report_deinit(struct rp_patch_report *report)
{
	for (size_t i = 0; i < report->nfindings; i++)
		free(report->findings[i].file);
	for (size_t i = 0; i < report->npatched; i++) {
		free(report->patched[i].unit);
		free(report->patched[i].name);
		free(report->patched[i].why);
	}
	free(report->culprit);
	free(report->findings);
	free(report->patched);
	memset(report, 0, sizeof(*report));
}
