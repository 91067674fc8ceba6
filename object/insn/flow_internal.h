/* SPDX-License-Identifier: MIT */
/* What the parts of the instruction decoder share. */
#ifndef REPOINT_OBJECT_INSN_FLOW_INTERNAL_H
#define REPOINT_OBJECT_INSN_FLOW_INTERNAL_H

#include "flow.h"

#include <Zydis/Zydis.h>

typedef ZydisDecodedInstruction rp_zydis_insn;

/* What REX, VEX and their like add to the registers' numbers. */
struct rp_insn_extension {
	uint8_t w, r, x, b;
	bool rex;
};

/* flow.c */
/** The decoder of fields alone, or of operands, too: one each per thread. */
ZydisDecoder *rp_insn_decoder(bool full);

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

static inline bool rp_insn_is_plain(const rp_zydis_insn *insn)
{
	return insn->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT;
}

static inline bool rp_insn_is_0f(const rp_zydis_insn *insn)
{
	return insn->opcode_map == ZYDIS_OPCODE_MAP_0F &&
	       insn->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;
}

static inline bool rp_insn_has_modrm(const rp_zydis_insn *insn)
{
	return insn->attributes & ZYDIS_ATTRIB_HAS_MODRM;
}

static inline bool rp_insn_has_memory(const rp_zydis_insn *insn)
{
	return rp_insn_has_modrm(insn) && insn->raw.modrm.mod != 3;
}

static inline bool rp_insn_has_prefix(const rp_zydis_insn *insn, uint8_t value)
{
	for (size_t i = 0; i < insn->raw.prefix_count; i++) {
		if (insn->raw.prefixes[i].value == value)
			return true;
	}
	return false;
}

static inline bool rp_insn_is_frame(uint8_t reg)
{
	return reg == RP_RSP || reg == RP_RBP;
}

#endif /* REPOINT_OBJECT_INSN_FLOW_INTERNAL_H */
