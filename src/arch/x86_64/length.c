// SPDX-License-Identifier: MIT
/*
 * Where an instruction of 64-bit mode ends, and what in it depends on where
 * it lies. (Intel SDM volume 2, chapter 2 and appendix A; AMD APM volume 3,
 * appendix A.)
 *
 * What an assembler emits has exactly the length found here. Of other bytes
 * some are accepted that a processor refuses (an opcode of a VEX, EVEX, 0f38
 * or 0f3a map that is not assigned, lock where it may not be): all opcodes of
 * these maps have the same form, so later ones are found right too.
 *
 * Refused, though there are such instructions:
 *   66 with a relative branch: Intel ignores it, AMD has 16 bits of target
 *   67 with a RIP-relative operand: the sum is cut to 32 bits, so that no
 *     displacement does the same elsewhere
 *   REX2 (d5), EVEX map 4 and the EVEX bits that APX defined, VEX and EVEX
 *     map 7: their forms differ from opcode to opcode, and are young
 *   MVEX and the branches with VEX of Knights Corner
 */
#include <errno.h>
#include <string.h>

#include "../../arch.h"
#include "../../code.h"

/*
 * struct decoder - an instruction so far.
 * @len:  bytes that may be read, RP__INSN_MAX at most
 * @pos:  the next byte
 * @rep:  the last of f2 and f3, 0 if there is none
 * @rex:  0 if there is none, or it does not count
 */
struct decoder {
	const uint8_t *bytes;
	unsigned int len;
	unsigned int pos;
	bool size66;
	bool size67;
	bool lock;
	uint8_t rep;
	uint8_t rex;
	uint8_t modrm;
};

#define REX_W	0x08
#define REX_B	0x01

/*
 * The form of an instruction, by opcode:
 *   .  none, or handled before a table is asked
 *   -  nothing behind the opcode
 *   b  8 bits of immediate	w  16 bits		e  24 bits (enter)
 *   z  32 bits, 16 with 66	v  as z, 64 with REX.W
 *   a  an address: 64 bits, 32 with 67
 *   r  8 bits relative		R  32 bits relative
 *   M  ModRM			m  ModRM and b		Z  ModRM and z
 *   t  ModRM, and b for /0, /1	T  ModRM, and z for /0, /1
 *   C  ModRM that names registers whatever its mod says
 *   s  ModRM, and two b with 66 or f2, none with f3
 *   p  ModRM, with f3 only
 */
static const char one_byte[] =
	/* 0123456789abcdef */
	"MMMMbz..MMMMbz.."	/* 00 */
	"MMMMbz..MMMMbz.."	/* 10 */
	"MMMMbz..MMMMbz.."	/* 20 */
	"MMMMbz..MMMMbz.."	/* 30 */
	"................"	/* 40: REX */
	"----------------"	/* 50 */
	"...M....zZbm----"	/* 60 */
	"rrrrrrrrrrrrrrrr"	/* 70 */
	"mZ.mMMMMMMMMMMM."	/* 80 */
	"----------.-----"	/* 90 */
	"aaaa----bz------"	/* a0 */
	"bbbbbbbbvvvvvvvv"	/* b0 */
	"mmw-..mZe-w--b.-"	/* c0 */
	"MMMM...-MMMMMMMM"	/* d0 */
	"rrrrbbbbRR.r----"	/* e0 */
	".-..--tT------MM";	/* f0 */

static const char two_byte[] =
	/* 0123456789abcdef */
	"MMMM.-----.-.M-m"	/* 00 */
	"MMMMMMMMMMMMMMMM"	/* 10 */
	"CCCC....MMMMMMMM"	/* 20 */
	"------.-........"	/* 30 */
	"MMMMMMMMMMMMMMMM"	/* 40 */
	"MMMMMMMMMMMMMMMM"	/* 50 */
	"MMMMMMMMMMMMMMMM"	/* 60 */
	"mmmmMMM-sM..MMMM"	/* 70 */
	"RRRRRRRRRRRRRRRR"	/* 80 */
	"MMMMMMMMMMMMMMMM"	/* 90 */
	"---MmMMM---MmMMM"	/* a0 */
	"MMMMMMMMpMmMMMMM"	/* b0 */
	"MMmMmmmM--------"	/* c0 */
	"MMMMMMMMMMMMMMMM"	/* d0 */
	"MMMMMMMMMMMMMMMM"	/* e0 */
	"MMMMMMMMMMMMMMMM";	/* f0 */

_Static_assert(sizeof(one_byte) == 257 && sizeof(two_byte) == 257,
	       "a form for each opcode");

static bool is_prefix(struct decoder *d, uint8_t byte)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65:
		return true;
	case 0x66:
		d->size66 = true;
		return true;
	case 0x67:
		d->size67 = true;
		return true;
	case 0xf0:
		d->lock = true;
		return true;
	case 0xf2: case 0xf3:
		d->rep = byte;
		return true;
	default:
		return false;
	}
}

static void skip_prefixes(struct decoder *d)
{
	for (; d->pos < d->len; d->pos++) {
		uint8_t byte = d->bytes[d->pos];

		/* A REX prefix that others follow is ignored. */
		if (is_prefix(d, byte))
			d->rex = 0;
		else if ((byte & 0xf0) == 0x40)
			d->rex = byte;
		else
			break;
	}
}

/* A byte that is missing is 0: end() finds out. */
static uint8_t peek(const struct decoder *d, unsigned int ahead)
{
	return d->pos + ahead < d->len ? d->bytes[d->pos + ahead] : 0;
}

static int end(const struct decoder *d, struct rp__code_insn *ret)
{
	if (d->pos > d->len)
		return -EILSEQ;
	ret->len = d->pos;
	return 0;
}

static unsigned int immediate(const struct decoder *d)
{
	return d->size66 && !(d->rex & REX_W) ? 2 : 4;
}

static int relative(struct decoder *d, unsigned int size,
		    struct rp__code_insn *ret)
{
	if (d->size66)
		return -EILSEQ;
	ret->rel = d->pos;
	ret->rel_size = size;
	d->pos += size;
	return end(d, ret);
}

/* ModRM, SIB and displacement. */
static int operand(struct decoder *d, struct rp__code_insn *ret)
{
	unsigned int mod = d->modrm >> 6, rm = d->modrm & 7;

	d->pos++;
	if (mod == 3)
		return 0;
	if (mod == 0 && rm == 5) {
		if (d->size67)
			return -EILSEQ;
		ret->rip = d->pos;
		d->pos += 4;
		return 0;
	}
	if (rm == 4) {
		/* Without a base a displacement follows, also with mod 0. */
		if (mod == 0 && (peek(d, 0) & 7) == 5)
			d->pos += 4;
		d->pos++;
	}
	d->pos += mod == 1 ? 1 : mod == 2 ? 4 : 0;
	return 0;
}

/* What follows ModRM, SIB and displacement. */
static int operand_and_immediate(struct decoder *d, char form,
				 struct rp__code_insn *ret)
{
	bool test = (d->modrm >> 3 & 7) < 2;

	switch (form) {
	case 'm':
		d->pos += 1;
		break;
	case 'Z':
		d->pos += immediate(d);
		break;
	case 't':
		d->pos += test ? 1 : 0;
		break;
	case 'T':
		d->pos += test ? immediate(d) : 0;
		break;
	case 's':
		if (d->rep == 0xf3)
			return -EILSEQ;
		d->pos += d->size66 || d->rep ? 2 : 0;
		break;
	case 'p':
		if (d->rep != 0xf3)
			return -EILSEQ;
		break;
	default:
		break;
	}
	return end(d, ret);
}

/* What follows an opcode of @form. */
static int rest(struct decoder *d, char form, struct rp__code_insn *ret)
{
	switch (form) {
	case '-':
		return end(d, ret);
	case 'b':
		d->pos += 1;
		return end(d, ret);
	case 'w':
		d->pos += 2;
		return end(d, ret);
	case 'e':
		d->pos += 3;
		return end(d, ret);
	case 'z':
		d->pos += immediate(d);
		return end(d, ret);
	case 'v':
		d->pos += d->rex & REX_W ? 8 : immediate(d);
		return end(d, ret);
	case 'a':
		d->pos += d->size67 ? 4 : 8;
		return end(d, ret);
	case 'r':
		return relative(d, 1, ret);
	case 'R':
		return relative(d, 4, ret);
	case '.':
		return -EILSEQ;
	case 'C':
		d->pos++;
		return end(d, ret);
	default:
		d->modrm = peek(d, 0);
		if (operand(d, ret) < 0)
			return -EILSEQ;
		return operand_and_immediate(d, form, ret);
	}
}

/* VEX, EVEX and XOP say in themselves what 66, f2, f3 and REX would. */
static bool excluded(const struct decoder *d)
{
	return d->size66 || d->rep || d->rex || d->lock;
}

/* An opcode of @map behind VEX or EVEX. */
static int vector(struct decoder *d, unsigned int map, bool evex,
		  struct rp__code_insn *ret)
{
	uint8_t opcode = peek(d, 0);
	char form = two_byte[opcode];

	d->pos++;
	if (excluded(d))
		return -EILSEQ;
	switch (map) {
	case 1:
		if (opcode == 0x77 && !evex)	/* vzeroupper, vzeroall */
			return end(d, ret);
		if ((opcode & 0xfc) == 0x78 && evex)
			form = 'M';
		if (form != 'M' && form != 'm')
			return -EILSEQ;
		return rest(d, form, ret);
	case 2:
		return rest(d, 'M', ret);
	case 3:
		return rest(d, 'm', ret);
	case 5: case 6:
		return evex ? rest(d, 'M', ret) : -EILSEQ;
	default:
		return -EILSEQ;
	}
}

static int vex(struct decoder *d, uint8_t opcode, struct rp__code_insn *ret)
{
	/* c4, R X B map, W vvvv L pp; or c5, R vvvv L pp */
	unsigned int map = opcode == 0xc4 ? peek(d, 0) & 0x1f : 1;

	d->pos += opcode == 0xc4 ? 2 : 1;
	return vector(d, map, false, ret);
}

/* Tells XOP from pop, which has the same opcode. */
static int xop(struct decoder *d, struct rp__code_insn *ret)
{
	static const char forms[] = { [8] = 'm', [9] = 'M', [10] = 'Z' };
	unsigned int map = peek(d, 0) & 0x1f;

	if (map < 8) {
		if (peek(d, 0) >> 3 & 7)
			return -EILSEQ;
		return rest(d, 'M', ret);
	}
	if (map > 10 || excluded(d))
		return -EILSEQ;
	d->pos += 3;
	return rest(d, forms[map], ret);
}

static int evex(struct decoder *d, struct rp__code_insn *ret)
{
	/* 62, R X B R' 0 map, W vvvv 1 pp, z L'L b V' aaa */
	uint8_t first = peek(d, 0), second = peek(d, 1);

	if ((first & 0x08) || !(second & 0x04))
		return -EILSEQ;
	d->pos += 3;
	return vector(d, first & 7, true, ret);
}

static int two(struct decoder *d, struct rp__code_insn *ret)
{
	uint8_t opcode = peek(d, 0);

	d->pos++;
	switch (opcode) {
	case 0x38:
		d->pos++;
		return rest(d, 'M', ret);
	case 0x3a:
		d->pos++;
		return rest(d, 'm', ret);
	case 0x1f:
		ret->nop = !d->rep && !d->lock && !(peek(d, 0) & 0x38);
		return rest(d, 'M', ret);
	default:
		return rest(d, two_byte[opcode], ret);
	}
}

/* Opcodes of which ModRM selects the instruction, and not all are one. */
static int group(struct decoder *d, uint8_t opcode, struct rp__code_insn *ret)
{
	uint8_t modrm = peek(d, 0);
	unsigned int reg = modrm >> 3 & 7;

	switch (opcode) {
	case 0xc7:
		if (modrm == 0xf8) {		/* xbegin */
			d->pos++;
			return relative(d, 4, ret);
		}
		/* fall through */
	case 0xc6:
		if (reg && modrm != 0xf8)	/* xabort */
			return -EILSEQ;
		break;
	case 0xfe:
		if (reg > 1)
			return -EILSEQ;
		break;
	default:
		if (reg > 6)
			return -EILSEQ;
		ret->stops = reg == 4;
		break;
	}
	return rest(d, one_byte[opcode], ret);
}

int rp__code_decode(const uint8_t *bytes, size_t len,
		    struct rp__code_insn *ret)
{
	struct decoder d = {
		.bytes = bytes,
		.len = len < RP__INSN_MAX ? (unsigned int)len : RP__INSN_MAX,
	};
	uint8_t opcode;

	memset(ret, 0, sizeof(*ret));
	/* Padding is most of what there is to decode. */
	if (d.len && bytes[0] == 0x90) {
		ret->len = 1;
		ret->nop = true;
		return 0;
	}
	skip_prefixes(&d);
	if (d.pos >= d.len)
		return -EILSEQ;
	opcode = bytes[d.pos++];
	switch (opcode) {
	case 0x0f:
		return two(&d, ret);
	case 0x62:
		return evex(&d, ret);
	case 0x8f:
		return xop(&d, ret);
	case 0x90:
		/* With f3 it is pause, with REX.B an exchange. */
		ret->nop = !d.rep && !d.lock && !(d.rex & REX_B);
		return end(&d, ret);
	case 0xc4: case 0xc5:
		return vex(&d, opcode, ret);
	case 0xc6: case 0xc7: case 0xfe: case 0xff:
		return group(&d, opcode, ret);
	case 0xc2: case 0xc3: case 0xe9: case 0xeb:
		ret->stops = true;
		/* fall through */
	default:
		return rest(&d, one_byte[opcode], ret);
	}
}
