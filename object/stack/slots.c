/* SPDX-License-Identifier: MIT */
/* Instructions that put registers on the stack, and take them from it. */
#include "ops.h"

/* Of a register that has what the caller left in another one, that is saved. */
static void push_value(state_t *s, uint8_t src)
{
	uint8_t owner = src;

	if (s->value[src].how == RP_SAVED_COPY) {
		owner = s->value[src].offset;
		if (s->saved[owner].how == RP_SAVED_LOST)
			s->saved[owner] = RP_SAME;
	}
	rp_stack_save(s, owner, RP_SAVED_CFA, -s->height);
}

enum rp_stack_trouble rp_stack_push(state_t *s, uint8_t src)
{
	enum rp_stack_trouble trouble = rp_stack_shift(s, 8);

	if (trouble || src == RP_REG_NONE || !rp_stack_has_height(s))
		return trouble;
	if (!s->drap) {
		push_value(s, src);
	} else if (rp_stack_is_base(s, src) && src == s->drap_reg &&
		   !s->offset) {
		s->base = RP_CFA_AT_REG;
		s->reg = RP_RBP;
		s->offset = s->drap_offset = -s->height;
	} else if (src == RP_RBP && rp_stack_is_base(s, s->drap_reg)) {
		s->height = 0;
	} else {
		rp_stack_save(s, src, RP_SAVED_RBP, -s->height);
	}
	return RP_STACK_FINE;
}

/* pop %rsp: back from another stack, to where its top word says. */
static enum rp_stack_trouble pop_rsp(const struct rp_stack_rules *rules,
				     state_t *s)
{
	if (s->base == RP_CFA_AT_REG_PLUS) {
		s->base = RP_CFA_REG;
		return RP_STACK_FINE;
	}
	if (rules->abi->kernel)
		return rp_stack_shift(s, -8);
	if (rp_stack_is_base(s, RP_RSP))
		return RP_STACK_MOVED;
	// The word may be what leads to the frame.
	if (s->drap)
		rp_stack_lose_base(s);
	rp_stack_lose_height(s);
	return RP_STACK_FINE;
}

static bool is_at(const state_t *s, uint8_t reg, int64_t offset)
{
	return (s->saved[reg].how == RP_SAVED_CFA ||
		s->saved[reg].how == RP_SAVED_RBP) &&
	       s->saved[reg].offset == offset;
}

/* Does a word of the stack that holds the CFA come back to a register that may lead
 * to it? A kernel's tool knows of the one alone that it was saved from. */
static bool may_be_drap(const struct rp_stack_rules *rules, const state_t *s,
			uint8_t dest)
{
	return dest == s->drap_reg ||
	       (!rules->abi->kernel && dest != RP_RSP && dest != RP_RBP);
}

static void come_back(const struct rp_stack_rules *rules, state_t *s,
		      uint8_t dest)
{
	if (dest != s->drap_reg)
		rp_stack_overwrite(rules, s, dest);
	s->drap_reg = dest;
	s->drap_offset = RP_DRAP_NOWHERE;
	rp_stack_set_base(s, dest, 0);
}

static void pop_known(const struct rp_stack_rules *rules, state_t *s,
		      uint8_t dest)
{
	// After alloca: whoever pops the frame pointer has its slot at rsp.
	if (!rules->abi->kernel && !s->drap && !rp_stack_has_height(s) &&
	    dest == RP_RBP && rp_stack_is_base(s, dest) &&
	    s->saved[dest].how == RP_SAVED_CFA)
		s->height = -s->saved[dest].offset;
	if (!s->drap && rp_stack_is_base(s, dest)) {
		s->reg = RP_RSP;
		if (!rules->abi->kernel && rp_stack_has_height(s))
			s->offset = s->height;
	}
	if (!rp_stack_has_height(s)) {
		// It may well be the caller's value that comes back.
		s->value[dest] = RP_SAME;
	} else if (s->drap && s->base == RP_CFA_AT_REG &&
		   may_be_drap(rules, s, dest) &&
		   s->drap_offset == -s->height) {
		come_back(rules, s, dest);
	} else if (is_at(s, dest, -(int64_t)s->height)) {
		rp_stack_restore(rules, s, dest);
	} else {
		rp_stack_overwrite(rules, s, dest);
	}
}

enum rp_stack_trouble rp_stack_pop(const struct rp_stack_rules *rules,
				   state_t *s, uint8_t dest)
{
	if (dest == RP_RSP)
		return pop_rsp(rules, s);
	if (dest != RP_REG_NONE)
		pop_known(rules, s, dest);
	return rp_stack_shift(s, -8);
}

static enum rp_stack_trouble load_rsp(const struct rp_stack_rules *rules,
				      state_t *s)
{
	return rules->abi->kernel ? RP_STACK_FINE :
				    rp_stack_rsp_from_unknown(rules, s);
}

static bool loads_saved(const state_t *s, const struct rp_stack_op *op)
{
	uint8_t how = s->saved[op->dest].how;
	int64_t at = s->saved[op->dest].offset;

	if (how == RP_SAVED_RBP)
		return s->drap && op->src == RP_RBP && op->offset == at;
	if (how != RP_SAVED_CFA)
		return false;
	if (rp_stack_is_base(s, op->src) && op->offset == at + s->offset)
		return true;
	if (op->src == RP_RBP && s->value[RP_RBP].how == RP_SAVED_CFA)
		return op->offset == at - s->value[RP_RBP].offset;
	return op->src == RP_RSP && rp_stack_has_height(s) &&
	       op->offset == at + s->height;
}

/* Through a register that leads to the stack: where rsp was before. */
static bool loads_by_other(const state_t *s, const struct rp_stack_op *op)
{
	return op->src < RP_REG_NR && s->saved[op->dest].how == RP_SAVED_CFA &&
	       s->value[op->src].how == RP_SAVED_CFA &&
	       s->saved[op->dest].offset ==
	       (int64_t)s->value[op->src].offset + op->offset;
}

enum rp_stack_trouble rp_stack_load(const struct rp_stack_rules *rules,
				    state_t *s, const struct rp_stack_op *op)
{
	if (op->dest == RP_RSP)
		return load_rsp(rules, s);
	if (op->src != RP_RSP && op->src != RP_RBP) {
		if (loads_by_other(s, op))
			rp_stack_restore(rules, s, op->dest);
		else if (!rp_reg_is_kept(op->dest) || op->dest == RP_RBP ||
			 rp_stack_is_base(s, op->dest))
			rp_stack_overwrite(rules, s, op->dest);
		s->value[op->dest] = RP_SAME;
		return RP_STACK_FINE;
	}
	bool saved = loads_saved(s, op);
	if (!s->drap && op->dest == RP_RBP && rp_stack_is_base(s, RP_RBP)) {
		if (rp_stack_has_height(s))
			rp_stack_set_base(s, RP_RSP, s->height);
		else
			rp_stack_lose_base(s);
		saved = saved || loads_saved(s, op);
	}
	if (s->drap && op->src == RP_RBP && may_be_drap(rules, s, op->dest) &&
	    op->offset == s->drap_offset) {
		if (op->dest == s->drap_reg)
			rp_stack_restore(rules, s, op->dest);
		come_back(rules, s, op->dest);
	} else if (saved) {
		rp_stack_restore(rules, s, op->dest);
	} else {
		rp_stack_overwrite(rules, s, op->dest);
	}
	return RP_STACK_FINE;
}

static void store_beside_drap(state_t *s, const struct rp_stack_op *op)
{
	if (op->dest != RP_RBP)
		return;
	if (rp_stack_is_base(s, op->src) && op->src == s->drap_reg &&
	    !s->offset) {
		s->base = RP_CFA_AT_REG;
		s->reg = RP_RBP;
		s->offset = s->drap_offset = op->offset;
	} else {
		rp_stack_save(s, op->src, RP_SAVED_RBP, op->offset);
	}
}

enum rp_stack_trouble rp_stack_store(const struct rp_stack_rules *rules,
				     state_t *s, const struct rp_stack_op *op)
{
	if (s->drap)
		store_beside_drap(s, op);
	else if (rp_stack_is_base(s, op->dest))
		rp_stack_save(s, op->src, RP_SAVED_CFA,
			      (int64_t)op->offset - s->offset);
	else if (op->dest == RP_RSP && rp_stack_has_height(s))
		rp_stack_save(s, op->src, RP_SAVED_CFA,
			      (int64_t)op->offset - s->height);
	else if (op->dest == RP_RBP && s->value[RP_RBP].how == RP_SAVED_CFA)
		rp_stack_save(s, op->src, RP_SAVED_CFA,
			      (int64_t)op->offset + s->value[RP_RBP].offset);
	else if (op->src == RP_RSP && !op->offset && op->dest < RP_REG_NR)
		rp_stack_set_value(rules, s, op->dest, s->offset,
				   RP_SAVED_POINTS);
	return RP_STACK_FINE;
}
