/* SPDX-License-Identifier: MIT */
/*
 * Assembly that keeps rules of its own: routines inside a function, that it calls,
 * and registers that are saved though nobody changes them.
 */
#include "internal.h"

/* So many instructions, and rows of .eh_frame, are looked at. */
#define RP_INSIDE_MAX	1024
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

static void note_insn(const struct rp_walker *w, uint32_t insn,
		      struct rp_walk_inside *ret)
{
	struct rp_insn_flow flow;
	uint16_t written;

	if (rp_insn_flow_every(rp_code_bytes(w->code, insn),
			       w->code->insns[insn].length, &flow, &written))
		ret->written = UINT16_MAX;
	else if (flow.op.kind == RP_OP_POP && flow.op.dest < RP_REG_NR)
		ret->popped |= 1u << flow.op.dest;
	else if (flow.op.kind != RP_OP_LOAD || flow.op.src != RP_RSP)
		ret->written |= written;
}

/* What the instructions of the function do, wherever: loads from the stack, and
 * pops, do not count as writes. */
static const struct rp_walk_inside *look_inside(struct rp_walker *w,
						uint32_t function)
{
	const struct rp_function *f = &w->code->functions[function];
	struct rp_walk_inside *ret = &w->inside;

	if (ret->function == function)
		return ret;
	*ret = (struct rp_walk_inside){ .function = function };
	if (f->end - f->first > RP_INSIDE_MAX)
		ret->written = UINT16_MAX;
	else
		for (uint32_t i = f->first; i < f->end; i++)
			note_insn(w, i, ret);
	return ret;
}

bool rp_walk_spares(struct rp_walker *w, uint32_t insn,
		    const struct rp_stack_state *state)
{
	const struct rp_walk_inside *inside;
	struct rp_stack_state copy = *state;
	uint16_t regs = 0;

	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		if (!rp_reg_is_kept(i) || copy.saved[i].how != RP_SAVED_CFA)
			continue;
		copy.saved[i].how = RP_SAVED_SAME;
		regs |= 1u << i;
	}
	if (w->kernel || !regs || rp_stack_is_modified(&copy) ||
	    !w->code->insns[insn].function)
		return false;
	inside = look_inside(w, w->code->insns[insn].function);
	// Assembly takes its stack back by pop %rsp, and pops what it saved: how
	// far up is not known, so what comes back is not seen.
	if ((!w->frames || !rp_walk_row(w, insn)) &&
	    inside->popped >> RP_RSP & 1)
		regs &= ~inside->popped;
	return !(inside->written & regs);
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
