/* SPDX-License-Identifier: MIT */
/* What the parts that move a state of the stack share. */
#ifndef REPOINT_OBJECT_STACK_OPS_H
#define REPOINT_OBJECT_STACK_OPS_H

#include "internal.h"

typedef struct rp_stack_state state_t;

#define RP_SAME	((struct rp_saved_reg){ 0, RP_SAVED_SAME })

static inline bool rp_stack_is_base(const state_t *s, uint8_t reg)
{
	return s->base == RP_CFA_REG && s->reg == reg;
}

static inline bool rp_stack_has_height(const state_t *s)
{
	return s->height != INT32_MIN;
}

static inline bool rp_stack_in_range(int64_t offset)
{
	return offset > -RP_STACK_MAX && offset < RP_STACK_MAX;
}

/* regs.c */
void rp_stack_lose_height(state_t *s);
void rp_stack_set_base(state_t *s, uint8_t reg, int32_t offset);
void rp_stack_lose_base(state_t *s);
/** rsp moves down by @bytes. */
enum rp_stack_trouble rp_stack_shift(state_t *s, int32_t bytes);
void rp_stack_put_rsp(state_t *s, int64_t height);
/** A register leads to the stack. */
void rp_stack_set_value(const struct rp_stack_rules *rules, state_t *s,
			uint8_t reg, int64_t offset, enum rp_saved how);
/** The caller's value of a register is put somewhere. */
void rp_stack_save(state_t *s, uint8_t reg, enum rp_saved how, int64_t offset);
/** ... and comes back. */
void rp_stack_restore(const struct rp_stack_rules *rules, state_t *s,
		      uint8_t reg);
/** A register has another value, not the caller's and not one of the stack. */
void rp_stack_overwrite(const struct rp_stack_rules *rules, state_t *s,
			uint8_t reg);

/* slots.c */
enum rp_stack_trouble rp_stack_push(state_t *s, uint8_t src);
enum rp_stack_trouble rp_stack_pop(const struct rp_stack_rules *rules,
				   state_t *s, uint8_t dest);
enum rp_stack_trouble rp_stack_load(const struct rp_stack_rules *rules,
				    state_t *s, const struct rp_stack_op *op);
enum rp_stack_trouble rp_stack_store(const struct rp_stack_rules *rules,
				     state_t *s, const struct rp_stack_op *op);

/* moves.c */
enum rp_stack_trouble rp_stack_move(const struct rp_stack_rules *rules,
				    state_t *s, const struct rp_stack_op *op);
enum rp_stack_trouble rp_stack_add(const struct rp_stack_rules *rules,
				   state_t *s, const struct rp_stack_op *op);
enum rp_stack_trouble rp_stack_realign(const struct rp_stack_rules *rules,
				       state_t *s, uint8_t dest);
enum rp_stack_trouble rp_stack_move_to_rsp(const struct rp_stack_rules *rules,
					   state_t *s, uint8_t src);
void rp_stack_move_from_rsp(const struct rp_stack_rules *rules, state_t *s,
			    uint8_t dest);
/** rsp gets a value of which nothing is known. */
enum rp_stack_trouble
rp_stack_rsp_from_unknown(const struct rp_stack_rules *rules, state_t *s);

#endif /* REPOINT_OBJECT_STACK_OPS_H */
