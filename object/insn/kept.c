/* SPDX-License-Identifier: MIT */
/*
 * Registers that callees keep, and stores to the stack.
 *
 * Nearly no instruction is at fault, so a glance at its bytes must do for nearly
 * all: it may say too much, and never too little. What it says is then looked at
 * in full, with Zydis's lists of operands.
 */
#include "kept.h"

#include "flow_internal.h"

#include <errno.h>
#include <string.h>

/* The bytes of an instruction, split; @at: behind the opcode. */
struct head {
	const uint8_t *code;
	uint8_t length, at;
	uint8_t map, opcode;
	uint8_t r, x, b;
	bool rex, legacy, evex;
	bool elsewhere;		/* fs, gs, 32 bits of address */
};

#define ALL_REGISTERS	0xffffu

static uint8_t byte_at(const struct head *h, unsigned int at)
{
	return at < h->length ? h->code[at] : 0;
}

static bool skip_prefix(struct head *h)
{
	switch (byte_at(h, h->at)) {
	case 0x64: case 0x65: case 0x67:
		h->elsewhere = true;
		break;
	case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x40 ... 0x4f:
	case 0x66: case 0xf0: case 0xf2: case 0xf3:
		break;
	default:
		return false;
	}
	h->at++;
	return true;
}

/* REX counts right before the opcode only. */
static void take_prefixes(struct head *h)
{
	while (skip_prefix(h))
		;
	uint8_t rex = h->at ? byte_at(h, h->at - 1) : 0;

	if ((rex & 0xf0) != 0x40)
		return;
	h->rex = true;
	h->r = (rex & 4) << 1;
	h->x = (rex & 2) << 2;
	h->b = (rex & 1) << 3;
}

static void take_legacy(struct head *h)
{
	h->legacy = true;
	h->opcode = byte_at(h, h->at++);
	if (h->opcode != 0x0f)
		return;
	h->map = ZYDIS_OPCODE_MAP_0F;
	h->opcode = byte_at(h, h->at++);
	if (h->opcode != 0x38 && h->opcode != 0x3a)
		return;
	h->map = h->opcode == 0x38 ? ZYDIS_OPCODE_MAP_0F38 :
				     ZYDIS_OPCODE_MAP_0F3A;
	h->opcode = byte_at(h, h->at++);
}

/* @size: bytes of the prefix; the map is in the first behind its own, if there
 * are more. */
static void take_vector(struct head *h, uint8_t size)
{
	uint8_t first = byte_at(h, h->at + 1);

	h->map = size == 2 ? ZYDIS_OPCODE_MAP_0F :
		 first & (size == 4 ? 7 : 0x1f);
	h->r = ~first >> 4 & 8;
	if (size > 2) {
		h->x = ~first >> 3 & 8;
		h->b = ~first >> 2 & 8;
	}
	h->opcode = byte_at(h, h->at + size);
	h->at += size + 1;
}

static void split(const uint8_t *code, uint8_t length, struct head *h)
{
	*h = (struct head){ .code = code, .length = length };
	take_prefixes(h);
	switch (byte_at(h, h->at)) {
	case 0xc5:
		take_vector(h, 2);
		break;
	case 0xc4:
		take_vector(h, 3);
		break;
	case 0x62:
		h->evex = true;
		take_vector(h, 4);
		break;
	case 0x8f:
		if (byte_at(h, h->at + 1) & 0x38) {
			take_vector(h, 3);
			break;
		}
		take_legacy(h);
		break;
	default:
		take_legacy(h);
	}
}

/* A register of 8 bits: without REX ah, ch, dh and bh have the numbers 4 to 7. */
static uint16_t narrow(const struct head *h, uint8_t reg)
{
	return 1u << (h->rex || reg < 4 || reg > 7 ? reg : reg - 4);
}

static uint16_t rm(const struct head *h, uint8_t modrm, bool is_narrow)
{
	uint8_t reg = (modrm & 7) | h->b;

	if (modrm < 0xc0)
		return 0;
	return is_narrow ? narrow(h, reg) : 1u << reg;
}

/* Instructions without a letter that write registers that callees keep. */
static uint16_t unlettered(const struct head *h)
{
	if (!h->legacy)
		return 0;
	if (h->map == ZYDIS_OPCODE_MAP_DEFAULT)	// xchg with rax
		return h->opcode >= 0x90 && h->opcode <= 0x97 ?
		       1u << ((h->opcode & 7) | h->b) : 0;
	// cpuid, encls and enclu, padlock
	return h->map == ZYDIS_OPCODE_MAP_0F &&
	       (h->opcode == 0xa2 || h->opcode == 0x01 || h->opcode == 0xa6 ||
		h->opcode == 0xa7) ? ALL_REGISTERS : 0;
}

static uint16_t may_write(const struct head *h, char form, uint8_t modrm)
{
	uint8_t reg = (modrm >> 3 & 7) | h->r;

	switch (form) {
	case 'g':
		return 1u << reg;
	case 'G':
		return narrow(h, reg);
	case 'e': case '8': case '1': case '3':
		return rm(h, modrm, false);
	case 'E': case '9': case '2': case '4':
		return rm(h, modrm, true);
	case 'o':
		return 1u << ((h->opcode & 7) | h->b);
	case 'O':
		return narrow(h, (h->opcode & 7) | h->b);
	case 'x':
		return 1u << reg | rm(h, modrm, false);
	case 'X':
		return narrow(h, reg) | rm(h, modrm, true);
	case 's':
		return ALL_REGISTERS;
	default:
		return unlettered(h);
	}
}

static bool has_modrm(const struct head *h)
{
	if (h->map != ZYDIS_OPCODE_MAP_DEFAULT)
		return !h->legacy || h->map != ZYDIS_OPCODE_MAP_0F ||
		       (h->opcode & 0xf0) != 0x80;
	switch (h->opcode) {
	case 0x00 ... 0x3f:
		return (h->opcode & 7) < 4;
	case 0x80 ... 0x8f:
	case 0xc0: case 0xc1: case 0xc6: case 0xc7:
	case 0xd0 ... 0xd3:
	case 0xd8 ... 0xdf:
	case 0xf6: case 0xf7: case 0xfe: case 0xff:
		return true;
	default:
		return false;
	}
}

static int32_t displacement(const struct head *h, unsigned int at, uint8_t mod)
{
	if (mod == 1)
		return (int8_t)byte_at(h, at);
	if (mod != 2)
		return 0;
	return (int32_t)((uint32_t)byte_at(h, at) | byte_at(h, at + 1) << 8 |
			 byte_at(h, at + 2) << 16 |
			 (uint32_t)byte_at(h, at + 3) << 24);
}

/* Bytes that may be stored, at most. fxsave and its like have hundreds, EVEX counts
 * displacements in operands, and pop from where it moves the stack pointer to. */
static uint8_t width_of(const struct head *h)
{
	if (h->evex || (h->legacy && h->map == ZYDIS_OPCODE_MAP_0F &&
			(h->opcode == 0xae || h->opcode == 0xc7)))
		return 0;
	if (!h->legacy)
		return 32;
	if (h->map == ZYDIS_OPCODE_MAP_DEFAULT && h->opcode == 0x8f)
		return 0;
	if (h->map == ZYDIS_OPCODE_MAP_DEFAULT)	// fnsave: 108
		return h->opcode >= 0xd8 && h->opcode <= 0xdf ? 108 : 8;
	return 16;
}

/* [rsp + disp], [rbp + disp] */
static void find_store(const struct head *h, char form, uint8_t modrm,
		       struct rp_insn_glance *ret)
{
	uint8_t mod = modrm >> 6, base = (modrm & 7) | h->b;
	unsigned int at = h->at + 1;

	if (mod == 3 || form == 'g' || form == 'G' || h->elsewhere ||
	    !has_modrm(h))
		return;
	if ((modrm & 7) == 4) {
		uint8_t sib = byte_at(h, at++);

		if (((sib >> 3 & 7) | h->x) != RP_RSP)
			return;
		base = (sib & 7) | h->b;
	}
	if ((base != RP_RSP && base != RP_RBP) || (base == RP_RBP && !mod))
		return;
	ret->base = base;
	ret->width = width_of(h);
	ret->disp = displacement(h, at, mod);
}

void rp_insn_glance(const uint8_t *code, uint8_t length,
		    struct rp_insn_glance *ret)
{
	struct head h;

	split(code, length, &h);
	uint8_t modrm = byte_at(&h, h.at);
	// Moves of control registers have no operand in memory.
	if (h.legacy && h.map == ZYDIS_OPCODE_MAP_0F && (h.opcode & ~3) == 0x20)
		modrm |= 0xc0;
	char form = rp_insn_write_form(h.map, h.opcode, h.legacy);
	*ret = (struct rp_insn_glance){ .writes = may_write(&h, form, modrm),
					.base = RP_REG_NONE };
	find_store(&h, form, modrm, ret);
}

/* ---- in full ---- */

/* Instructions that put a value elsewhere as it is. */
static bool is_move(ZydisMnemonic mnemonic)
{
	switch (mnemonic) {
	case ZYDIS_MNEMONIC_MOV:
	case ZYDIS_MNEMONIC_XCHG:
	case ZYDIS_MNEMONIC_PUSH:
	case ZYDIS_MNEMONIC_POP:
	case ZYDIS_MNEMONIC_MOVQ:
	case ZYDIS_MNEMONIC_VMOVQ:
	case ZYDIS_MNEMONIC_PINSRQ:
	case ZYDIS_MNEMONIC_VPINSRQ:
	case ZYDIS_MNEMONIC_PEXTRQ:
	case ZYDIS_MNEMONIC_VPEXTRQ:
		return true;
	default:
		return false;
	}
}

static uint16_t bit_of(ZydisRegister reg)
{
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(
		ZYDIS_MACHINE_MODE_LONG_64, reg);

	if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15)
		return 0;
	return 1u << (whole - ZYDIS_REGISTER_RAX);
}

static void add_register(const ZydisDecodedOperand *o, bool moves,
			 struct rp_insn_values *ret)
{
	uint16_t bit = bit_of(o->reg.value);

	moves = moves && o->size == 64;
	if (o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) {
		ret->writes |= bit;
		ret->loads |= moves ? bit : 0;
	}
	if (!(o->actions & ZYDIS_OPERAND_ACTION_MASK_READ))
		return;
	if (moves)
		ret->copies |= bit;
	else
		ret->reads |= bit;
}

static void add_memory(const ZydisDecodedOperand *o, bool pops,
		       struct rp_insn_values *ret)
{
	ret->reads |= bit_of(o->mem.base) | bit_of(o->mem.index);
	if (o->visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
	    (o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)) {
		ret->stored = o->size / 8;
		ret->disp = o->mem.disp.value;
		if (pops && o->mem.base == ZYDIS_REGISTER_RSP)
			ret->disp += ret->stored;
	}
}

/* xchg %rbx, %rbx and its like are marks for valgrind. */
static bool is_same(const ZydisDecodedOperand *a, const ZydisDecodedOperand *b)
{
	return a->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       b->type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       a->reg.value == b->reg.value && a->size == 64;
}

/* xor %ebx, %ebx */
static bool is_zeroing(const rp_zydis_insn *insn,
		       const ZydisDecodedOperand *operands)
{
	return (insn->mnemonic == ZYDIS_MNEMONIC_XOR ||
		insn->mnemonic == ZYDIS_MNEMONIC_SUB) &&
	       operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       operands[0].reg.value == operands[1].reg.value;
}

/* lock or $0, (%rsp), lock and $-1, (%rsp) and their like are barriers. */
static bool adds_nothing(ZydisMnemonic mnemonic, const ZydisDecodedOperand *a,
			 const ZydisDecodedOperand *b)
{
	if (b->type != ZYDIS_OPERAND_TYPE_IMMEDIATE || !a->size || a->size > 64)
		return false;
	switch (mnemonic) {
	case ZYDIS_MNEMONIC_OR:
	case ZYDIS_MNEMONIC_ADD:
	case ZYDIS_MNEMONIC_SUB:
	case ZYDIS_MNEMONIC_XOR:
		return !b->imm.value.u;
	case ZYDIS_MNEMONIC_AND:	// of the operand's bits all are kept
		return !(~b->imm.value.u << (64 - a->size));
	default:
		return false;
	}
}

int rp_insn_values(const uint8_t *code, uint8_t length,
		   struct rp_insn_values *ret)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	rp_zydis_insn insn;

	memset(ret, 0, sizeof(*ret));
	if (ZYAN_FAILED(ZydisDecoderDecodeFull(rp_zydis_decoder(true), code,
					       length, &insn, operands)))
		return -EILSEQ;
	bool moves = is_move(insn.mnemonic);
	if (moves && insn.operand_count == 2 &&
	    is_same(&operands[0], &operands[1]))
		return 0;
	for (size_t i = 0; i < insn.operand_count; i++) {
		const ZydisDecodedOperand *o = &operands[i];

		if (o->type == ZYDIS_OPERAND_TYPE_REGISTER)
			add_register(o, moves, ret);
		else if (o->type == ZYDIS_OPERAND_TYPE_MEMORY)
			add_memory(o, insn.mnemonic == ZYDIS_MNEMONIC_POP, ret);
	}
	if (is_zeroing(&insn, operands))
		ret->reads &= ~ret->writes;
	if (insn.operand_count > 1 &&
	    adds_nothing(insn.mnemonic, &operands[0], &operands[1]))
		ret->stored = 0;
	return 0;
}
