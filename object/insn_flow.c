/* SPDX-License-Identifier: MIT */
/*
 * What instructions do to the flow of control and to the stack.
 *
 * Zydis in its minimal mode splits an instruction into its fields; which of them
 * names the register that is written follows from the opcode, by two tables. The
 * few opcodes for which that is not so are decoded in full. Whether the tables are
 * right is tested against Zydis's lists of operands.
 */
#include "insn_flow.h"

#include <Zydis/Zydis.h>
#include <errno.h>

typedef ZydisDecodedInstruction insn_t;

static ZydisDecoder *decoder(bool full)
{
	static _Thread_local ZydisDecoder decoders[2];
	static _Thread_local bool ready;

	if (!ready) {
		for (int i = 0; i < 2; i++)
			ZydisDecoderInit(&decoders[i],
					 ZYDIS_MACHINE_MODE_LONG_64,
					 ZYDIS_STACK_WIDTH_64);
		ZydisDecoderEnableMode(&decoders[0], ZYDIS_DECODER_MODE_MINIMAL,
				       ZYAN_TRUE);
		ready = true;
	}
	return &decoders[full];
}

/*
 * The operand that is written, one letter for each opcode:
 *
 *	.  none, or not a general register, or more than one but rsp, rbp
 *	g  modrm.reg       e  modrm.rm      o  low bits of the opcode
 *	G, E, O  the same, 8 bits wide
 *	a  rax             d  rdx           s  must be decoded in full
 *	8  modrm.rm but for /7 (cmp)        9  the same, 8 bits wide
 *	1  modrm.rm for /0 and /1           2  the same, 8 bits wide
 *	3  modrm.rm for /2 and /3           4  the same, 8 bits wide
 *	x  modrm.reg, if the other operand is in memory
 *	X  the same, 8 bits wide
 */
static const char plain_writes[] =
	/*	 0123456789abcdef */
	/* 0 */	"EeGgaa..EeGgaa.."
	/* 1 */	"EeGgaa..EeGgaa.."
	/* 2 */	"EeGgaa..EeGgaa.."
	/* 3 */	"EeGgaa.........."
	/* 4 */	"................"
	/* 5 */	"........oooooooo"
	/* 6 */	"...g.....g.g...."
	/* 7 */	"................"
	/* 8 */	"9898..XxEeGgeg.e"
	/* 9 */	"........ad.....a"
	/* a */	"aa.............."
	/* b */	"OOOOOOOOoooooooo"
	/* c */	"Ee....Ee........"
	/* d */	"EeEe...a.......s"
	/* e */	"....aa......aa.."
	/* f */	"......43......21";

static const char map_0f_writes[] =
	/*	 0123456789abcdef */
	/* 0 */	"ssgg............"
	/* 1 */	"..............s."
	/* 2 */	"ee..........ss.."
	/* 3 */	"................"
	/* 4 */	"gggggggggggggggg"
	/* 5 */	"g..............."
	/* 6 */	"................"
	/* 7 */	"........s.....s."
	/* 8 */	"................"
	/* 9 */	"EEEEEEEEEEEEEEEE"
	/* a */	"....ee.....eeesg"
	/* b */	"ssgeggggg.segggg"
	/* c */	"ss...g.soooooooo"
	/* d */	".......g........"
	/* e */	"................"
	/* f */	"................";

/* With VEX and EVEX the same, but for what SSE does not have. */
static char vector_0f_writes(uint8_t opcode)
{
	switch (opcode) {
	case 0x2c: case 0x2d: case 0x50: case 0x78: case 0x79: case 0x7e:
	case 0x92: case 0x93: case 0xc5: case 0xd7:
		return 's';
	default:
		return '.';
	}
}

/* pextr, extractps and rorx in 0f 3a; movbe, crc32, adx and BMI in 0f 38. */
static char long_map_writes(const insn_t *insn)
{
	if (insn->opcode_map == ZYDIS_OPCODE_MAP_0F38)
		return insn->opcode >= 0xf0 ? 's' : '.';
	if (insn->opcode_map == ZYDIS_OPCODE_MAP_0F3A)
		return (insn->opcode >= 0x14 && insn->opcode <= 0x17) ||
		       insn->opcode == 0xf0 ? 's' : '.';
	return insn->encoding == ZYDIS_INSTRUCTION_ENCODING_XOP ? 's' : '.';
}

static char writes_of(const insn_t *insn)
{
	bool legacy = insn->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;

	if (insn->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT)
		return plain_writes[insn->opcode];
	if (insn->opcode_map == ZYDIS_OPCODE_MAP_0F)
		return legacy ? map_0f_writes[insn->opcode] :
				vector_0f_writes(insn->opcode);
	return long_map_writes(insn);
}

static bool has_modrm(const insn_t *insn)
{
	return insn->attributes & ZYDIS_ATTRIB_HAS_MODRM;
}

static bool is_plain(const insn_t *insn)
{
	return insn->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT;
}

static bool is_0f(const insn_t *insn)
{
	return insn->opcode_map == ZYDIS_OPCODE_MAP_0F &&
	       insn->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;
}

static bool has_prefix(const insn_t *insn, uint8_t value)
{
	for (size_t i = 0; i < insn->raw.prefix_count; i++) {
		if (insn->raw.prefixes[i].value == value)
			return true;
	}
	return false;
}

/* What REX, VEX and their like add to the registers' numbers. */
struct extension {
	uint8_t w, r, x, b;
	bool rex;
};

static struct extension extension_of(const insn_t *insn)
{
	struct extension e = { 0 };

	switch (insn->encoding) {
	case ZYDIS_INSTRUCTION_ENCODING_LEGACY:
		e = (struct extension){ insn->raw.rex.W, insn->raw.rex.R * 8,
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

static bool has_memory(const insn_t *insn)
{
	return has_modrm(insn) && insn->raw.modrm.mod != 3;
}

static void find_memory(const insn_t *insn, struct extension e,
			struct rp_insn_flow *ret)
{
	if (!has_memory(insn))
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
	ret->memory = !(is_plain(insn) && insn->opcode == 0x8d);
}

static void find_fields(const insn_t *insn, struct rp_insn_flow *ret)
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

static enum rp_flow flow_of_group5(const insn_t *insn)
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
static bool is_nop(const insn_t *insn, struct extension e)
{
	return !e.b && !has_prefix(insn, 0xf3);
}

static enum rp_flow flow_of_plain(const insn_t *insn, struct extension e)
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

static enum rp_flow flow_of_0f01(const insn_t *insn)
{
	uint8_t modrm = insn->raw.modrm.mod << 6 | insn->raw.modrm.reg << 3 |
			insn->raw.modrm.rm;
	bool repeated = has_prefix(insn, 0xf3) || has_prefix(insn, 0xf2);

	if (modrm == 0xca)	// with a prefix: eretu, erets
		return repeated ? RP_FLOW_SWITCH : RP_FLOW_CLAC;
	return modrm == 0xcb && !repeated ? RP_FLOW_STAC : RP_FLOW_NEXT;
}

static enum rp_flow flow_of_0f(const insn_t *insn)
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
		return has_prefix(insn, 0xf3) && insn->raw.modrm.mod == 3 &&
		       insn->raw.modrm.reg == 7 && insn->raw.modrm.rm >= 2 &&
		       insn->raw.modrm.rm <= 3 ? RP_FLOW_ENDBR : RP_FLOW_NEXT;
	case 0x80 ... 0x8f:
		return RP_FLOW_JCC;
	default:
		return RP_FLOW_NEXT;
	}
}

static enum rp_flow flow_of(const insn_t *insn, struct extension e)
{
	if (is_plain(insn))
		return flow_of_plain(insn, e);
	return is_0f(insn) ? flow_of_0f(insn) : RP_FLOW_NEXT;
}

/* Registers that a fully decoded instruction writes. */
static uint16_t written(const uint8_t *code, size_t size)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	uint16_t mask = 0;
	insn_t insn;

	if (ZYAN_FAILED(ZydisDecoderDecodeFull(decoder(true), code, size, &insn,
					       operands)))
		return 0;
	for (size_t i = 0; i < insn.operand_count; i++) {
		const ZydisDecodedOperand *o = &operands[i];

		if (o->type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !(o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		ZydisRegister whole = ZydisRegisterGetLargestEnclosing(
			ZYDIS_MACHINE_MODE_LONG_64, o->reg.value);
		if (whole >= ZYDIS_REGISTER_RAX && whole <= ZYDIS_REGISTER_R15)
			mask |= 1u << (whole - ZYDIS_REGISTER_RAX);
	}
	return mask;
}

static uint8_t only_one(uint16_t mask)
{
	return mask && !(mask & (mask - 1)) ? __builtin_ctz(mask) : RP_REG_NONE;
}

// Without REX the numbers 4 to 7 are ah, ch, dh, bh.
static uint8_t narrow(uint8_t reg, struct extension e)
{
	return !e.rex && reg >= 4 && reg < 8 ? reg - 4 : reg;
}

static uint8_t rm_register(const insn_t *insn, struct extension e)
{
	return has_modrm(insn) && insn->raw.modrm.mod == 3 ?
		insn->raw.modrm.rm + e.b : RP_REG_NONE;
}

static uint8_t rm_narrow(const insn_t *insn, struct extension e)
{
	uint8_t reg = rm_register(insn, e);

	return reg == RP_REG_NONE ? reg : narrow(reg, e);
}

static uint8_t register_written(const insn_t *insn, struct extension e,
				const uint8_t *code)
{
	uint8_t reg = insn->raw.modrm.reg;

	switch (writes_of(insn)) {
	case 'g':
		return reg + e.r;
	case 'e':
		return rm_register(insn, e);
	case 'o':
		return (insn->opcode & 7) + e.b;
	case 'G':
		return narrow(reg + e.r, e);
	case 'E':
		return rm_narrow(insn, e);
	case 'O':
		return narrow((insn->opcode & 7) + e.b, e);
	case '8':
		return reg == 7 ? RP_REG_NONE : rm_register(insn, e);
	case '9':
		return reg == 7 ? RP_REG_NONE : rm_narrow(insn, e);
	case '1':
		return reg > 1 ? RP_REG_NONE : rm_register(insn, e);
	case '2':
		return reg > 1 ? RP_REG_NONE : rm_narrow(insn, e);
	case '3':
		return (reg & ~1) == 2 ? rm_register(insn, e) : RP_REG_NONE;
	case '4':
		return (reg & ~1) == 2 ? rm_narrow(insn, e) : RP_REG_NONE;
	case 'x':
		return has_memory(insn) ? reg + e.r : RP_REG_NONE;
	case 'X':
		return has_memory(insn) ? narrow(reg + e.r, e) : RP_REG_NONE;
	case 'a':
		return RP_RAX;
	case 'd':
		return RP_RDX;
	case 's':
		return only_one(written(code, insn->length));
	default:
		return RP_REG_NONE;
	}
}

static bool is_frame(uint8_t reg)
{
	return reg == RP_RSP || reg == RP_RBP;
}

/* Those that may hold something of the caller's, or lead to it. */
static bool is_kept(uint8_t reg)
{
	const unsigned int kept = 1u << RP_RBX | 1u << RP_RSP | 1u << RP_RBP |
		1u << RP_R10 | 1u << RP_R12 | 1u << RP_R13 | 1u << RP_R14 |
		1u << RP_R15;

	return kept >> reg & 1;
}

#define OP(kind, dest, src, offset) \
	((struct rp_stack_op){ kind, dest, src, 0, offset })
#define NO_OP	OP(RP_OP_NONE, RP_REG_NONE, RP_REG_NONE, 0)

static struct rp_stack_op move_op(uint8_t dest, uint8_t src, bool every)
{
	if (!every && !is_frame(dest) && !is_frame(src))
		return NO_OP;
	return OP(RP_OP_MOVE, dest, src, 0);
}

/* With another segment, or 32 bits of address, it is not the stack. */
static bool is_elsewhere(const insn_t *insn)
{
	return has_prefix(insn, 0x64) || has_prefix(insn, 0x65) ||
	       has_prefix(insn, 0x67);
}

static bool is_simple(const insn_t *insn, const struct rp_insn_flow *flow)
{
	return !flow->rip && flow->index == RP_REG_NONE &&
	       flow->base != RP_REG_NONE && !is_elsewhere(insn);
}

static struct rp_stack_op load_op(const insn_t *insn, struct extension e,
				  const struct rp_insn_flow *flow)
{
	uint8_t dest = insn->raw.modrm.reg + e.r;

	if (!is_simple(insn, flow) || !is_kept(dest) ||
	    !(is_frame(flow->base) || is_frame(dest)))
		return NO_OP;
	return OP(RP_OP_LOAD, dest, flow->base, insn->raw.disp.value);
}

static struct rp_stack_op store_op(const insn_t *insn, struct extension e,
				   const struct rp_insn_flow *flow)
{
	uint8_t src = insn->raw.modrm.reg + e.r;

	if (!is_simple(insn, flow) || !is_kept(src) ||
	    !(is_frame(flow->base) || src == RP_RSP))
		return NO_OP;
	return OP(RP_OP_STORE, flow->base, src, insn->raw.disp.value);
}

static struct rp_stack_op lea_op(const insn_t *insn, struct extension e,
				 const struct rp_insn_flow *flow, bool every)
{
	uint8_t dest = insn->raw.modrm.reg + e.r;
	struct rp_stack_op op;

	if (!is_simple(insn, flow) ||
	    (!every && !is_frame(dest) && !is_frame(flow->base)))
		return NO_OP;
	op = OP(insn->raw.disp.value ? RP_OP_ADD : RP_OP_MOVE, dest, flow->base,
		insn->raw.disp.value);
	op.flags = RP_OP_LEA;
	return op;
}

/* 81, 83: add, or, adc, sbb, and, sub, xor, cmp with an immediate. */
static struct rp_stack_op arithmetic_op(const insn_t *insn, struct extension e,
					bool every)
{
	uint8_t reg = rm_register(insn, e);
	int64_t value = insn->raw.imm[0].value.s;

	if (reg == RP_REG_NONE || (!every && !is_frame(reg)))
		return NO_OP;
	if (insn->raw.imm[0].size == 8)	// Zydis does not extend all of them
		value = (int8_t)value;
	else
		value = (int32_t)value;
	switch (insn->raw.modrm.reg) {
	case 0:
		return OP(RP_OP_ADD, reg, reg, value);
	case 4:
		return OP(RP_OP_AND, reg, reg, value);
	case 5:
		if (value == INT32_MIN)
			return NO_OP;
		return OP(RP_OP_ADD, reg, reg, -value);
	default:
		return NO_OP;
	}
}

/* add and sub of a register: by how much is not known. */
static struct rp_stack_op shift_op(uint8_t dest, uint8_t src)
{
	if (!is_frame(dest))
		return NO_OP;
	return OP(RP_OP_CLOBBER, dest, src, 0);
}

static struct rp_stack_op exchange_op(uint8_t a, uint8_t b, bool every)
{
	if (a == RP_REG_NONE || (!every && !is_frame(a) && !is_frame(b)))
		return NO_OP;
	return OP(RP_OP_EXCHANGE, a, b, 0);
}

/* xchg of 32 bits or less: what was in the frame's register is lost. */
static struct rp_stack_op narrow_exchange_op(const insn_t *insn,
					     struct extension e)
{
	bool short_form = insn->opcode >= 0x91 && insn->opcode <= 0x97;
	uint8_t a, b = RP_RAX;

	if (insn->opcode != 0x87 && !short_form)
		return NO_OP;
	a = short_form ? (insn->opcode & 7) + e.b : rm_register(insn, e);
	if (!short_form)
		b = insn->raw.modrm.reg + e.r;
	if (is_frame(a))
		return OP(RP_OP_CLOBBER, a, RP_REG_NONE, 0);
	return is_frame(b) ? OP(RP_OP_CLOBBER, b, RP_REG_NONE, 0) : NO_OP;
}

/* Instructions of 64 bits that move or calculate. */
static struct rp_stack_op wide_op(const insn_t *insn, struct extension e,
				  const struct rp_insn_flow *flow, bool every)
{
	uint8_t rm = rm_register(insn, e);
	uint8_t reg = insn->raw.modrm.reg + e.r;

	switch (insn->opcode) {
	case 0x01:
	case 0x29:
		return shift_op(rm, reg);
	case 0x81:
	case 0x83:
		return arithmetic_op(insn, e, every);
	case 0x87:
		return exchange_op(rm, reg, every);
	case 0x89:
		return rm == RP_REG_NONE ? store_op(insn, e, flow) :
					   move_op(rm, reg, every);
	case 0x8b:
		return rm == RP_REG_NONE ? load_op(insn, e, flow) :
					   move_op(reg, rm, every);
	case 0x8d:
		return lea_op(insn, e, flow, every);
	case 0x91 ... 0x97:
		return exchange_op((insn->opcode & 7) + e.b, RP_RAX, every);
	default:
		return NO_OP;
	}
}

static struct rp_stack_op push_flags(uint8_t kind)
{
	struct rp_stack_op op = OP(kind, RP_REG_NONE, RP_REG_NONE, 0);

	op.flags = RP_OP_FLAGS;
	return op;
}

/* Instructions that push and pop, 64 bits whatever their prefixes. */
static struct rp_stack_op plain_op(const insn_t *insn, struct extension e)
{
	switch (insn->opcode) {
	case 0x50 ... 0x57:
		return OP(RP_OP_PUSH, RP_REG_NONE, (insn->opcode & 7) + e.b, 0);
	case 0x58 ... 0x5f:
		return OP(RP_OP_POP, (insn->opcode & 7) + e.b, RP_REG_NONE, 0);
	case 0x68:
	case 0x6a:
		return OP(RP_OP_PUSH, RP_REG_NONE, RP_REG_NONE, 0);
	case 0x8f:
		return OP(RP_OP_POP, rm_register(insn, e), RP_REG_NONE, 0);
	case 0x9c:
		return push_flags(RP_OP_PUSH);
	case 0x9d:
		return push_flags(RP_OP_POP);
	case 0xc8:
		return OP(RP_OP_ENTER, RP_RBP, RP_RBP,
			  insn->raw.imm[0].value.u & 0xffff);
	case 0xc9:
		return OP(RP_OP_LEAVE, RP_RBP, RP_RBP, 0);
	case 0xcf:
		return OP(RP_OP_ADD, RP_RSP, RP_RSP, 40);
	case 0xff:
		if (insn->raw.modrm.reg == 6)
			return OP(RP_OP_PUSH, RP_REG_NONE, rm_register(insn, e),
				  0);
		return NO_OP;
	default:
		return NO_OP;
	}
}

static struct rp_stack_op op_0f(const insn_t *insn)
{
	switch (insn->opcode) {
	case 0xa0:
	case 0xa8:
		return OP(RP_OP_PUSH, RP_REG_NONE, RP_REG_NONE, 0);
	case 0xa1:
	case 0xa9:
		return OP(RP_OP_POP, RP_REG_NONE, RP_REG_NONE, 0);
	default:
		return NO_OP;
	}
}

/* Pushes and pops of 16 bits shift the stack by 2. */
static struct rp_stack_op halved(struct rp_stack_op op)
{
	switch (op.kind) {
	case RP_OP_PUSH:
		return OP(RP_OP_ADD, RP_RSP, RP_RSP, -2);
	case RP_OP_POP:
		return OP(RP_OP_ADD, RP_RSP, RP_RSP, 2);
	default:
		return op;
	}
}

static struct rp_stack_op op_of(const insn_t *insn, struct extension e,
				const struct rp_insn_flow *flow, bool every)
{
	struct rp_stack_op op = NO_OP;

	if (is_plain(insn)) {
		op = plain_op(insn, e);
		if (op.kind == RP_OP_NONE)
			op = e.w ? wide_op(insn, e, flow, every) :
				   narrow_exchange_op(insn, e);
	} else if (is_0f(insn)) {
		op = op_0f(insn);
	}
	if (op.kind != RP_OP_NONE && !e.w && has_prefix(insn, 0x66))
		op = halved(op);
	return op;
}

static void decode(const insn_t *insn, const uint8_t *code, bool every,
		   struct rp_insn_flow *ret)
{
	struct extension e = extension_of(insn);

	*ret = (struct rp_insn_flow){
		.base = RP_REG_NONE,
		.index = RP_REG_NONE,
		.flow = flow_of(insn, e),
		.reg = register_written(insn, e, code),
	};
	find_fields(insn, ret);
	find_memory(insn, e, ret);
	if (ret->flow == RP_FLOW_CALL_INDIRECT ||
	    ret->flow == RP_FLOW_JMP_INDIRECT) {
		ret->reg = rm_register(insn, e);
		ret->notrack = has_prefix(insn, 0x3e);
		return;
	}
	ret->op = op_of(insn, e, ret, every);
	if (ret->op.kind == RP_OP_NONE && is_frame(ret->reg))
		ret->op = OP(RP_OP_CLOBBER, ret->reg, RP_REG_NONE, 0);
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
static bool decode_young(const uint8_t *code, size_t size, insn_t *insn)
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
	if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(decoder(false), NULL,
						      copy, n, insn)))
		return false;
	for (size_t i = 0; i < insn->raw.prefix_count && i < at; i++)
		insn->raw.prefixes[i].value = code[i];
	insn->raw.modrm.reg = modrm >> 3 & 7;
	insn->raw.modrm.rm = modrm & 7;
	return true;
}

static bool decode_fields(const uint8_t *code, size_t size, insn_t *insn)
{
	return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(decoder(false), NULL,
							  code, size, insn)) ||
	       decode_young(code, size, insn);
}

int rp_insn_flow(const uint8_t *code, size_t size, struct rp_insn_flow *ret)
{
	insn_t insn;

	if (!decode_fields(code, size, &insn))
		return -EILSEQ;
	decode(&insn, code, false, ret);
	return 0;
}

int rp_insn_flow_every(const uint8_t *code, size_t size,
		       struct rp_insn_flow *ret, uint16_t *writes)
{
	insn_t insn;

	if (!decode_fields(code, size, &insn))
		return -EILSEQ;
	decode(&insn, code, true, ret);
	*writes = written(code, size);
	return 0;
}
