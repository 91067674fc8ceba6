/* SPDX-License-Identifier: MIT */
/* What `repoint object check` has to say about an object. */
#ifndef REPOINT_OBJECT_FINDINGS_H
#define REPOINT_OBJECT_FINDINGS_H

#include "diag.h"

#include <stddef.h>

/** enum rp_severity - RP_NOTE does not make the exit status 1. */
enum rp_severity { RP_NOTE, RP_WARNING, RP_ERROR, RP_SEVERITY_NR };

/** Classes of checks: what --only and --skip name. */
enum rp_check_class {
	RP_CHECK_LIVEPATCH,	/* 901 to 909 */
	RP_CHECK_SECTIONS,	/* 911 to 919 */
	RP_CHECK_ALTERNATIVES,	/* 921 to 929, and patchlets 301 to 310 */
	RP_CHECK_SITES,		/* 931 to 939 */
	RP_CHECK_STACK,		/* 941 to 959 */
	RP_CHECK_RETPOLINE,	/* 961 to 969 */
	RP_CHECK_NR
};

/**
 * struct rp_finding - one diagnostic.
 * @id:       its number; docs/diagnostics.md has cause and fix
 * @severity: as its class decides
 * @section:  index of the section that the place is in; 0: the whole object
 * @offset:   in the section
 * @text:     the sentence; printable, without the place
 */
struct rp_finding {
	enum rp_diag_id id;
	uint8_t severity;
	uint32_t section;
	uint64_t offset;
	char *text;
};

/** Findings of one number that are kept; of the others their number is. */
#define RP_FINDINGS_KEPT	10000

/** One more than the greatest number of a finding. */
#define RP_FINDING_IDS		1000

/**
 * struct rp_findings - all of an object; all zero: none.
 * @left_out: bits of classes (1 << enum rp_check_class) that are dropped
 * @nomem:    one was lost: the check has failed
 * @count:    of each number, since rp_findings_sort(); those that are not kept
 *            included
 * @severity: how many are RP_NOTE, RP_WARNING, RP_ERROR, in the same way
 * @unkept:   what is not kept, of each number, and @unkept_severity
 */
struct rp_findings {
	struct rp_finding *v;
	size_t n;
	size_t room;
	uint32_t left_out;
	bool nomem;
	size_t severity[RP_SEVERITY_NR];
	size_t unkept_severity[RP_SEVERITY_NR];
	uint32_t count[RP_FINDING_IDS];
	uint32_t unkept[RP_FINDING_IDS];
};

/** rp_findings_add() - append one. Without memory, @findings says so (@nomem). */
void rp_findings_add(struct rp_findings *findings, enum rp_diag_id id,
		     enum rp_severity severity, uint32_t section,
		     uint64_t offset, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

/** rp_findings_merge() - move all of @from, which leaves out the same classes,
 *  to the end of @to. @from is empty afterwards. */
void rp_findings_merge(struct rp_findings *to, struct rp_findings *from);

/** rp_findings_sort() - by section, offset and number; drops equal ones and those
 *  that are to be left out, and counts. */
void rp_findings_sort(struct rp_findings *findings);

void rp_findings_deinit(struct rp_findings *findings);

/** rp_finding_class() - which class of checks a number belongs to. */
enum rp_check_class rp_finding_class(enum rp_diag_id id);

/** rp_check_class_name() - the word of --only and --skip. */
const char *rp_check_class_name(enum rp_check_class class);

/** rp_severity_name() - "note", "warning", "error". */
const char *rp_severity_name(enum rp_severity severity);

#endif /* REPOINT_OBJECT_FINDINGS_H */
