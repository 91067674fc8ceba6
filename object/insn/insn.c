/* SPDX-License-Identifier: MIT */
/* Fields of instructions, through Zydis. */
#include "insn.h"
#include "zydis.h"

#include <errno.h>

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
#define PREFIX_CS	0x2e

static bool is_plain(const rp_zydis_insn *insn, uint8_t opcode)
{
	return rp_insn_is_plain(insn) && insn->opcode == opcode;
}

static bool is_0f(const rp_zydis_insn *insn, uint8_t opcode)
{
	return rp_insn_is_0f(insn) && insn->opcode == opcode;
}

static bool is_group5(const rp_zydis_insn *insn, uint8_t reg)
{
	return is_plain(insn, OPCODE_GROUP5) && insn->raw.modrm.reg == reg;
}

// With F3 the opcode 90 is PAUSE, with REX.B it exchanges registers.
static bool is_nop(const rp_zydis_insn *insn)
{
	if (is_0f(insn, OPCODE_NOP_RM))
		return true;
	return is_plain(insn, OPCODE_NOP) && !rp_insn_has_prefix(insn, 0xf3) &&
	       !insn->raw.rex.B;
}

static bool ends_flow(const rp_zydis_insn *insn)
{
	return is_plain(insn, 0xe9) || is_plain(insn, OPCODE_JMP8) ||
	       is_plain(insn, OPCODE_RET) || is_plain(insn, OPCODE_RET_IMM) ||
	       is_plain(insn, OPCODE_HLT) || is_0f(insn, OPCODE_UD2) ||
	       is_group5(insn, GROUP5_JMP) || is_group5(insn, GROUP5_JMP_FAR);
}

static bool is_rip_relative(const rp_zydis_insn *insn)
{
	return rp_insn_has_modrm(insn) &&
	       insn->raw.modrm.mod == 0 && insn->raw.modrm.rm == 5 &&
	       insn->raw.disp.size == 32;
}

static enum rp_insn_branch branch_of(const rp_zydis_insn *insn)
{
	if (insn->raw.imm[0].is_relative && insn->raw.imm[0].size == 32) {
		if (is_plain(insn, 0xe8))
			return RP_INSN_CALL;
		if (is_plain(insn, 0xe9))
			return RP_INSN_JMP;
		if (rp_insn_is_0f(insn) && (insn->opcode & 0xf0) == 0x80)
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

static bool has_only_cs(const rp_zydis_insn *insn)
{
	for (size_t i = 0; i < insn->raw.prefix_count; i++) {
		if (insn->raw.prefixes[i].value != PREFIX_CS)
			return false;
	}
	return true;
}

int rp_insn_decode(const uint8_t *code, size_t size, struct rp_insn *ret)
{
	rp_zydis_insn insn;

	if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(rp_zydis_decoder(false),
						      NULL, code, size, &insn)))
		return -EILSEQ;
	*ret = (struct rp_insn){
		.length = insn.length,
		.disp = insn.raw.disp.offset,
		.disp_size = insn.raw.disp.size / 8,
		.imm = insn.raw.imm[0].offset,
		.imm_size = insn.raw.imm[0].size / 8,
		.relative = insn.raw.imm[0].is_relative,
		.rip = is_rip_relative(&insn),
		.nop = is_nop(&insn),
		.trap = is_plain(&insn, OPCODE_INT3),
		.ends = ends_flow(&insn),
		.prefixed = insn.raw.prefix_count,
		.only_cs = has_only_cs(&insn),
		.branch = branch_of(&insn),
	};
	return 0;
}
