/* SPDX-License-Identifier: MIT */
/*
 * What instructions do to the flow of control and to the stack.
 *
 * Zydis in its minimal mode splits an instruction into its fields; which of them
 * names the register that is written follows from the opcode. The few opcodes for
 * which that is not so are decoded in full. Whether this is right is tested
 * against Zydis's lists of operands.
 */
#include "flow_internal.h"

#include <errno.h>
#include <string.h>

const char *rp_reg_name(uint8_t reg)
{
	static const char *const names[RP_REG_NR] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
	};

	return reg < RP_REG_NR ? names[reg] : "?";
}

static struct rp_insn_extension extension_of(const rp_zydis_insn *insn)
{
	struct rp_insn_extension e = { 0 };

	switch (insn->encoding) {
	case ZYDIS_INSTRUCTION_ENCODING_LEGACY:
		e = (struct rp_insn_extension){ insn->raw.rex.W,
						insn->raw.rex.R * 8,
						insn->raw.rex.X * 8,
						insn->raw.rex.B * 8, false };
		e.rex = insn->attributes & ZYDIS_ATTRIB_HAS_REX;
		break;
	case ZYDIS_INSTRUCTION_ENCODING_VEX:
		e.x = !insn->raw.vex.X * 8;
		e.b = !insn->raw.vex.B * 8;
		break;
	case ZYDIS_INSTRUCTION_ENCODING_EVEX:
		e.x = !insn->raw.evex.X * 8;
		e.b = !insn->raw.evex.B * 8;
		break;
	case ZYDIS_INSTRUCTION_ENCODING_XOP:
		e.x = !insn->raw.xop.X * 8;
		e.b = !insn->raw.xop.B * 8;
		break;
	default:
		break;
	}
	return e;
}

static void find_memory(const rp_zydis_insn *insn, struct rp_insn_extension e,
			struct rp_insn_flow *ret)
{
	if (!rp_insn_has_memory(insn))
		return;
	if (insn->raw.modrm.rm == 5 && insn->raw.modrm.mod == 0) {
		ret->rip = true;
	} else if (insn->raw.modrm.rm != 4) {
		ret->base = insn->raw.modrm.rm + e.b;
	} else {
		if (insn->raw.sib.base != 5 || insn->raw.modrm.mod != 0)
			ret->base = insn->raw.sib.base + e.b;
		if (insn->raw.sib.index + e.x != RP_RSP) {
			ret->index = insn->raw.sib.index + e.x;
			ret->scale = 1 << insn->raw.sib.scale;
		}
	}
	ret->memory = !(rp_insn_is_plain(insn) && insn->opcode == 0x8d);
}

static void find_fields(const rp_zydis_insn *insn, struct rp_insn_flow *ret)
{
	ret->length = insn->length;
	ret->disp = insn->raw.disp.offset;
	ret->disp_size = insn->raw.disp.size / 8;
	if (insn->raw.imm[0].is_relative) {
		ret->target = insn->raw.imm[0].offset;
		ret->target_size = insn->raw.imm[0].size / 8;
	} else {
		ret->imm = insn->raw.imm[0].offset;
		ret->imm_size = insn->raw.imm[0].size / 8;
	}
}

static enum rp_flow flow_of_group5(const rp_zydis_insn *insn)
{
	switch (insn->raw.modrm.reg) {
	case 2:
	case 3:
		return RP_FLOW_CALL_INDIRECT;
	case 4:
		return RP_FLOW_JMP_INDIRECT;
	case 5:
		return RP_FLOW_SWITCH;
	default:
		return RP_FLOW_NEXT;
	}
}

// With F3 the opcode 90 is PAUSE, with REX.B it exchanges registers.
static bool is_nop(const rp_zydis_insn *insn, struct rp_insn_extension e)
{
	return !e.b && !rp_insn_has_prefix(insn, 0xf3);
}

static enum rp_flow flow_of_plain(const rp_zydis_insn *insn,
				  struct rp_insn_extension e)
{
	switch (insn->opcode) {
	case 0x70 ... 0x7f:
	case 0xe0 ... 0xe3:
		return RP_FLOW_JCC;
	case 0x90:
		return is_nop(insn, e) ? RP_FLOW_NOP : RP_FLOW_NEXT;
	case 0xc2:
	case 0xc3:
		return RP_FLOW_RET;
	case 0xc7:	// xbegin
		return insn->raw.imm[0].is_relative ? RP_FLOW_JCC :
						      RP_FLOW_NEXT;
	case 0xca:
	case 0xcb:
	case 0xcf:
		return RP_FLOW_SWITCH;
	case 0xcc:
		return RP_FLOW_TRAP;
	case 0xe8:
		return RP_FLOW_CALL;
	case 0xe9:
	case 0xeb:
		return RP_FLOW_JMP;
	case 0xf4:
		return RP_FLOW_HLT;
	case 0xfc:
		return RP_FLOW_CLD;
	case 0xfd:
		return RP_FLOW_STD;
	case 0xff:
		return flow_of_group5(insn);
	default:
		return RP_FLOW_NEXT;
	}
}

static enum rp_flow flow_of_0f01(const rp_zydis_insn *insn)
{
	uint8_t modrm = insn->raw.modrm.mod << 6 | insn->raw.modrm.reg << 3 |
			insn->raw.modrm.rm;
	bool repeated = rp_insn_has_prefix(insn, 0xf3) ||
			rp_insn_has_prefix(insn, 0xf2);

	if (modrm == 0xca)	// with a prefix: eretu, erets
		return repeated ? RP_FLOW_SWITCH : RP_FLOW_CLAC;
	return modrm == 0xcb && !repeated ? RP_FLOW_STAC : RP_FLOW_NEXT;
}

static bool is_endbr(const rp_zydis_insn *insn)
{
	return rp_insn_has_prefix(insn, 0xf3) && insn->raw.modrm.mod == 3 &&
	       insn->raw.modrm.reg == 7 && insn->raw.modrm.rm >= 2 &&
	       insn->raw.modrm.rm <= 3;
}

static enum rp_flow flow_of_0f(const rp_zydis_insn *insn)
{
	switch (insn->opcode) {
	case 0x01:
		return flow_of_0f01(insn);
	case 0x05:
	case 0x07:
	case 0x34:
	case 0x35:
		return RP_FLOW_SWITCH;
	case 0x0b:
	case 0xb9:
	case 0xff:
		return RP_FLOW_UD;
	case 0x0d:
	case 0x1f:
		return RP_FLOW_NOP;
	case 0x1e:
		return is_endbr(insn) ? RP_FLOW_ENDBR : RP_FLOW_NEXT;
	case 0x80 ... 0x8f:
		return RP_FLOW_JCC;
	default:
		return RP_FLOW_NEXT;
	}
}

static enum rp_flow flow_of(const rp_zydis_insn *insn,
			    struct rp_insn_extension e)
{
	if (rp_insn_is_plain(insn))
		return flow_of_plain(insn, e);
	return rp_insn_is_0f(insn) ? flow_of_0f(insn) : RP_FLOW_NEXT;
}

static void decode(const rp_zydis_insn *insn, const uint8_t *code, bool every,
		   struct rp_insn_flow *ret)
{
	struct rp_insn_extension e = extension_of(insn);

	*ret = (struct rp_insn_flow){
		.base = RP_REG_NONE,
		.index = RP_REG_NONE,
		.flow = flow_of(insn, e),
		.reg = rp_insn_register(insn, e, code),
	};
	find_fields(insn, ret);
	find_memory(insn, e, ret);
	if (ret->flow == RP_FLOW_CALL_INDIRECT ||
	    ret->flow == RP_FLOW_JMP_INDIRECT) {
		ret->reg = rp_insn_rm(insn, e);
		ret->notrack = rp_insn_has_prefix(insn, 0x3e);
		return;
	}
	ret->op = rp_insn_stack_op(insn, e, ret, every);
	if (ret->op.kind == RP_OP_NONE && rp_insn_is_frame(ret->reg))
		ret->op = (struct rp_stack_op){ RP_OP_CLOBBER, ret->reg,
						RP_REG_NONE, 0, 0 };
	if (ret->op.kind == RP_OP_CLOBBER && ret->op.dest == RP_RSP)
		ret->op.flags = RP_OP_STRAY;
}

static bool is_prefix(uint8_t byte)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65:
	case 0x66: case 0xf2: case 0xf3:
		return true;
	default:
		return (byte & 0xf0) == 0x40;
	}
}

/*
 * Instructions that are younger than Zydis 4.0, in the groups 0f 00 and 0f 01
 * (lkgs, eretu, erets, wrmsrns, ...): decoded as older ones of the same form.
 */
static bool decode_young(const uint8_t *code, size_t size, rp_zydis_insn *insn)
{
	uint8_t copy[ZYDIS_MAX_INSTRUCTION_LENGTH];
	size_t at = 0, n = size < sizeof(copy) ? size : sizeof(copy);

	while (at < n && is_prefix(code[at]))
		at++;
	if (n - at < 3 || code[at] != 0x0f || code[at + 1] > 1)
		return false;
	uint8_t modrm = code[at + 2];
	if (code[at + 1] ? modrm < 0xc0 : (modrm >> 3 & 7) != 6)
		return false;
	for (size_t i = 0; i < n; i++)	// f2 and f3 would not do there
		copy[i] = i < at && code[i] >= 0xf2 ? 0x2e : code[i];
	copy[at + 2] = code[at + 1] ? 0xd0 : modrm & ~0x38;	// xgetbv, sldt
	if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(rp_zydis_decoder(false),
						      NULL, copy, n, insn)))
		return false;
	for (size_t i = 0; i < insn->raw.prefix_count && i < at; i++)
		insn->raw.prefixes[i].value = code[i];
	insn->raw.modrm.reg = modrm >> 3 & 7;
	insn->raw.modrm.rm = modrm & 7;
	return true;
}

static bool decode_fields(const uint8_t *code, size_t size, rp_zydis_insn *insn)
{
	return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(
		       rp_zydis_decoder(false), NULL, code, size, insn)) ||
	       decode_young(code, size, insn);
}

/*
 * What a hypervisor is to carry out has "ud2; xen" or "ud2; kvm" before it. It goes
 * on behind all of it, like one instruction.
 */
static size_t emulate_prefix(const uint8_t *code, size_t size)
{
	if (size < 6 || code[0] != 0x0f || code[1] != 0x0b)
		return 0;
	return memcmp(code + 2, "xen", 3) && memcmp(code + 2, "kvm", 3) ? 0 : 5;
}

static void add_prefix(struct rp_insn_flow *flow, size_t prefix)
{
	flow->length += prefix;
	flow->target += flow->target_size ? prefix : 0;
	flow->disp += flow->disp_size ? prefix : 0;
	flow->imm += flow->imm_size ? prefix : 0;
}

static int decode_at(const uint8_t *code, size_t size, bool every,
		     struct rp_insn_flow *ret)
{
	size_t prefix = emulate_prefix(code, size);
	rp_zydis_insn insn;

	if (!decode_fields(code + prefix, size - prefix, &insn))
		return -EILSEQ;
	decode(&insn, code + prefix, every, ret);
	add_prefix(ret, prefix);
	return 0;
}

int rp_insn_flow(const uint8_t *code, size_t size, struct rp_insn_flow *ret)
{
	return decode_at(code, size, false, ret);
}

int rp_insn_flow_every(const uint8_t *code, size_t size,
		       struct rp_insn_flow *ret, uint16_t *writes)
{
	size_t prefix = emulate_prefix(code, size);
	int rc = decode_at(code, size, true, ret);

	if (!rc)
		*writes = rp_insn_written(code + prefix, size - prefix);
	return rc;
}
