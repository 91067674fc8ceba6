/* SPDX-License-Identifier: MIT */
/*
 * Checking an object: what `repoint object check` does for one file.
 *
 *   struct rp_check check;
 *
 *   rc = rp_check_init(&check, image, size, &options, &diag);
 *   ... check.findings, rp_code_place(&check.code, ...) ...
 *   rp_check_deinit(&check);
 *
 * The model of the code is made, the stack is followed through it, and then each
 * class of checks looks at both. What could not be checked is a finding too.
 */
#ifndef REPOINT_OBJECT_CHECK_CHECK_H
#define REPOINT_OBJECT_CHECK_CHECK_H

#include "../stack/walk.h"

#define RP_CHECK_ALL	((1u << RP_CHECK_NR) - 1)

/* What --require may ask for: bits of rp_check_options.require. */
#define RP_REQUIRE_LIVEPATCH	0x1u	/* livepatch: errors, not notes */
#define RP_REQUIRE_RETPOLINE	0x2u	/* no indirect call or jump */
#define RP_REQUIRE_RETHUNK	0x4u	/* no plain return */
#define RP_REQUIRE_SLS		0x8u	/* int3 behind returns, indirect jumps */

/**
 * struct rp_check_options - what to look for.
 * @abi:     whose names and formats
 * @classes: bits of classes, 1 << enum rp_check_class
 * @require: RP_REQUIRE_*
 * @module:  a kernel's: the object belongs to a module
 */
struct rp_check_options {
	const struct rp_abi *abi;
	uint32_t classes;
	uint32_t require;
	bool module;
};

/** struct rp_check_stats - what was looked at. */
struct rp_check_stats {
	size_t instructions;
	size_t functions;
	size_t skipped;		/* functions that the stack check left out */
	size_t alternatives;	/* records */
	size_t call_sites;	/* records, as are the next two */
	size_t key_sites;
	size_t op_sites;
};

/**
 * struct rp_check - an object, and what was found.
 * @has_frames: it has .eh_frame: @frames
 * @walked:     the stack was followed: @walk
 * @diag:       of the failure, if there is one
 */
struct rp_check {
	struct rp_check_options options;
	struct rp_relobj obj;
	struct rp_code code;
	struct rp_frame_rows frames;
	struct rp_stack_walk walk;
	struct rp_findings findings;
	struct rp_check_stats stats;
	bool has_frames;
	bool walked;
	struct rp_diag *diag;
};

/**
 * rp_check_init() - check an object.
 * @check:   filled in; to be deinitialised also after a failure
 * @image:   the bytes of the file; must outlive it
 * @size:    how many
 * @options: what to look for
 * @diag:    on failure; must outlive it
 *
 * Relocatable objects, results of ld -r, linked programs and shared objects.
 * @check->findings are sorted.
 *
 * Return: 0, whatever was found; -EINVAL if it cannot be read, see @diag;
 * -ENOMEM.
 */
int rp_check_init(struct rp_check *check, const void *image, size_t size,
		  const struct rp_check_options *options, struct rp_diag *diag);
void rp_check_deinit(struct rp_check *check);

/* One class each. Return: 0; -EINVAL, -ENOMEM: @check->diag. */
int rp_check_livepatch(struct rp_check *check);
int rp_check_sections(struct rp_check *check);
int rp_check_alternatives(struct rp_check *check);
int rp_check_sites(struct rp_check *check);
int rp_check_retpoline(struct rp_check *check);

/** rp_check_is_linked() - is it a program or a shared object? */
static inline bool rp_check_is_linked(const struct rp_check *check)
{
	return check->obj.linked;
}

#endif /* REPOINT_OBJECT_CHECK_CHECK_H */
