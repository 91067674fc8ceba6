/* SPDX-License-Identifier: MIT */
/*
 * Which general registers an instruction writes: two tables tell it by the
 * opcode, and Zydis, which decodes in full, by its lists of operands.
 */
#include "flow_internal.h"

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
static char long_map_writes(uint8_t map, uint8_t opcode)
{
	if (map == ZYDIS_OPCODE_MAP_0F38)
		return opcode >= 0xf0 ? 's' : '.';
	return (opcode >= 0x14 && opcode <= 0x17) || opcode == 0xf0 ? 's' : '.';
}

char rp_insn_write_form(uint8_t map, uint8_t opcode, bool legacy)
{
	switch (map) {
	case ZYDIS_OPCODE_MAP_DEFAULT:
		return plain_writes[opcode];
	case ZYDIS_OPCODE_MAP_0F:
		return legacy ? map_0f_writes[opcode] :
				vector_0f_writes(opcode);
	case ZYDIS_OPCODE_MAP_0F38:
	case ZYDIS_OPCODE_MAP_0F3A:
		return long_map_writes(map, opcode);
	case ZYDIS_OPCODE_MAP_MAP5:	// half floats
		return vector_0f_writes(opcode);
	default:			// XOP
		return 's';
	}
}

static char writes_of(const rp_zydis_insn *insn)
{
	return rp_insn_write_form(insn->opcode_map, insn->opcode,
				  insn->encoding ==
				  ZYDIS_INSTRUCTION_ENCODING_LEGACY);
}

/* Registers that a fully decoded instruction writes. */
uint16_t rp_insn_written(const uint8_t *code, size_t size)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	uint16_t mask = 0;
	rp_zydis_insn insn;

	if (ZYAN_FAILED(ZydisDecoderDecodeFull(rp_zydis_decoder(true), code,
					       size, &insn, operands)))
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
static uint8_t narrow(uint8_t reg, struct rp_insn_extension e)
{
	return !e.rex && reg >= 4 && reg < 8 ? reg - 4 : reg;
}

uint8_t rp_insn_rm(const rp_zydis_insn *insn, struct rp_insn_extension e)
{
	return rp_insn_has_modrm(insn) && insn->raw.modrm.mod == 3 ?
		insn->raw.modrm.rm + e.b : RP_REG_NONE;
}

static uint8_t rm_narrow(const rp_zydis_insn *insn, struct rp_insn_extension e)
{
	uint8_t reg = rp_insn_rm(insn, e);

	return reg == RP_REG_NONE ? reg : narrow(reg, e);
}

uint8_t rp_insn_register(const rp_zydis_insn *insn, struct rp_insn_extension e,
			 const uint8_t *code)
{
	uint8_t reg = insn->raw.modrm.reg;

	switch (writes_of(insn)) {
	case 'g':
		return reg + e.r;
	case 'e':
		return rp_insn_rm(insn, e);
	case 'o':
		return (insn->opcode & 7) + e.b;
	case 'G':
		return narrow(reg + e.r, e);
	case 'E':
		return rm_narrow(insn, e);
	case 'O':
		return narrow((insn->opcode & 7) + e.b, e);
	case '8':
		return reg == 7 ? RP_REG_NONE : rp_insn_rm(insn, e);
	case '9':
		return reg == 7 ? RP_REG_NONE : rm_narrow(insn, e);
	case '1':
		return reg > 1 ? RP_REG_NONE : rp_insn_rm(insn, e);
	case '2':
		return reg > 1 ? RP_REG_NONE : rm_narrow(insn, e);
	case '3':
		return (reg & ~1) == 2 ? rp_insn_rm(insn, e) : RP_REG_NONE;
	case '4':
		return (reg & ~1) == 2 ? rm_narrow(insn, e) : RP_REG_NONE;
	case 'x':
		return rp_insn_has_memory(insn) ? reg + e.r : RP_REG_NONE;
	case 'X':
		return rp_insn_has_memory(insn) ? narrow(reg + e.r, e) :
						  RP_REG_NONE;
	case 'a':
		return RP_RAX;
	case 'd':
		return RP_RDX;
	case 's':
		return only_one(rp_insn_written(code, insn->length));
	default:
		return RP_REG_NONE;
	}
}
