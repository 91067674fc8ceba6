/* SPDX-License-Identifier: MIT */
/* What the classes of checks share. */
#ifndef REPOINT_OBJECT_CHECK_INTERNAL_H
#define REPOINT_OBJECT_CHECK_INTERNAL_H

#include "check.h"

/** rp_check_home() - the whole function that an instruction belongs to; a
 *  replacement's is its site's. 0: none is known. */
uint32_t rp_check_home(const struct rp_code *code, uint32_t insn);

/** rp_check_is_borrowed() - is a section's code copied elsewhere, and never run
 *  or called where it is? */
bool rp_check_is_borrowed(const struct rp_check *check, uint32_t section);

/** rp_check_is_tramp() - is it a static call's trampoline? */
bool rp_check_is_tramp(const struct rp_check *check,
		       const struct rp_function *function);

/** rp_check_livepatch_severity() - notes, unless they are asked for. */
static inline enum rp_severity
rp_check_livepatch_severity(const struct rp_check *check)
{
	return check->options.require & RP_REQUIRE_LIVEPATCH ? RP_ERROR :
							       RP_NOTE;
}

/**
 * rp_check_each_way() - call a function for each way that one instruction leads
 * to another: direct branches, tables of jumps, labels, static branches.
 */
void rp_check_each_way(struct rp_check *check,
		       void (*way)(struct rp_check *check, uint32_t from,
				   uint32_t to, void *context), void *context);

/** rp_check_symbol_name() - for messages; a section's if it has no other. */
const char *rp_check_symbol_name(const struct rp_relobj *obj, uint32_t symbol);

/** Several files of a class. */
int rp_check_labels(struct rp_check *check);

#endif /* REPOINT_OBJECT_CHECK_INTERNAL_H */
