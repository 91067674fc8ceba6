/* SPDX-License-Identifier: MIT */
/*
 * Fields of instructions, through Zydis.
 *
 * Its minimal mode is enough, and twice as fast: a differ decodes every
 * instruction of two objects.
 */
#include "fields.h"

#include <Zydis/Zydis.h>
#include <errno.h>
#include <string.h>

static const ZydisDecoder *decoder(void)
{
	static _Thread_local ZydisDecoder decoder;
	static _Thread_local bool ready;

	if (!ready) {
		ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
				 ZYDIS_STACK_WIDTH_64);
		ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_MINIMAL,
				       ZYAN_TRUE);
		ready = true;
	}
	return &decoder;
}

#define OPCODE_JMP8	0xeb
#define OPCODE_RET	0xc3
#define OPCODE_RET_IMM	0xc2
#define OPCODE_INT3	0xcc
#define OPCODE_NOP	0x90
#define OPCODE_UD2	0x0b	/* in the map 0f */
#define OPCODE_NOP_RM	0x1f	/* the same */
#define OPCODE_HLT	0xf4
#define OPCODE_GROUP5	0xff
#define GROUP5_CALL	2
#define GROUP5_JMP	4
#define GROUP5_JMP_FAR	5

static bool is_plain(const ZydisDecodedInstruction *insn, uint8_t opcode)
{
	return insn->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT &&
	       insn->opcode == opcode;
}

static bool is_0f(const ZydisDecodedInstruction *insn, uint8_t opcode)
{
	return insn->opcode_map == ZYDIS_OPCODE_MAP_0F &&
	       insn->opcode == opcode;
}

static bool is_group5(const ZydisDecodedInstruction *insn, uint8_t reg)
{
	return is_plain(insn, OPCODE_GROUP5) && insn->raw.modrm.reg == reg;
}

// With F3 the opcode 90 is PAUSE, with REX.B it exchanges registers.
static bool is_nop(const ZydisDecodedInstruction *insn, const uint8_t *code)
{
	if (is_0f(insn, OPCODE_NOP_RM))
		return true;
	return is_plain(insn, OPCODE_NOP) && !memchr(code, 0xf3, insn->length) &&
	       !(insn->raw.rex.offset < insn->length && insn->raw.rex.B);
}

static bool ends_flow(const ZydisDecodedInstruction *insn)
{
	return is_plain(insn, 0xe9) || is_plain(insn, OPCODE_JMP8) ||
	       is_plain(insn, OPCODE_RET) || is_plain(insn, OPCODE_RET_IMM) ||
	       is_plain(insn, OPCODE_HLT) || is_0f(insn, OPCODE_UD2) ||
	       is_group5(insn, GROUP5_JMP) || is_group5(insn, GROUP5_JMP_FAR);
}

static bool is_rip_relative(const ZydisDecodedInstruction *insn)
{
	return (insn->attributes & ZYDIS_ATTRIB_HAS_MODRM) &&
	       insn->raw.modrm.mod == 0 && insn->raw.modrm.rm == 5 &&
	       insn->raw.disp.size == 32;
}

static enum rp_insn_branch branch_of(const ZydisDecodedInstruction *insn)
{
	if (insn->raw.imm[0].is_relative && insn->raw.imm[0].size == 32) {
		if (is_plain(insn, 0xe8))
			return RP_INSN_CALL;
		if (is_plain(insn, 0xe9))
			return RP_INSN_JMP;
		if (insn->opcode_map == ZYDIS_OPCODE_MAP_0F &&
		    (insn->opcode & 0xf0) == 0x80)
			return RP_INSN_JCC;
	}
	if (is_rip_relative(insn)) {
		if (is_group5(insn, GROUP5_CALL))
			return RP_INSN_CALL_MEM;
		if (is_group5(insn, GROUP5_JMP))
			return RP_INSN_JMP_MEM;
	}
	return RP_INSN_OTHER;
}

int rp_insn_fields(const uint8_t *code, size_t size,
		   struct rp_insn_fields *ret)
{
	ZydisDecodedInstruction insn;

	if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(decoder(), NULL, code,
						      size, &insn)))
		return -EILSEQ;
	ret->length = insn.length;
	ret->disp = insn.raw.disp.offset;
	ret->disp_size = insn.raw.disp.size / 8;
	ret->imm = insn.raw.imm[0].offset;
	ret->imm_size = insn.raw.imm[0].size / 8;
	ret->relative = insn.raw.imm[0].is_relative;
	ret->rip = is_rip_relative(&insn);
	ret->nop = is_nop(&insn, code);
	ret->trap = is_plain(&insn, OPCODE_INT3);
	ret->ends = ends_flow(&insn);
	ret->branch = branch_of(&insn);
	return 0;
}
