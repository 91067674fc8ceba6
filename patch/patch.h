/* SPDX-License-Identifier: MIT */
/*
 * From two versions of some objects, and the binary that the old ones are in,
 * to a payload.
 *
 *   1 units     twins and changes of each object pair              unit.h
 *   2 match     where the old version's atoms are in the binary    match.h
 *   3 spread    constants that changed change what uses them       spread.c
 *   4 select    what is needed beside what changed                 select.c
 *   5 refuse    what cannot be patched, and why                    refuse.c, types.c
 *   6 emit      the payload                                        emit.c
 */
#ifndef REPOINT_PATCH_PATCH_H
#define REPOINT_PATCH_PATCH_H

#include "../object/diag.h"
#include "binary.h"

/** struct rp_patch_input - an object pair; a path that is NULL: there is none. */
struct rp_patch_input {
	const char *name;
	const char *old_path;
	const char *new_path;
};

/** Lists end with NULL; NULL: empty. */
struct rp_patch_options {
	const char *binary;
	struct rp_binary_options binary_options;
	const char *name;
	const char *patch_version;
	const char *description;
	const char *tool;
	const char *const *after;		/* payloads, by path */
	const char *const *allow_layout;	/* types */
	const char *const *allow_mismatch;	/* functions */
	const void *livepatch_object;		/* shadow variables: an image */
	size_t livepatch_object_size;
};

enum rp_finding_kind {
	RP_FINDING_REFUSAL,
	RP_FINDING_WARNING,
	RP_FINDING_NOTE,
};

/** struct rp_finding - something to say about a unit or file. */
struct rp_finding {
	enum rp_finding_kind kind;
	char *file;
	struct rp_diag diag;
};

enum rp_patched_kind {
	RP_PATCHED_REPLACED,	/**< a function of the binary gets a new body */
	RP_PATCHED_ADDED,	/**< a function that is new, or only reached by
				     what is replaced */
	RP_PATCHED_DATA,	/**< new data */
	RP_PATCHED_SET,		/**< data that gets a new value */
};

/**
 * struct rp_patched - one thing that the payload holds.
 * @why, @offset: replaced ones: what differs first, and where
 */
struct rp_patched {
	enum rp_patched_kind kind;
	char *unit;
	char *name;
	char *why;
	uint64_t offset;
	bool has_offset;
	uint64_t old_size;
	uint64_t new_size;
};

/** struct rp_patch_report - what was found; valid also if nothing was made. */
struct rp_patch_report {
	struct rp_finding *findings;
	size_t nfindings, findings_room;
	size_t refusals;
	struct rp_patched *patched;
	size_t npatched, patched_room;
	size_t pairs, identical, unchanged, not_linked;
	size_t functions;	/* compared, of all objects that are not identical */
	size_t line_only;	/* of these, equal but for line numbers */
	bool made;
	char *culprit;		/* owned; see rp_patch_make() */
};

/**
 * rp_patch_make() - diff, and write the payload if there is something to patch
 * and nothing against it.
 * @inputs:  object pairs, @n of them; their order is that of the payload
 * @options: what is wanted
 * @fd:      an empty file, opened for reading and writing
 * @report:  filled in; rp_patch_report_deinit() frees it
 * @culprit: on failure, the file that @diag is about; valid until the report is
 *           freed
 * @diag:    on failure
 *
 * Return: 0, see @report; a negative errno value, see @diag.
 */
int rp_patch_make(const struct rp_patch_input *inputs, size_t n,
		  const struct rp_patch_options *options, int fd,
		  struct rp_patch_report *report, const char **culprit,
		  struct rp_diag *diag);
void rp_patch_report_deinit(struct rp_patch_report *report);

#endif /* REPOINT_PATCH_PATCH_H */
