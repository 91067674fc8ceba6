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
#include "stack_walk_internal.h"

#include <string.h>

typedef struct rp_stack_state state_t;

static const struct rp_saved_reg same = { 0, RP_SAVED_SAME };

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

static bool is_base(const state_t *s, uint8_t reg)
{
	return s->base == RP_CFA_REG && s->reg == reg;
}

static bool has_height(const state_t *s)
{
	return s->height != INT32_MIN;
}

static bool in_range(int64_t offset)
{
	return offset > -RP_STACK_MAX && offset < RP_STACK_MAX;
}

static void lose_height(state_t *s)
{
	s->height = INT32_MIN;
}

static void set_base(state_t *s, uint8_t reg, int32_t offset)
{
	s->base = RP_CFA_REG;
	s->reg = reg;
	s->offset = offset;
}

static void lose_base(state_t *s)
{
	s->base = RP_CFA_UNKNOWN;
	s->reg = 0;
	s->offset = 0;
}

/* rsp moves down by @bytes. */
static enum rp_stack_trouble shift(state_t *s, int32_t bytes)
{
	if (!in_range(bytes) ||
	    (has_height(s) && !in_range((int64_t)s->height + bytes)) ||
	    !in_range((int64_t)s->offset + bytes)) {
		lose_height(s);
		if (is_base(s, RP_RSP))
			lose_base(s);
		return RP_STACK_MOVED;
	}
	if (has_height(s))
		s->height += bytes;
	if (is_base(s, RP_RSP))
		s->offset += bytes;
	return RP_STACK_FINE;
}

static void put_rsp(state_t *s, int64_t height)
{
	if (!in_range(height)) {
		lose_height(s);
		return;
	}
	s->height = height;
	if (is_base(s, RP_RSP))
		s->offset = height;
}

static void set_value(const struct rp_stack_rules *rules, state_t *s,
		      uint8_t reg, int64_t offset, enum rp_saved how)
{
	if ((!rules->values && reg != RP_RBP) || reg == RP_RSP ||
	    !in_range(offset))
		return;
	s->value[reg].how = how;
	s->value[reg].offset = offset;
}

static void save(state_t *s, uint8_t reg, enum rp_saved how, int64_t offset)
{
	if (!rp_stack_is_kept(reg) || s->saved[reg].how != RP_SAVED_SAME ||
	    !in_range(offset))
		return;
	s->saved[reg].how = how;
	s->saved[reg].offset = offset;
}

static void restore(const struct rp_stack_rules *rules, state_t *s, uint8_t reg)
{
	s->saved[reg].how = RP_SAVED_SAME;
	if (rules->abi->kernel)
		s->saved[reg].offset = 0;
	s->value[reg] = same;
}

/* A register has another value, not the caller's and not one of the stack. */
static void overwrite(const struct rp_stack_rules *rules, state_t *s,
		      uint8_t reg)
{
	if (rules->abi->kernel || reg >= RP_REG_NR)
		return;
	// Code without a name may well be called in other ways.
	if (rp_stack_is_kept(reg) && s->saved[reg].how == RP_SAVED_SAME &&
	    rules->named)
		s->saved[reg].how = RP_SAVED_LOST;
	s->value[reg] = same;
	if (is_base(s, reg)) {
		if (has_height(s) && !s->drap)
			set_base(s, RP_RSP, s->height);
		else
			lose_base(s);
	} else if (s->base == RP_CFA_AT_REG && s->reg == reg) {
		lose_base(s);
	}
}

void rp_stack_forget(state_t *state, uint16_t mask)
{
	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		if (mask >> i & 1)
			state->value[i] = same;
	}
	if (state->base == RP_CFA_REG && state->reg != RP_RSP &&
	    state->reg != RP_RBP && (mask >> state->reg & 1)) {
		if (has_height(state) && !state->drap)
			set_base(state, RP_RSP, state->height);
		else
			lose_base(state);
	}
}

static enum rp_stack_trouble push(state_t *s, uint8_t src)
{
	enum rp_stack_trouble trouble = shift(s, 8);

	if (trouble || src == RP_REG_NONE || !has_height(s))
		return trouble;
	if (!s->drap) {
		save(s, src, RP_SAVED_CFA, -s->height);
	} else if (is_base(s, src) && src == s->drap_reg) {
		s->base = RP_CFA_AT_REG;
		s->reg = RP_RBP;
		s->offset = s->drap_offset = -s->height;
	} else if (src == RP_RBP && is_base(s, s->drap_reg)) {
		s->height = 0;
	} else {
		save(s, src, RP_SAVED_RBP, -s->height);
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
		return shift(s, -8);
	if (is_base(s, RP_RSP))
		return RP_STACK_MOVED;
	lose_height(s);
	return RP_STACK_FINE;
}

static bool is_at(const state_t *s, uint8_t reg, int64_t offset)
{
	return (s->saved[reg].how == RP_SAVED_CFA ||
		s->saved[reg].how == RP_SAVED_RBP) &&
	       s->saved[reg].offset == offset;
}

static void pop_known(const struct rp_stack_rules *rules, state_t *s,
		      uint8_t dest)
{
	// After alloca: whoever pops the frame pointer has its slot at rsp.
	if (!rules->abi->kernel && !s->drap && !has_height(s) &&
	    dest == RP_RBP && is_base(s, dest) &&
	    s->saved[dest].how == RP_SAVED_CFA)
		s->height = -s->saved[dest].offset;
	if (!s->drap && is_base(s, dest)) {
		s->reg = RP_RSP;
		if (!rules->abi->kernel && has_height(s))
			s->offset = s->height;
	}
	if (!has_height(s)) {
		// It may well be the caller's value that comes back.
		s->value[dest] = same;
	} else if (s->drap && s->base == RP_CFA_AT_REG && dest == s->drap_reg &&
		   s->drap_offset == -s->height) {
		set_base(s, dest, 0);
		s->drap_offset = RP_DRAP_NOWHERE;
	} else if (is_at(s, dest, -(int64_t)s->height)) {
		restore(rules, s, dest);
	} else {
		overwrite(rules, s, dest);
	}
}

static enum rp_stack_trouble pop(const struct rp_stack_rules *rules, state_t *s,
				 uint8_t dest)
{
	if (dest == RP_RSP)
		return pop_rsp(rules, s);
	if (dest != RP_REG_NONE)
		pop_known(rules, s, dest);
	return shift(s, -8);
}

static bool switches_stack(const state_t *s, uint8_t src)
{
	return s->value[src].how == RP_SAVED_POINTS &&
	       s->value[src].offset == s->offset;
}

/* rsp = @src + @offset, and nothing is known of @src. */
static enum rp_stack_trouble rsp_from_unknown(const struct rp_stack_rules *rules,
					      state_t *s)
{
	if (is_base(s, RP_RSP)) {
		lose_base(s);
		lose_height(s);
		return RP_STACK_MOVED;
	}
	if (!rules->abi->kernel)
		lose_height(s);
	return RP_STACK_FINE;
}

static bool counts_from_rbp(const state_t *s)
{
	return s->drap && (is_base(s, s->drap_reg) ||
			   s->base == RP_CFA_AT_REG);
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

static enum rp_stack_trouble move_to_rsp(const struct rp_stack_rules *rules,
					 state_t *s, uint8_t src)
{
	if (src == RP_RBP && (is_base(s, RP_RBP) || counts_from_rbp(s))) {
		put_rsp(s, height_of_rbp(rules, s));
	} else if (switches_stack(s, src)) {
		if (is_base(s, RP_RSP))
			s->base = RP_CFA_AT_REG_PLUS;
		else
			return shift(s, 8);
	} else if (s->value[src].how == RP_SAVED_CFA &&
		   (is_base(s, RP_RSP) || !rules->abi->kernel)) {
		put_rsp(s, -(int64_t)s->value[src].offset);
	} else if (rules->abi->kernel && is_base(s, RP_RSP)) {
		lose_base(s);
	} else {
		return rsp_from_unknown(rules, s);
	}
	return RP_STACK_FINE;
}

static void move_from_rsp(const struct rp_stack_rules *rules, state_t *s,
			  uint8_t dest)
{
	if (dest == RP_RBP && is_base(s, RP_RSP) &&
	    s->saved[RP_RBP].how == RP_SAVED_CFA &&
	    s->saved[RP_RBP].offset == -s->offset) {
		s->reg = RP_RBP;
		set_value(rules, s, RP_RBP, -(int64_t)s->offset, RP_SAVED_CFA);
	} else if (dest == RP_RBP && s->drap) {
		s->saved[RP_RBP].how = RP_SAVED_RBP;
		s->saved[RP_RBP].offset = has_height(s) ? -s->height : 0;
	} else if (is_base(s, RP_RSP) || !rules->abi->kernel) {
		overwrite(rules, s, dest);
		if (has_height(s) && !s->drap)
			set_value(rules, s, dest, -(int64_t)s->height,
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
	if (rules->abi->kernel && is_base(s, op->dest))
		lose_base(s);
	overwrite(rules, s, op->dest);
	if (value.how == RP_SAVED_CFA)
		set_value(rules, s, op->dest, value.offset, RP_SAVED_CFA);
}

static enum rp_stack_trouble move(const struct rp_stack_rules *rules,
				  state_t *s, const struct rp_stack_op *op)
{
	if (op->dest == op->src)
		return RP_STACK_FINE;
	if (op->src == RP_RSP) {
		move_from_rsp(rules, s, op->dest);
		return RP_STACK_FINE;
	}
	if (op->dest == RP_RSP)
		return move_to_rsp(rules, s, op->src);
	move_other(rules, s, op);
	return RP_STACK_FINE;
}

/* rsp = rbp + @offset */
static enum rp_stack_trouble rsp_from_rbp(const struct rp_stack_rules *rules,
					  state_t *s, int32_t offset)
{
	if (counts_from_rbp(s) || is_base(s, RP_RBP))
		put_rsp(s, (int64_t)height_of_rbp(rules, s) - offset);
	else if (s->value[RP_RBP].how == RP_SAVED_CFA)
		put_rsp(s, -(int64_t)s->value[RP_RBP].offset - offset);
	else if (!rules->abi->kernel)
		return rsp_from_unknown(rules, s);
	return RP_STACK_FINE;
}

/* rsp = @src + @offset, other registers than rsp and rbp */
static enum rp_stack_trouble rsp_from_other(const struct rp_stack_rules *rules,
					    state_t *s,
					    const struct rp_stack_op *op)
{
	if (s->drap && op->src == s->drap_reg) {
		set_base(s, RP_RSP, -op->offset);
		s->height = -op->offset;
		s->drap = false;
		s->drap_reg = RP_REG_NONE;
		return RP_STACK_FINE;
	}
	if (s->value[op->src].how == RP_SAVED_CFA && !rules->abi->kernel) {
		put_rsp(s, -(int64_t)s->value[op->src].offset - op->offset);
		return RP_STACK_FINE;
	}
	if (rules->abi->kernel)
		return is_base(s, RP_RSP) && !rules->hinted ? RP_STACK_MOVED :
							      RP_STACK_FINE;
	return rsp_from_unknown(rules, s);
}

static void add_from_rsp(const struct rp_stack_rules *rules, state_t *s,
			 const struct rp_stack_op *op)
{
	overwrite(rules, s, op->dest);
	if (!has_height(s) || s->drap)
		return;
	if (rules->values)
		s->drap_reg = op->dest;
	set_value(rules, s, op->dest, (int64_t)op->offset - s->height,
		  RP_SAVED_CFA);
}

static enum rp_stack_trouble add_other(const struct rp_stack_rules *rules,
				       state_t *s, const struct rp_stack_op *op)
{
	struct rp_saved_reg value = s->value[op->src];

	if (rules->abi->kernel) {
		// add and sub of other registers are not seen there.
		return is_base(s, op->dest) && (op->flags & RP_OP_LEA) &&
		       !rules->hinted ? RP_STACK_MOVED : RP_STACK_FINE;
	}
	if (is_base(s, op->dest) && op->dest == op->src &&
	    in_range((int64_t)s->offset - op->offset)) {
		s->offset -= op->offset;
	} else {
		overwrite(rules, s, op->dest);
	}
	s->value[op->dest] = same;
	if (value.how == RP_SAVED_CFA)
		set_value(rules, s, op->dest,
			  (int64_t)value.offset + op->offset, RP_SAVED_CFA);
	return RP_STACK_FINE;
}

static enum rp_stack_trouble add(const struct rp_stack_rules *rules, state_t *s,
				 const struct rp_stack_op *op)
{
	if (op->dest == RP_RSP) {
		if (!in_range(op->offset))
			return RP_STACK_MOVED;
		if (op->src == RP_RSP)
			return shift(s, -op->offset);
		if (op->src == RP_RBP)
			return rsp_from_rbp(rules, s, op->offset);
		return rsp_from_other(rules, s, op);
	}
	if (op->src == RP_RSP &&
	    (is_base(s, RP_RSP) || !rules->abi->kernel)) {
		add_from_rsp(rules, s, op);
		return RP_STACK_FINE;
	}
	return add_other(rules, s, op);
}

/* A register that holds the CFA, for the time that rsp does not lead to it. */
static uint8_t find_drap(const state_t *s)
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
	return RP_REG_NONE;
}

static enum rp_stack_trouble realign(const struct rp_stack_rules *rules,
				     state_t *s, uint8_t dest)
{
	if (dest != RP_RSP) {
		overwrite(rules, s, dest);
		return RP_STACK_FINE;
	}
	// .eh_frame may have told before that the CFA is in another register.
	bool told = s->base == RP_CFA_REG && s->reg != RP_RBP && !s->offset;
	if (!is_base(s, RP_RSP) && !told) {
		if (!rules->abi->kernel)
			lose_height(s);
		return RP_STACK_FINE;
	}
	uint8_t drap = is_base(s, RP_RSP) ? find_drap(s) : s->reg;
	if (drap == RP_REG_NONE) {
		lose_base(s);
		lose_height(s);
		return RP_STACK_REALIGNED;
	}
	set_base(s, drap, 0);
	s->height = 0;
	s->drap = true;
	s->drap_reg = drap;
	memset(s->value, 0, sizeof(s->value));
	return RP_STACK_FINE;
}

static enum rp_stack_trouble load_rsp(const struct rp_stack_rules *rules,
				      state_t *s)
{
	return rules->abi->kernel ? RP_STACK_FINE : rsp_from_unknown(rules, s);
}

static bool loads_saved(const state_t *s, const struct rp_stack_op *op)
{
	uint8_t how = s->saved[op->dest].how;
	int64_t at = s->saved[op->dest].offset;

	if (how == RP_SAVED_RBP)
		return s->drap && op->src == RP_RBP && op->offset == at;
	if (how != RP_SAVED_CFA)
		return false;
	if (is_base(s, op->src) && op->offset == at + s->offset)
		return true;
	if (op->src == RP_RBP && s->value[RP_RBP].how == RP_SAVED_CFA)
		return op->offset == at - s->value[RP_RBP].offset;
	return op->src == RP_RSP && has_height(s) &&
	       op->offset == at + s->height;
}

static enum rp_stack_trouble load(const struct rp_stack_rules *rules,
				  state_t *s, const struct rp_stack_op *op)
{
	if (op->dest == RP_RSP)
		return load_rsp(rules, s);
	if (op->src != RP_RSP && op->src != RP_RBP) {
		overwrite(rules, s, op->dest);
		return RP_STACK_FINE;
	}
	bool saved = loads_saved(s, op);
	if (!s->drap && op->dest == RP_RBP && is_base(s, RP_RBP)) {
		if (has_height(s))
			set_base(s, RP_RSP, s->height);
		else
			lose_base(s);
		saved = saved || loads_saved(s, op);
	}
	if (s->drap && op->src == RP_RBP && op->dest == s->drap_reg &&
	    op->offset == s->drap_offset) {
		set_base(s, s->drap_reg, 0);
		s->drap_offset = RP_DRAP_NOWHERE;
		restore(rules, s, op->dest);
	} else if (saved) {
		restore(rules, s, op->dest);
	} else {
		overwrite(rules, s, op->dest);
	}
	return RP_STACK_FINE;
}

static void store_beside_drap(state_t *s, const struct rp_stack_op *op)
{
	if (op->dest != RP_RBP)
		return;
	if (is_base(s, op->src) && op->src == s->drap_reg) {
		s->base = RP_CFA_AT_REG;
		s->reg = RP_RBP;
		s->offset = s->drap_offset = op->offset;
	} else {
		save(s, op->src, RP_SAVED_RBP, op->offset);
	}
}

static enum rp_stack_trouble store(const struct rp_stack_rules *rules,
				   state_t *s, const struct rp_stack_op *op)
{
	if (s->drap)
		store_beside_drap(s, op);
	else if (is_base(s, op->dest))
		save(s, op->src, RP_SAVED_CFA, (int64_t)op->offset - s->offset);
	else if (op->dest == RP_RSP && has_height(s))
		save(s, op->src, RP_SAVED_CFA, (int64_t)op->offset - s->height);
	else if (op->dest == RP_RBP && s->value[RP_RBP].how == RP_SAVED_CFA)
		save(s, op->src, RP_SAVED_CFA,
		     (int64_t)op->offset + s->value[RP_RBP].offset);
	else if (op->src == RP_RSP && !op->offset && op->dest < RP_REG_NR)
		set_value(rules, s, op->dest, s->offset, RP_SAVED_POINTS);
	return RP_STACK_FINE;
}

static enum rp_stack_trouble clobber(const struct rp_stack_rules *rules,
				     state_t *s, const struct rp_stack_op *op)
{
	if (op->dest != RP_RSP) {
		overwrite(rules, s, op->dest);
		return RP_STACK_FINE;
	}
	if (!rules->abi->kernel)
		return rsp_from_unknown(rules, s);
	return op->src != RP_REG_NONE && is_base(s, RP_RSP) && !rules->hinted ?
		RP_STACK_MOVED : RP_STACK_FINE;
}

static enum rp_stack_trouble exchange(const struct rp_stack_rules *rules,
				      state_t *s, const struct rp_stack_op *op)
{
	if (rules->abi->kernel)
		return RP_STACK_FINE;
	if (op->dest == RP_RSP || op->src == RP_RSP) {
		overwrite(rules, s, op->dest == RP_RSP ? op->src : op->dest);
		return rsp_from_unknown(rules, s);
	}
	overwrite(rules, s, op->dest);
	overwrite(rules, s, op->src);
	return RP_STACK_FINE;
}

static enum rp_stack_trouble enter(state_t *s, const struct rp_stack_rules *r,
				   int32_t bytes)
{
	enum rp_stack_trouble trouble = push(s, RP_RBP);

	if (!trouble)
		move_from_rsp(r, s, RP_RBP);
	return trouble ? trouble : shift(s, bytes);
}

static enum rp_stack_trouble leave(const struct rp_stack_rules *rules,
				   state_t *s)
{
	enum rp_stack_trouble trouble = move_to_rsp(rules, s, RP_RBP);

	return trouble ? trouble : pop(rules, s, RP_RBP);
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
	if (!in_range(s->offset + bytes))
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
		return move(rules, state, op);
	case RP_OP_ADD:
		return add(rules, state, op);
	case RP_OP_AND:
		return realign(rules, state, op->dest);
	case RP_OP_LOAD:
		return load(rules, state, op);
	case RP_OP_STORE:
		return store(rules, state, op);
	case RP_OP_PUSH:
		return push(state, op->src);
	case RP_OP_POP:
		return pop(rules, state, op->dest);
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
	if (!is_base(state, RP_RSP) || state->drap || state->offset != 8 ||
	    state->height != 8 || state->saved[RP_RSP].how != RP_SAVED_CFA)
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
