// SPDX-License-Identifier: MIT
/*
 * Encode and decode the instructions that sites consist of.
 *
 * Not a disassembler: anything that we neither emit nor find at a site is
 * -EILSEQ. Prefixes: 2e and 3e (segment, ignored in 64-bit mode on these
 * instructions), 66 in NOPs only, 67 on a near call only (ld relaxes
 * `call *GOT` to `addr32 call`).
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "../../arch.h"

/*
 * Beyond 9 bytes by prefixes: three of them are what every decoder takes
 * without a penalty.
 */
static const uint8_t nops[][11] = {
	{ 0 },
	{ 0x90 },					/* nop */
	{ 0x66, 0x90 },					/* xchg %ax,%ax */
	{ 0x0f, 0x1f, 0x00 },				/* nopl (%rax) */
	{ 0x0f, 0x1f, 0x40, 0x00 },			/* nopl 0(%rax) */
	{ 0x0f, 0x1f, 0x44, 0x00, 0x00 },		/* nopl 0(%rax,%rax,1) */
	{ 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 },		/* nopw 0(%rax,%rax,1) */
	{ 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00 },	/* nopl 0L(%rax) */
	{ 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
	{ 0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
	{ 0x66, 0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
	{ 0x66, 0x66, 0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
};

bool rp__insn_reaches(uintptr_t end, uintptr_t target)
{
	intptr_t distance = (intptr_t)(target - end);

	return distance == (int32_t)distance;
}

/* Length of the prefixes; @len if they do not go with the opcode. */
static unsigned int skip_prefixes(const uint8_t *bytes, size_t len)
{
	bool size66 = false, size67 = false;
	unsigned int pos = 0;
	bool nop;

	for (; pos < len && pos < 8; pos++) {
		if (bytes[pos] == 0x66)
			size66 = true;
		else if (bytes[pos] == 0x67)
			size67 = true;
		else if (bytes[pos] != 0x2e && bytes[pos] != 0x3e)
			break;
	}
	if (pos >= len)
		return (unsigned int)len;
	nop = bytes[pos] == 0x90 ||
	      (bytes[pos] == 0x0f && pos + 1 < len && bytes[pos + 1] == 0x1f);
	if ((size66 && !nop) || (size67 && bytes[pos] != 0xe8))
		return (unsigned int)len;
	return pos;
}

static int branch(struct rp__insn *ret, enum rp__insn_type type,
		  const uint8_t *bytes, size_t len, uintptr_t addr,
		  unsigned int opcode_end, unsigned int width)
{
	int32_t displacement;

	if (opcode_end + width > len)
		return -EILSEQ;
	if (width == 1)
		displacement = (int8_t)bytes[opcode_end];
	else
		memcpy(&displacement, bytes + opcode_end, 4);
	ret->type = type;
	ret->field = opcode_end;
	ret->len = opcode_end + width;
	ret->target = addr + ret->len + (uintptr_t)(intptr_t)displacement;
	return 0;
}

static int simple(struct rp__insn *ret, enum rp__insn_type type,
		  unsigned int end, size_t len)
{
	if (end > len)
		return -EILSEQ;
	ret->type = type;
	ret->len = end;
	return 0;
}

/* 0f 1f /0: the length follows from the ModRM byte. */
static int long_nop(struct rp__insn *ret, const uint8_t *bytes, size_t len,
		    unsigned int pos)
{
	unsigned int mod, rm, end = pos + 3;

	if (end > len)
		return -EILSEQ;
	mod = bytes[pos + 2] >> 6;
	rm = bytes[pos + 2] & 7;
	if (bytes[pos + 2] >> 3 & 7)
		return -EILSEQ;
	if (rm == 4 && mod != 3) {
		if (end >= len)
			return -EILSEQ;
		/* Without a base a displacement follows, also with mod 0. */
		if (mod == 0 && (bytes[end] & 7) == 5)
			end += 4;
		end++;
	}
	if (mod == 1)
		end++;
	else if (mod == 2)
		end += 4;
	else if (mod == 3 || rm == 5)
		return -EILSEQ;
	return simple(ret, RP__INSN_NOP, end, len);
}

static int two_byte(struct rp__insn *ret, const uint8_t *bytes, size_t len,
		    uintptr_t addr, unsigned int pos)
{
	if (pos + 1 >= len)
		return -EILSEQ;
	if (bytes[pos + 1] == 0x1f)
		return long_nop(ret, bytes, len, pos);
	if ((bytes[pos + 1] & 0xf0) != 0x80)
		return -EILSEQ;
	ret->condition = bytes[pos + 1] & 0x0f;
	return branch(ret, RP__INSN_JCC, bytes, len, addr, pos + 2, 4);
}

int rp__insn_decode(const uint8_t *bytes, size_t len, uintptr_t addr,
		    struct rp__insn *ret)
{
	unsigned int pos;
	uint8_t second;

	memset(ret, 0, sizeof(*ret));
	pos = skip_prefixes(bytes, len);
	if (pos >= len)
		return -EILSEQ;
	second = pos + 1 < len ? bytes[pos + 1] : 0;
	switch (bytes[pos]) {
	case 0x90:
		return simple(ret, RP__INSN_NOP, pos + 1, len);
	case 0xc3:
		return simple(ret, RP__INSN_RET, pos + 1, len);
	case 0xcc:
		return simple(ret, RP__INSN_INT3, pos + 1, len);
	case 0xe8:
		return branch(ret, RP__INSN_CALL, bytes, len, addr, pos + 1, 4);
	case 0xe9:
		return branch(ret, RP__INSN_JMP, bytes, len, addr, pos + 1, 4);
	case 0xeb:
		return branch(ret, RP__INSN_JMP, bytes, len, addr, pos + 1, 1);
	case 0x31:
		if (second != 0xc0)
			return -EILSEQ;
		return simple(ret, RP__INSN_RET0, pos + 2, len);
	case 0xff:
		if (second == 0x15)
			return branch(ret, RP__INSN_CALL_MEM, bytes, len, addr,
				      pos + 2, 4);
		if (second == 0x25)
			return branch(ret, RP__INSN_JMP_MEM, bytes, len, addr,
				      pos + 2, 4);
		return -EILSEQ;
	case 0x0f:
		return two_byte(ret, bytes, len, addr, pos);
	default:
		if ((bytes[pos] & 0xf0) != 0x70)
			return -EILSEQ;
		ret->condition = bytes[pos] & 0x0f;
		return branch(ret, RP__INSN_JCC, bytes, len, addr, pos + 1, 1);
	}
}

/* Opcode bytes of @type; returns how many. */
static unsigned int opcode(enum rp__insn_type type, unsigned int condition,
			   uint8_t *ret)
{
	static const uint8_t single[] = {
		[RP__INSN_CALL] = 0xe8,
		[RP__INSN_JMP] = 0xe9,
	};

	switch (type) {
	case RP__INSN_JCC:
		ret[0] = 0x0f;
		ret[1] = (uint8_t)(0x80 | condition);
		return 2;
	case RP__INSN_CALL_MEM:
	case RP__INSN_JMP_MEM:
		ret[0] = 0xff;
		ret[1] = type == RP__INSN_CALL_MEM ? 0x15 : 0x25;
		return 2;
	default:
		ret[0] = single[type];
		return 1;
	}
}

static int encode_branch(enum rp__insn_type type, unsigned int condition,
			 uintptr_t addr, uintptr_t target, uint8_t *ret,
			 size_t len)
{
	uint8_t op[2];
	unsigned int op_len = opcode(type, condition, op);
	size_t used = op_len + 4, pad = len - used;
	int32_t displacement;

	if (used > len)
		return -ERANGE;
	/*
	 * Behind a jump nothing is reached, so padding goes there. A call
	 * returns: it is made longer in front, by prefixes without meaning.
	 */
	if (type == RP__INSN_JMP || type == RP__INSN_JMP_MEM) {
		memset(ret + used, RP__INT3, pad);
		pad = 0;
	}
	if (!rp__insn_reaches(addr + pad + used, target))
		return -ERANGE;
	displacement = (int32_t)(target - (addr + pad + used));
	memset(ret, 0x2e, pad);
	memcpy(ret + pad, op, op_len);
	memcpy(ret + pad + op_len, &displacement, 4);
	return 0;
}

int rp__insn_encode(enum rp__insn_type type, unsigned int condition,
		    uintptr_t addr, uintptr_t target, uint8_t *ret, size_t len)
{
	if (!len || len > RP__INSN_MAX)
		return -ERANGE;
	switch (type) {
	case RP__INSN_NOP:
		if (len >= sizeof(nops) / sizeof(*nops))
			return -ERANGE;
		memcpy(ret, nops[len], len);
		return 0;
	case RP__INSN_RET:
		memset(ret, RP__INT3, len);
		ret[0] = 0xc3;
		return 0;
	case RP__INSN_RET0:
		/* cs cs cs xor %eax,%eax: one instruction, as the call was. */
		if (len < 2)
			return -ERANGE;
		memset(ret, 0x2e, len - 2);
		ret[len - 2] = 0x31;
		ret[len - 1] = 0xc0;
		return 0;
	case RP__INSN_CALL:
	case RP__INSN_JMP:
	case RP__INSN_JCC:
	case RP__INSN_CALL_MEM:
	case RP__INSN_JMP_MEM:
		return encode_branch(type, condition, addr, target, ret, len);
	default:
		return -ERANGE;
	}
}
