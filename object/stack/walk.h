/* SPDX-License-Identifier: MIT */
/*
 * The stack at every instruction of an object, found by following the code.
 *
 * Each function is followed from its entry along all ways it may go: branches,
 * jump tables, landing pads, alternatives, both ways of static branches. Where
 * two ways meet they must agree. An alternative's code is followed in place of
 * its site; states of all variants at one offset from the site's start must
 * agree, because one table serves them all.
 *
 * Findings: RP_DIAG_CHECK_MISMATCH, _RETURN, _TAIL, _UNREACHABLE, _STACK_POINTER,
 * _FALLS_THROUGH (912), _ALT_STACK (924), _UNDEFINED, _HINT. With .eh_frame
 * (frames != NULL): RP_DIAG_CHECK_CFI where it says something else.
 */
#ifndef REPOINT_OBJECT_STACK_WALK_H
#define REPOINT_OBJECT_STACK_WALK_H

#include "../code/code.h"
#include "../frames/rows.h"
#include "state.h"

/**
 * struct rp_stack_walk - the result; @code's insns have @state and
 * RP_CODE_VISITED.
 * @group_states: for each group that is a site, its states by byte offset:
 *                states[group_first[g] + offset], 0 where no instruction of any
 *                variant begins
 * @functions:    that were followed; @skipped: that were left out (told to be)
 * @guessed:      calls that were taken for dead ends, because behind them is code
 *                with another stack that is reached from elsewhere
 * @unsaid:       places where .eh_frame was believed, because the code does
 *                something that is not understood
 */
struct rp_stack_walk {
	struct rp_code *code;
	struct rp_stack_states *states;
	uint32_t *group_first;
	uint32_t *group_states;
	size_t functions, skipped;
	size_t guessed, unsaid;
};

/**
 * rp_stack_walk_init() - follow all code.
 * @walk:     filled in; to be deinitialised also after a failure
 * @code:     the code; states are noted in it
 * @frames:   what .eh_frame says; NULL: nothing to compare with
 * @findings: added to
 *
 * Return: 0; -EINVAL, see @diag: relocations of RP_FALLTHROUGH's records that cannot
 * be; -ENOMEM.
 */
int rp_stack_walk_init(struct rp_stack_walk *walk, struct rp_code *code,
		       const struct rp_frame_rows *frames,
		       struct rp_findings *findings, struct rp_diag *diag);

void rp_stack_walk_deinit(struct rp_stack_walk *walk);

#endif /* REPOINT_OBJECT_STACK_WALK_H */
