/* SPDX-License-Identifier: MIT */
/* Instructions that derive rsp from other registers, and others from rsp. */
#include "ops.h"

#include <string.h>

static bool switches_stack(const state_t *s, uint8_t src)
{
	return s->value[src].how == RP_SAVED_POINTS &&
	       s->value[src].offset == s->offset;
}

/* rsp = @src + @offset, and nothing is known of @src. */
enum rp_stack_trouble
rp_stack_rsp_from_unknown(const struct rp_stack_rules *rules, state_t *s)
{
	if (rp_stack_is_base(s, RP_RSP)) {
		rp_stack_lose_base(s);
		rp_stack_lose_height(s);
		return RP_STACK_MOVED;
	}
	if (!rules->abi->kernel)
		rp_stack_lose_height(s);
	return RP_STACK_FINE;
}

static bool counts_from_rbp(const state_t *s)
{
	return s->drap &&
	       (rp_stack_is_base(s, s->drap_reg) || s->base == RP_CFA_AT_REG);
}

/* The height that rsp has when it gets rbp's value, where rbp is the frame. */
static int32_t height_of_rbp(const struct rp_stack_rules *rules,
			     const state_t *s)
{
	if (s->drap)
		return 0;
	// Of frames that hints describe, the kernel's tool knows no more.
	if (rules->abi->kernel)
		return -s->saved[RP_RBP].offset;
	return s->offset;
}

/* The register that leads to the frame gives rsp back, at @offset from it. */
static enum rp_stack_trouble end_realigned(state_t *s, int64_t offset)
{
	int64_t height = -offset;

	if (rp_stack_is_base(s, s->drap_reg))
		height += s->offset;
	if (!rp_stack_in_range(height))
		return RP_STACK_MOVED;
	rp_stack_set_base(s, RP_RSP, height);
	s->height = height;
	s->drap = false;
	s->drap_reg = RP_REG_NONE;
	return RP_STACK_FINE;
}

enum rp_stack_trouble rp_stack_move_to_rsp(const struct rp_stack_rules *rules,
					   state_t *s, uint8_t src)
{
	if (src == RP_RBP &&
	    (rp_stack_is_base(s, RP_RBP) || counts_from_rbp(s))) {
		rp_stack_put_rsp(s, height_of_rbp(rules, s));
	} else if (!rules->abi->kernel && s->drap && src == s->drap_reg &&
		   rp_stack_is_base(s, src)) {
		return end_realigned(s, 0);
	} else if (switches_stack(s, src)) {
		if (rp_stack_is_base(s, RP_RSP))
			s->base = RP_CFA_AT_REG_PLUS;
		else
			return rp_stack_shift(s, 8);
	} else if (s->value[src].how == RP_SAVED_CFA &&
		   (rp_stack_is_base(s, RP_RSP) || !rules->abi->kernel)) {
		rp_stack_put_rsp(s, -(int64_t)s->value[src].offset);
	} else if (rules->abi->kernel && rp_stack_is_base(s, RP_RSP)) {
		rp_stack_lose_base(s);
	} else {
		return rp_stack_rsp_from_unknown(rules, s);
	}
	return RP_STACK_FINE;
}

void rp_stack_move_from_rsp(const struct rp_stack_rules *rules, state_t *s,
			    uint8_t dest)
{
	if (dest == RP_RBP && rp_stack_is_base(s, RP_RSP) &&
	    s->saved[RP_RBP].how == RP_SAVED_CFA &&
	    s->saved[RP_RBP].offset == -s->offset) {
		s->reg = RP_RBP;
		rp_stack_set_value(rules, s, RP_RBP, -(int64_t)s->offset,
				   RP_SAVED_CFA);
	} else if (dest == RP_RBP && s->drap) {
		s->saved[RP_RBP].how = RP_SAVED_RBP;
		s->saved[RP_RBP].offset =
			rp_stack_has_height(s) ? -s->height : 0;
	} else if (rp_stack_is_base(s, RP_RSP) || !rules->abi->kernel) {
		rp_stack_overwrite(rules, s, dest);
		if (rp_stack_has_height(s) && !s->drap)
			rp_stack_set_value(rules, s, dest, -(int64_t)s->height,
					   RP_SAVED_CFA);
	}
}

/* Neither is rsp. */
static void move_other(const struct rp_stack_rules *rules, state_t *s,
		       const struct rp_stack_op *op)
{
	struct rp_saved_reg value = s->value[op->src];

	// 6.1's tool does not see these.
	if (rules->abi->kind == RP_ABI_LINUX_6_1 && !(op->flags & RP_OP_LEA))
		return;
	if (rules->abi->kernel && rp_stack_is_base(s, op->dest))
		rp_stack_lose_base(s);
	if (rules->values && !rules->abi->kernel &&
	    rp_reg_is_kept(op->src) &&
	    s->saved[op->src].how == RP_SAVED_SAME)
		value = (struct rp_saved_reg){ op->src, RP_SAVED_COPY };
	if (value.how == RP_SAVED_COPY && value.offset == op->dest) {
		rp_stack_restore(rules, s, op->dest);
		return;
	}
	rp_stack_overwrite(rules, s, op->dest);
	if (value.how == RP_SAVED_CFA || value.how == RP_SAVED_COPY)
		rp_stack_set_value(rules, s, op->dest, value.offset, value.how);
}

enum rp_stack_trouble rp_stack_move(const struct rp_stack_rules *rules,
				    state_t *s, const struct rp_stack_op *op)
{
	if (op->dest == op->src)
		return RP_STACK_FINE;
	if (op->src == RP_RSP) {
		rp_stack_move_from_rsp(rules, s, op->dest);
		return RP_STACK_FINE;
	}
	if (op->dest == RP_RSP)
		return rp_stack_move_to_rsp(rules, s, op->src);
	move_other(rules, s, op);
	return RP_STACK_FINE;
}

/* rsp = rbp + @offset */
static enum rp_stack_trouble rsp_from_rbp(const struct rp_stack_rules *rules,
					  state_t *s, int32_t offset)
{
	if (counts_from_rbp(s) || rp_stack_is_base(s, RP_RBP))
		rp_stack_put_rsp(s, (int64_t)height_of_rbp(rules, s) - offset);
	else if (s->value[RP_RBP].how == RP_SAVED_CFA)
		rp_stack_put_rsp(s, -(int64_t)s->value[RP_RBP].offset - offset);
	else if (!rules->abi->kernel)
		return rp_stack_rsp_from_unknown(rules, s);
	return RP_STACK_FINE;
}

/* rsp = @src + @offset, other registers than rsp and rbp */
static enum rp_stack_trouble rsp_from_other(const struct rp_stack_rules *rules,
					    state_t *s,
					    const struct rp_stack_op *op)
{
	if (s->drap && op->src == s->drap_reg)
		return end_realigned(s, op->offset);
	if (s->value[op->src].how == RP_SAVED_CFA && !rules->abi->kernel) {
		rp_stack_put_rsp(s, -(int64_t)s->value[op->src].offset -
					    op->offset);
		return RP_STACK_FINE;
	}
	if (rules->abi->kernel)
		return rp_stack_is_base(s, RP_RSP) && !rules->hinted ?
			RP_STACK_MOVED : RP_STACK_FINE;
	return rp_stack_rsp_from_unknown(rules, s);
}

static void add_from_rsp(const struct rp_stack_rules *rules, state_t *s,
			 const struct rp_stack_op *op)
{
	rp_stack_overwrite(rules, s, op->dest);
	if (!rp_stack_has_height(s) || s->drap)
		return;
	if (rules->values)
		s->drap_reg = op->dest;
	rp_stack_set_value(rules, s, op->dest, (int64_t)op->offset - s->height,
			   RP_SAVED_CFA);
}

static enum rp_stack_trouble add_other(const struct rp_stack_rules *rules,
				       state_t *s, const struct rp_stack_op *op)
{
	struct rp_saved_reg value = s->value[op->src];

	if (rules->abi->kernel) {
		// add and sub of other registers are not seen there.
		return rp_stack_is_base(s, op->dest) &&
		       (op->flags & RP_OP_LEA) && !rules->hinted ?
			RP_STACK_MOVED : RP_STACK_FINE;
	}
	if (rp_stack_is_base(s, op->dest) && op->dest == op->src &&
	    rp_stack_in_range((int64_t)s->offset - op->offset)) {
		s->offset -= op->offset;
	} else {
		rp_stack_overwrite(rules, s, op->dest);
	}
	s->value[op->dest] = RP_SAME;
	if (value.how == RP_SAVED_CFA)
		rp_stack_set_value(rules, s, op->dest,
				   (int64_t)value.offset + op->offset,
				   RP_SAVED_CFA);
	return RP_STACK_FINE;
}

enum rp_stack_trouble rp_stack_add(const struct rp_stack_rules *rules,
				   state_t *s, const struct rp_stack_op *op)
{
	if (op->dest == RP_RSP) {
		if (!rp_stack_in_range(op->offset))
			return RP_STACK_MOVED;
		if (op->src == RP_RSP)
			return rp_stack_shift(s, -op->offset);
		if (op->src == RP_RBP)
			return rsp_from_rbp(rules, s, op->offset);
		return rsp_from_other(rules, s, op);
	}
	if (op->src == RP_RSP &&
	    (rp_stack_is_base(s, RP_RSP) || !rules->abi->kernel)) {
		add_from_rsp(rules, s, op);
		return RP_STACK_FINE;
	}
	return add_other(rules, s, op);
}

/* A register that holds the CFA, for the time that rsp does not lead to it. In
 * assembly it may be what rsp was. */
static uint8_t find_drap(const struct rp_stack_rules *rules, const state_t *s)
{
	if (s->drap_reg < RP_REG_NR &&
	    s->value[s->drap_reg].how == RP_SAVED_CFA &&
	    !s->value[s->drap_reg].offset)
		return s->drap_reg;
	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		if (i != RP_RBP && s->value[i].how == RP_SAVED_CFA &&
		    !s->value[i].offset)
			return i;
	}
	for (unsigned int i = 0; i < RP_REG_NR && !rules->abi->kernel; i++) {
		if (i != RP_RBP && s->value[i].how == RP_SAVED_CFA)
			return i;
	}
	return RP_REG_NONE;
}

enum rp_stack_trouble rp_stack_realign(const struct rp_stack_rules *rules,
				       state_t *s, uint8_t dest)
{
	if (dest != RP_RSP) {
		rp_stack_overwrite(rules, s, dest);
		return RP_STACK_FINE;
	}
	// .eh_frame may have told before that the CFA is in another register.
	bool told = s->base == RP_CFA_REG && s->reg != RP_RBP && !s->offset;
	if (!rp_stack_is_base(s, RP_RSP) && !told) {
		if (!rules->abi->kernel)
			rp_stack_lose_height(s);
		return RP_STACK_FINE;
	}
	uint8_t drap = rp_stack_is_base(s, RP_RSP) ? find_drap(rules, s) :
						     s->reg;
	if (drap == RP_REG_NONE) {
		rp_stack_lose_base(s);
		rp_stack_lose_height(s);
		return RP_STACK_REALIGNED;
	}
	rp_stack_set_base(s, drap, told ? 0 : -s->value[drap].offset);
	s->height = 0;
	s->drap = true;
	s->drap_reg = drap;
	memset(s->value, 0, sizeof(s->value));
	return RP_STACK_FINE;
}
