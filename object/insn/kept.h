/* SPDX-License-Identifier: MIT */
/* Registers that callees keep, and stores to the stack: what an instruction of
 * x86-64 does to them. */
#ifndef REPOINT_OBJECT_INSN_KEPT_H
#define REPOINT_OBJECT_INSN_KEPT_H

#include "flow.h"

/**
 * struct rp_insn_glance - what can be seen without decoding.
 * @writes: registers that it may write, 1 << enum rp_reg each. Of those that
 *          callees keep none that it writes is missing, but for rbp.
 * @base:   it may store at [@base + @disp], which is rsp or rbp, at most @width
 *          bytes (0: rp_insn_values() tells, and where); RP_REG_NONE: not so. What
 *          is pushed is not told.
 */
struct rp_insn_glance {
	uint16_t writes;
	uint8_t base;
	uint8_t width;
	int32_t disp;
};

/** rp_insn_glance() - of an instruction that rp_insn_flow() has decoded. */
void rp_insn_glance(const uint8_t *code, uint8_t length,
		    struct rp_insn_glance *ret);

/**
 * struct rp_insn_values - where values go, by the operands.
 * @writes: registers that get another value, wholly or in part
 * @copies: registers of which the whole value is put into another register, or
 *          into memory
 * @reads:  others of which the value is used
 * @loads:  registers that get a whole value from another one, or from memory
 * @stored: bytes written through its memory operand; 0: none, or it stays as it
 *          is. @disp: of it
 */
struct rp_insn_values {
	uint16_t writes, copies, loads, reads;
	uint16_t stored;
	int64_t disp;
};

/** rp_insn_values() - Return: 0, or -EILSEQ. */
int rp_insn_values(const uint8_t *code, uint8_t length,
		   struct rp_insn_values *ret);

#endif /* REPOINT_OBJECT_INSN_KEPT_H */
