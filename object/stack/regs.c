/* SPDX-License-Identifier: MIT */
/*
 * The registers of a state: which of them the CFA is counted from, which lead to
 * the stack, and where the caller's values are.
 */
#include "ops.h"

#include <string.h>

void rp_stack_state_blank(state_t *state, enum rp_frame_type type)
{
	memset(state, 0, sizeof(*state));
	state->type = type;
	state->drap_reg = RP_REG_NONE;
	state->drap_offset = RP_DRAP_NOWHERE;
}

void rp_stack_state_entry(state_t *state)
{
	rp_stack_state_blank(state, RP_FRAME_CALL);
	state->base = RP_CFA_REG;
	state->reg = RP_RSP;
	state->offset = state->height = 8;
	state->saved[RP_RSP].how = RP_SAVED_CFA;
	state->saved[RP_RSP].offset = -8;
}

void rp_stack_lose_height(state_t *s)
{
	s->height = INT32_MIN;
}

void rp_stack_set_base(state_t *s, uint8_t reg, int32_t offset)
{
	s->base = RP_CFA_REG;
	s->reg = reg;
	s->offset = offset;
}

void rp_stack_lose_base(state_t *s)
{
	s->base = RP_CFA_UNKNOWN;
	s->reg = 0;
	s->offset = 0;
}

/* rsp moves down by @bytes. */
enum rp_stack_trouble rp_stack_shift(state_t *s, int32_t bytes)
{
	if (!rp_stack_in_range(bytes) ||
	    (rp_stack_has_height(s) &&
	     !rp_stack_in_range((int64_t)s->height + bytes)) ||
	    !rp_stack_in_range((int64_t)s->offset + bytes)) {
		rp_stack_lose_height(s);
		if (rp_stack_is_base(s, RP_RSP))
			rp_stack_lose_base(s);
		return RP_STACK_MOVED;
	}
	if (rp_stack_has_height(s))
		s->height += bytes;
	if (rp_stack_is_base(s, RP_RSP))
		s->offset += bytes;
	return RP_STACK_FINE;
}

void rp_stack_put_rsp(state_t *s, int64_t height)
{
	if (!rp_stack_in_range(height)) {
		rp_stack_lose_height(s);
		return;
	}
	s->height = height;
	if (rp_stack_is_base(s, RP_RSP))
		s->offset = height;
}

void rp_stack_set_value(const struct rp_stack_rules *rules, state_t *s,
			uint8_t reg, int64_t offset, enum rp_saved how)
{
	if ((!rules->values && reg != RP_RBP) || reg == RP_RSP ||
	    !rp_stack_in_range(offset))
		return;
	s->value[reg].how = how;
	s->value[reg].offset = offset;
}

void rp_stack_save(state_t *s, uint8_t reg, enum rp_saved how, int64_t offset)
{
	if (!rp_reg_is_kept(reg) || s->saved[reg].how != RP_SAVED_SAME ||
	    !rp_stack_in_range(offset))
		return;
	s->saved[reg].how = how;
	s->saved[reg].offset = offset;
}

void rp_stack_restore(const struct rp_stack_rules *rules, state_t *s,
		      uint8_t reg)
{
	s->saved[reg].how = RP_SAVED_SAME;
	if (rules->abi->kernel)
		s->saved[reg].offset = 0;
	s->value[reg] = RP_SAME;
}

/* A register has another value, not the caller's and not one of the stack. */
void rp_stack_overwrite(const struct rp_stack_rules *rules, state_t *s,
			uint8_t reg)
{
	if (rules->abi->kernel || reg >= RP_REG_NR)
		return;
	// Code without a name may well be called in other ways.
	if (rp_reg_is_kept(reg) && s->saved[reg].how == RP_SAVED_SAME &&
	    rules->named)
		s->saved[reg].how = RP_SAVED_LOST;
	s->value[reg] = RP_SAME;
	if (rp_stack_is_base(s, reg)) {
		if (rp_stack_has_height(s) && !s->drap)
			rp_stack_set_base(s, RP_RSP, s->height);
		else
			rp_stack_lose_base(s);
	} else if (s->base == RP_CFA_AT_REG && s->reg == reg) {
		rp_stack_lose_base(s);
	}
}

void rp_stack_forget(state_t *state, uint16_t mask)
{
	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		if (mask >> i & 1)
			state->value[i] = RP_SAME;
	}
	if (state->base == RP_CFA_REG && state->reg != RP_RSP &&
	    state->reg != RP_RBP && (mask >> state->reg & 1)) {
		if (rp_stack_has_height(state) && !state->drap)
			rp_stack_set_base(state, RP_RSP, state->height);
		else
			rp_stack_lose_base(state);
	}
}
