/* SPDX-License-Identifier: MIT */
/* Rows of .eh_frame that come later than what they tell of. */
#include "internal.h"

typedef struct rp_stack_state state_t;
typedef struct rp_frame_row row_t;

/* At most as many instructions does clang move. */
#define LATE_MAX	32

static bool moves_rsp(const struct rp_stack_op *op)
{
	switch (op->kind) {
	case RP_OP_NONE:
	case RP_OP_LOAD:
	case RP_OP_STORE:
		return false;
	case RP_OP_PUSH:
	case RP_OP_POP:
	case RP_OP_LEAVE:
	case RP_OP_ENTER:
		return true;
	default:
		return op->dest == RP_RSP;
	}
}

static bool touches_stack(const struct rp_walker *w,
			  const struct rp_code_insn *at)
{
	return at->flow == RP_FLOW_CALL || at->flow == RP_FLOW_CALL_INDIRECT ||
	       (at->op && moves_rsp(&w->code->ops[at->op]));
}

/* The instruction that moved rsp last: in the row, and right before @insn. */
static uint32_t find_mover(const struct rp_walker *w, uint32_t insn,
			   const row_t *row)
{
	const struct rp_code_insn *insns = w->code->insns;

	for (unsigned int i = 0; i < LATE_MAX && insn > 1; i++) {
		insn--;
		if (insns[insn].offset < row->start ||
		    insns[insn].offset >= row->end ||
		    !(insns[insn].flags & RP_CODE_VISITED))
			return 0;
		if (touches_stack(w, &insns[insn]))
			return insn;
	}
	return 0;
}

/* Arguments that are pushed, frames that are taken down: not what builds a frame
 * up, of which clang never is late to tell. */
static bool may_be_late(const struct rp_walker *w, uint32_t mover)
{
	const struct rp_stack_op *op =
		&w->code->ops[w->code->insns[mover].op];

	if (op->kind == RP_OP_PUSH)
		return !rp_reg_is_kept(op->src) ||
		       rp_stack_state(w->states, w->code->insns[mover].state)
		       ->saved[op->src].how == RP_SAVED_CFA;
	return op->kind == RP_OP_ADD && op->dest == RP_RSP &&
	       op->src == RP_RSP && op->offset > 0;
}

static uint32_t end_of_row(struct rp_walker *w, uint32_t insn, const row_t *row)
{
	for (unsigned int i = 0; i < LATE_MAX && insn; i++) {
		const struct rp_code_insn *at = &w->code->insns[insn];

		if (at->offset >= row->end)
			return insn;
		if (touches_stack(w, at))
			return 0;
		insn = rp_walk_next(w, insn);
	}
	return 0;
}

/* More arguments, the call; or the registers that are popped. */
static bool goes_on_so(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	uint8_t kind = w->code->ops[at->op].kind;

	return at->flow == RP_FLOW_CALL || at->flow == RP_FLOW_CALL_INDIRECT ||
	       (at->op && (kind == RP_OP_PUSH || kind == RP_OP_POP));
}

/* Does the row before still hold, as if rsp had not been moved? */
static bool begins_late(struct rp_walker *w, uint32_t insn, const row_t *row)
{
	uint32_t mover = find_mover(w, insn, row);
	state_t before;

	if (!mover || !may_be_late(w, mover))
		return false;
	before = *rp_stack_state(w->states, w->code->insns[mover].state);
	return rp_walk_row_agrees(w, mover, &before);
}

static bool is_told(struct rp_walker *w, uint32_t insn, const row_t *row,
		    const state_t *state)
{
	uint32_t end = end_of_row(w, insn, row);
	state_t behind = *state;

	return end && goes_on_so(w, end) &&
	       w->code->insns[end].function == w->code->insns[insn].function &&
	       rp_walk_row_agrees(w, end, &behind);
}

/* A branch leads here from where it is late, with the same state and rule. */
static bool goes_on_late(const struct rp_walker *w, uint32_t insn,
			 const row_t *row, const state_t *state)
{
	for (size_t i = 0; i < RP_LATE_ROWS; i++) {
		const struct rp_late_row *late = &w->late[i];

		if (late->row && late->function ==
		    w->code->insns[insn].function &&
		    late->row->cfa == row->cfa &&
		    late->row->cfa_reg == row->cfa_reg &&
		    late->row->cfa_offset == row->cfa_offset &&
		    late->state.height == state->height &&
		    rp_stack_state_same(&late->state, state))
			return true;
	}
	return false;
}

/*
 * Does .eh_frame tell of the last change of rsp only some instructions later, with
 * no call between? clang schedules instructions in epilogues and calls so. No
 * exception can pass there; but who stops a thread there is misled.
 */
bool rp_walk_row_is_late(struct rp_walker *w, uint32_t insn, const row_t *row,
			 const state_t *state)
{
	if (!is_told(w, insn, row, state) ||
	    (!begins_late(w, insn, row) && !goes_on_late(w, insn, row, state)))
		return false;
	w->late[w->nlate++ % RP_LATE_ROWS] = (struct rp_late_row){
		w->code->insns[insn].function, row, *state };
	return true;
}
