/* SPDX-License-Identifier: MIT */
/*
 * What one instruction does to the state of the stack.
 *
 * The state says where the CFA is, counted from a register (@base); how far below
 * it the stack pointer is (@height); where the caller's registers are; and which
 * other registers are known to lead to the stack. An instruction moves these. The
 * base is rsp at first, and rbp from the instruction on that copies rsp to it if
 * the caller's rbp has just been pushed; when rbp gets another value, it is rsp
 * again.
 *
 * A realigned stack has no fixed distance between rsp and the CFA. A register
 * (DRAP) then holds the CFA until it is pushed; @height is counted from the place
 * that rbp points to.
 */
#include "ops.h"

static enum rp_stack_trouble clobber(const struct rp_stack_rules *rules,
				     state_t *s, const struct rp_stack_op *op)
{
	if (op->dest != RP_RSP) {
		rp_stack_overwrite(rules, s, op->dest);
		return RP_STACK_FINE;
	}
	if (!rules->abi->kernel)
		return rp_stack_rsp_from_unknown(rules, s);
	return op->src != RP_REG_NONE && rp_stack_is_base(s, RP_RSP) &&
	       !rules->hinted ? RP_STACK_MOVED : RP_STACK_FINE;
}

static enum rp_stack_trouble exchange(const struct rp_stack_rules *rules,
				      state_t *s, const struct rp_stack_op *op)
{
	if (rules->abi->kernel)
		return RP_STACK_FINE;
	if (op->dest == RP_RSP || op->src == RP_RSP) {
		rp_stack_overwrite(rules, s,
				   op->dest == RP_RSP ? op->src : op->dest);
		return rp_stack_rsp_from_unknown(rules, s);
	}
	rp_stack_overwrite(rules, s, op->dest);
	rp_stack_overwrite(rules, s, op->src);
	return RP_STACK_FINE;
}

static enum rp_stack_trouble enter(state_t *s, const struct rp_stack_rules *r,
				   int32_t bytes)
{
	enum rp_stack_trouble trouble = rp_stack_push(s, RP_RBP);

	if (!trouble)
		rp_stack_move_from_rsp(r, s, RP_RBP);
	return trouble ? trouble : rp_stack_shift(s, bytes);
}

static enum rp_stack_trouble leave(const struct rp_stack_rules *rules,
				   state_t *s)
{
	enum rp_stack_trouble trouble = rp_stack_move_to_rsp(rules, s, RP_RBP);

	return trouble ? trouble : rp_stack_pop(rules, s, RP_RBP);
}

/* Registers that are all on the stack stay where they are: only rsp moves. */
static enum rp_stack_trouble step_regs(state_t *s, const struct rp_stack_op *op)
{
	int64_t bytes = 0;

	if ((s->base != RP_CFA_REG && s->base != RP_CFA_AT_REG_PLUS) ||
	    s->reg != RP_RSP)
		return RP_STACK_FINE;
	if (op->kind == RP_OP_PUSH)
		bytes = 8;
	else if (op->kind == RP_OP_POP || op->kind == RP_OP_LEAVE)
		bytes = -8;
	else if (op->kind == RP_OP_ADD && op->dest == RP_RSP &&
		 op->src == RP_RSP)
		bytes = -(int64_t)op->offset;
	if (!rp_stack_in_range(s->offset + bytes))
		return RP_STACK_MOVED;
	s->offset += bytes;
	return RP_STACK_FINE;
}

static enum rp_stack_trouble step_undefined(const struct rp_stack_rules *rules,
					    const state_t *s)
{
	if (!rules->abi->kernel || !rules->named)
		return RP_STACK_FINE;
	// The hint says so on purpose.
	if (rules->abi->kind != RP_ABI_LINUX_6_1 &&
	    s->type == RP_FRAME_UNDEFINED)
		return RP_STACK_FINE;
	return RP_STACK_IS_UNDEFINED;
}

enum rp_stack_trouble rp_stack_step(const struct rp_stack_rules *rules,
				    struct rp_stack_state *state,
				    const struct rp_stack_op *op)
{
	if (state->base == RP_CFA_UNKNOWN)
		return step_undefined(rules, state);
	if (state->type == RP_FRAME_REGS ||
	    state->type == RP_FRAME_REGS_PARTIAL)
		return step_regs(state, op);
	switch (op->kind) {
	case RP_OP_MOVE:
		return rp_stack_move(rules, state, op);
	case RP_OP_ADD:
		return rp_stack_add(rules, state, op);
	case RP_OP_AND:
		return rp_stack_realign(rules, state, op->dest);
	case RP_OP_LOAD:
		return rp_stack_load(rules, state, op);
	case RP_OP_STORE:
		return rp_stack_store(rules, state, op);
	case RP_OP_PUSH:
		return rp_stack_push(state, op->src);
	case RP_OP_POP:
		return rp_stack_pop(rules, state, op->dest);
	case RP_OP_LEAVE:
		return leave(rules, state);
	case RP_OP_ENTER:
		return enter(state, rules, op->offset);
	case RP_OP_CLOBBER:
		return clobber(rules, state, op);
	case RP_OP_EXCHANGE:
		return exchange(rules, state, op);
	default:
		return RP_STACK_FINE;
	}
}

bool rp_stack_is_modified(const struct rp_stack_state *state)
{
	if (!rp_stack_is_base(state, RP_RSP) || state->drap ||
	    state->offset != 8 || state->height != 8 ||
	    state->saved[RP_RSP].how != RP_SAVED_CFA)
		return true;
	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		if (i != RP_RSP && state->saved[i].how != RP_SAVED_SAME)
			return true;
	}
	return false;
}

static bool same_place(const state_t *a, const state_t *b, unsigned int reg)
{
	struct rp_saved_reg x = a->saved[reg], y = b->saved[reg];

	return x.how == y.how && (x.how == RP_SAVED_SAME ||
				  x.how == RP_SAVED_LOST ||
				  x.offset == y.offset);
}

bool rp_stack_agrees(const struct rp_stack_state *a,
		     const struct rp_stack_state *b)
{
	if (a->base != b->base || a->reg != b->reg || a->offset != b->offset ||
	    a->type != b->type || a->drap != b->drap)
		return false;
	if (a->drap && (a->drap_reg != b->drap_reg ||
			a->drap_offset != b->drap_offset))
		return false;
	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		if (!same_place(a, b, i))
			return false;
	}
	return true;
}
