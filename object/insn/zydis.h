/* SPDX-License-Identifier: MIT */
/* Zydis, for what decodes instructions here; nothing else includes it. */
#ifndef REPOINT_OBJECT_INSN_ZYDIS_H
#define REPOINT_OBJECT_INSN_ZYDIS_H

#include <Zydis/Zydis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef ZydisDecodedInstruction rp_zydis_insn;

/**
 * rp_zydis_decoder() - one for each thread.
 * @full: of operands, too. Without it an instruction is split into its fields
 *        alone, in half the time.
 */
const ZydisDecoder *rp_zydis_decoder(bool full);

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

#endif /* REPOINT_OBJECT_INSN_ZYDIS_H */
