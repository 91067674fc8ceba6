/* SPDX-License-Identifier: MIT */
/* Instructions of x86-64, through Zydis. */
#include "insn.h"

#include <Zydis/Zydis.h>
#include <errno.h>
#include <stdio.h>

#define OPCODE_CALL		0xe8
#define OPCODE_JMP		0xe9
#define OPCODE_GROUP5		0xff	/* what it does is in modrm.reg */
#define GROUP5_CALL		2
#define GROUP5_JMP		4
#define MODRM_RM_RIP		5	/* with mod 0 */
#define PREFIX_CS		0x2e

static enum rp_insn_branch relative_branch(const ZydisDecodedInstruction *insn)
{
	if (!insn->raw.imm[0].is_relative || insn->raw.imm[0].size != 32)
		return RP_INSN_OTHER;
	if (insn->opcode_map == ZYDIS_OPCODE_MAP_0F)
		return (insn->opcode & 0xf0) == 0x80 ? RP_INSN_JCC :
						       RP_INSN_OTHER;
	if (insn->opcode_map != ZYDIS_OPCODE_MAP_DEFAULT)
		return RP_INSN_OTHER;
	if (insn->opcode == OPCODE_CALL)
		return RP_INSN_CALL;
	return insn->opcode == OPCODE_JMP ? RP_INSN_JMP : RP_INSN_OTHER;
}

static enum rp_insn_branch memory_branch(const ZydisDecodedInstruction *insn)
{
	if (insn->opcode_map != ZYDIS_OPCODE_MAP_DEFAULT ||
	    insn->opcode != OPCODE_GROUP5 || insn->raw.modrm.mod != 0 ||
	    insn->raw.modrm.rm != MODRM_RM_RIP)
		return RP_INSN_OTHER;
	if (insn->raw.modrm.reg == GROUP5_CALL)
		return RP_INSN_CALL_MEM;
	return insn->raw.modrm.reg == GROUP5_JMP ? RP_INSN_JMP_MEM :
						   RP_INSN_OTHER;
}

static bool has_only_cs(const ZydisDecodedInstruction *insn)
{
	for (size_t i = 0; i < insn->raw.prefix_count; i++) {
		if (insn->raw.prefixes[i].value != PREFIX_CS)
			return false;
	}
	return true;
}

int rp_insn_decode(const uint8_t *code, size_t size, struct rp_insn *ret)
{
	ZydisDecodedInstruction insn;
	ZydisDecoder decoder;

	if (ZYAN_FAILED(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
					 ZYDIS_STACK_WIDTH_64)) ||
	    ZYAN_FAILED(ZydisDecoderDecodeInstruction(&decoder, NULL, code,
						      size, &insn)))
		return -EILSEQ;
	ret->length = insn.length;
	ret->prefixed = insn.raw.prefix_count != 0;
	ret->only_cs = has_only_cs(&insn);
	ret->branch = relative_branch(&insn);
	ret->field = insn.raw.imm[0].offset;
	if (ret->branch == RP_INSN_OTHER) {
		ret->branch = memory_branch(&insn);
		ret->field = insn.raw.disp.offset;
	}
	return 0;
}

const char *rp_insn_decoder_version(void)
{
	static char text[32];
	uint64_t version = ZydisGetVersion();

	snprintf(text, sizeof(text), "%u.%u.%u",
		 (unsigned int)ZYDIS_VERSION_MAJOR(version),
		 (unsigned int)ZYDIS_VERSION_MINOR(version),
		 (unsigned int)ZYDIS_VERSION_PATCH(version));
	return text;
}
