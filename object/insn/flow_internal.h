/* SPDX-License-Identifier: MIT */
/* What the parts of the instruction decoder share. */
#ifndef REPOINT_OBJECT_INSN_FLOW_INTERNAL_H
#define REPOINT_OBJECT_INSN_FLOW_INTERNAL_H

#include "flow.h"
#include "zydis.h"

/* What REX, VEX and their like add to the registers' numbers. */
struct rp_insn_extension {
	uint8_t w, r, x, b;
	bool rex;
};

/* writes.c */
/** Which operand is written, as one letter: see there. */
char rp_insn_write_form(uint8_t map, uint8_t opcode, bool legacy);
/** Registers that a fully decoded instruction writes: 1 << enum rp_reg each. */
uint16_t rp_insn_written(const uint8_t *code, size_t size);
/** The one register that its operands say it writes, or RP_REG_NONE. */
uint8_t rp_insn_register(const rp_zydis_insn *insn,
			 struct rp_insn_extension e, const uint8_t *code);
/** modrm.rm, if that is a register, or RP_REG_NONE. */
uint8_t rp_insn_rm(const rp_zydis_insn *insn, struct rp_insn_extension e);

/* stack_op.c */
/** @every: moves and additions of any registers, too. */
struct rp_stack_op rp_insn_stack_op(const rp_zydis_insn *insn,
				    struct rp_insn_extension e,
				    const struct rp_insn_flow *flow,
				    bool every);

static inline bool rp_insn_is_frame(uint8_t reg)
{
	return reg == RP_RSP || reg == RP_RBP;
}

#endif /* REPOINT_OBJECT_INSN_FLOW_INTERNAL_H */
