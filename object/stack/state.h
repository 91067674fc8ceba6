/* SPDX-License-Identifier: MIT */
/*
 * The stack at one instruction: where the caller's frame is, and what the
 * function has kept of its caller's registers. All offsets are in bytes from
 * the CFA: the stack pointer before the call that entered the function.
 */
#ifndef REPOINT_OBJECT_STACK_STATE_H
#define REPOINT_OBJECT_STACK_STATE_H

#include "../insn/flow.h"

/** enum rp_cfa_base - what the CFA is counted from. */
enum rp_cfa_base {
	RP_CFA_UNKNOWN,		/**< no stack that could be unwound */
	RP_CFA_REG,		/**< register + offset */
	RP_CFA_AT_REG,		/**< [register + offset]: a saved DRAP (rbp), as ORC has
				     BP_INDIRECT */
	RP_CFA_AT_REG_PLUS,	/**< [register] + offset: another stack's word at rsp,
				     as ORC has SP_INDIRECT */
};

/** enum rp_saved - where the caller's value of a register is. */
enum rp_saved {
	RP_SAVED_SAME,		/**< in the register */
	RP_SAVED_CFA,		/**< at CFA + offset */
	RP_SAVED_RBP,		/**< at rbp + offset (realigned stacks) */
	RP_SAVED_LOST,		/**< nowhere that is known */
	RP_SAVED_POINTS,	/**< (of values) points to a word that holds the stack
				     pointer, when the CFA was @offset above it */
	RP_SAVED_COPY,		/**< (of values) is what the caller left in register
				     @offset */
};

/** enum rp_frame_type - as in ORC. */
enum rp_frame_type {
	RP_FRAME_UNDEFINED,	/**< not reached, or no stack */
	RP_FRAME_END,		/**< the outermost one */
	RP_FRAME_CALL,		/**< entered by a call */
	RP_FRAME_REGS,		/**< the CFA base points to a full set of registers */
	RP_FRAME_REGS_PARTIAL,	/**< ... to what the processor pushed alone */
};

/** Offsets beyond this do not occur in a stack that can be understood. */
#define RP_STACK_MAX	(1 << 27)

struct rp_saved_reg {
	int32_t offset : 29;
	uint32_t how : 3;	/* enum rp_saved */
};

/**
 * struct rp_stack_state - one state. States are kept once each: equal states
 * have equal indices.
 * @base, @reg, @offset: of the CFA
 * @type:   enum rp_frame_type
 * @signal: the pc of this frame is exact
 * @end:    with linux-6.1: its end bit
 * @saved:  for each register that callees keep. rsp's entry is that of the return
 *          address. Of RP_SAVED_SAME @offset is where it was saved, or 0
 * What else the walk must know about registers and the stack follows; two
 * states that agree above but not below are the same to unwinders:
 * @drap:   the stack was realigned; the CFA is counted from @drap_reg, which is
 *          saved at rbp + @drap_offset (RP_DRAP_NOWHERE: not), and @height from
 *          what rbp is, or will be
 * @height: bytes below the CFA of the stack pointer; INT32_MIN: not known
 * @value:  registers that hold CFA + offset (how = RP_SAVED_CFA), or _POINTS, _COPY,
 *          else SAME
 */
struct rp_stack_state {
	uint8_t base, reg;
	uint8_t type;
	bool signal;
	bool end;
	bool drap;
	uint8_t drap_reg;
	uint8_t unused;
	int32_t offset;
	int32_t drap_offset;
	int32_t height;
	struct rp_saved_reg saved[RP_REG_NR];
	struct rp_saved_reg value[RP_REG_NR];
};

#define RP_DRAP_NOWHERE	INT32_MAX

struct rp_stack_states;	/* all that occur in an object, by index; 0 is none */

struct rp_stack_states *rp_stack_states_create(void);
void rp_stack_states_destroy(struct rp_stack_states *states);

/** rp_stack_states_add() - the index of a state. Return: 0 without memory. */
uint32_t rp_stack_states_add(struct rp_stack_states *states,
			     const struct rp_stack_state *state);

/** rp_stack_state() - by index. Valid until the next one is added. */
const struct rp_stack_state *rp_stack_state(const struct rp_stack_states *states,
					    uint32_t index);

/** rp_stack_state_text() - "rsp+16, rbp at cfa-16": for messages. */
void rp_stack_state_text(const struct rp_stack_state *state, char *ret,
			 size_t size);

/** rp_stack_state_same() - the same to an unwinder? */
bool rp_stack_state_same(const struct rp_stack_state *a,
			 const struct rp_stack_state *b);

#endif /* REPOINT_OBJECT_STACK_STATE_H */
