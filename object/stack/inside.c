/* SPDX-License-Identifier: MIT */
/*
 * Assembly that keeps rules of its own: routines inside a function, that it calls,
 * and code without a name.
 */
#include "internal.h"

/* So many rows of .eh_frame are looked at. */
#define RP_ROWS_MAX	64

bool rp_walk_calls_inside(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	const struct rp_code_insn *there = &w->code->insns[at->dest];

	// What is not called for the address that a call pushes.
	return !w->kernel && (at->flags & RP_CODE_PUSHES) && at->dest &&
	       at->dest != insn + 1 &&
	       !(there->op &&
		 w->code->ops[there->op].kind == RP_OP_POP) &&
	       (rp_walk_thunk(w, insn) == RP_WALK_NO_THUNK);
}

static bool left_address(const struct rp_walker *w, uint32_t call,
			 const struct rp_stack_state *state)
{
	const struct rp_stack_state *before =
		rp_walk_state(w, w->code->insns[call].state);

	return rp_walk_calls_inside(w, call) &&
	       (w->code->insns[call].flags & RP_CODE_VISITED) &&
	       before->base == state->base && before->reg == state->reg &&
	       before->height != INT32_MIN &&
	       before->height + 8 == state->height;
}

bool rp_walk_returns_inside(const struct rp_walker *w, uint32_t insn,
			    uint32_t state)
{
	uint32_t function = w->code->insns[insn].function;
	const struct rp_function *f = &w->code->functions[function];
	const struct rp_stack_state *s = rp_walk_state(w, state);

	if (w->kernel || f->end - f->first > RP_INSIDE_MAX)
		return false;
	for (uint32_t i = f->first; i < f->end; i++) {
		if (left_address(w, i, s))
			return true;
	}
	return false;
}

static bool tells(const struct rp_frame_row *row, uint32_t fde, uint8_t reg)
{
	return row->fde == fde && row->reg[reg].rule == RP_RULE_OFFSET;
}

/* Does .eh_frame say anywhere in the function that the register is saved? */
static bool is_told(const struct rp_walker *w, const struct rp_frame_row *row,
		    uint8_t reg)
{
	size_t at = row - w->frames->v, i;

	for (i = at; i < w->frames->n && w->frames->v[i].fde == row->fde; i++) {
		if (i - at > RP_ROWS_MAX ||
		    tells(&w->frames->v[i], row->fde, reg))
			return true;
	}
	for (i = at; i-- && w->frames->v[i].fde == row->fde;) {
		if (at - i > RP_ROWS_MAX ||
		    tells(&w->frames->v[i], row->fde, reg))
			return true;
	}
	return false;
}

void rp_walk_drop_untold(const struct rp_walker *w,
			 const struct rp_frame_row *row,
			 struct rp_stack_state *state)
{
	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		if (rp_reg_is_kept(i) &&
		    state->saved[i].how == RP_SAVED_CFA &&
		    row->reg[i].rule != RP_RULE_OFFSET && !is_told(w, row, i)) {
			state->saved[i].how = RP_SAVED_SAME;
			state->saved[i].offset = 0;
		}
	}
}
