// SPDX-License-Identifier: MIT
/*
 * Copy sequences of instructions to another place, and make their NOPs cheap.
 *
 * Two kinds of field depend on where an instruction lies: the displacement of
 * a relative branch and that of a RIP-relative operand. Both count from the
 * end of their instruction. What they refer to within the sequence goes along
 * with it, so that only those that leave it change.
 */
#include <errno.h>
#include <string.h>

#include "../../arch.h"
#include "../../code.h"

#define JMP32		0xe9
#define JMP32_LEN	5
#define JMP8		0xeb
#define JMP8_LEN	2
#define NOP_MAX		11	/* that rp__insn_encode() has */

/* struct marks - a bit for each byte of a sequence; of 8 KiB, for the stack. */
struct marks {
	uint64_t words[(RP__CODE_MAX + 1) / 64];
};

/*
 * struct scan - one look at a sequence.
 * @decoded:  bytes that are instructions
 * @starts:   where instructions begin
 * @nops:     where NOPs begin that are nobody's site
 * @stops:    where jumps and returns begin
 * @branches: where relative branches go to
 * @operands: what operands refer to
 */
struct scan {
	size_t decoded;
	struct marks starts;
	struct marks nops;
	struct marks stops;
	struct marks branches;
	struct marks operands;
};

static void clear(struct marks *marks, size_t len)
{
	memset(marks->words, 0, (len / 64 + 1) * sizeof(*marks->words));
}

static void mark(struct marks *marks, size_t offset)
{
	marks->words[offset / 64] |= (uint64_t)1 << offset % 64;
}

static bool marked(const struct marks *marks, size_t offset)
{
	return marks->words[offset / 64] >> offset % 64 & 1;
}

static unsigned int field_of(const struct rp__code_insn *insn)
{
	return insn->rel ? insn->rel : insn->rip;
}

static intptr_t displacement(const uint8_t *bytes,
			     const struct rp__code_insn *insn)
{
	int32_t wide;

	if (insn->rel && insn->rel_size == 1)
		return (int8_t)bytes[insn->rel];
	memcpy(&wide, bytes + field_of(insn), sizeof(wide));
	return wide;
}

/* What the instruction, whose bytes are at @bytes, refers to if at @addr. */
static uintptr_t reference(const uint8_t *bytes, uintptr_t addr,
			   const struct rp__code_insn *insn)
{
	return addr + insn->len + (uintptr_t)displacement(bytes, insn);
}

static bool fits_in_byte(intptr_t value)
{
	return value == (int8_t)value;
}

/* The NOP of a static branch, with its prefixes: it changes by itself. */
static bool may_be_branch(const uint8_t *bytes, unsigned int len)
{
	static const uint8_t nop5[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	unsigned int prefixes = 0;

	while (prefixes < len && bytes[prefixes] == 0x2e)
		prefixes++;
	return len - prefixes == sizeof(nop5) &&
	       !memcmp(bytes + prefixes, nop5, sizeof(nop5));
}

static void scan(struct scan *ret, const uint8_t *code, size_t len,
		 uintptr_t addr)
{
	struct rp__code_insn insn;
	uintptr_t target;
	size_t pos;

	clear(&ret->starts, len);
	clear(&ret->nops, len);
	clear(&ret->stops, len);
	clear(&ret->branches, len);
	clear(&ret->operands, len);
	for (pos = 0; pos < len; pos += insn.len) {
		if (rp__code_decode(code + pos, len - pos, &insn) < 0)
			break;
		mark(&ret->starts, pos);
		if (insn.nop && !may_be_branch(code + pos, insn.len))
			mark(&ret->nops, pos);
		if (insn.stops)
			mark(&ret->stops, pos);
		if (insn.nop || !field_of(&insn))
			continue;
		target = reference(code + pos, addr + pos, &insn) - addr;
		if (target < len)
			mark(insn.rel ? &ret->branches : &ret->operands,
			     target);
	}
	ret->decoded = pos;
}

/* ---- check ---- */

static bool branches_astray(const struct scan *scan, size_t len)
{
	for (size_t i = 0; i <= len / 64; i++)
		if (scan->branches.words[i] & ~scan->starts.words[i])
			return true;
	return false;
}

/* The first branch into the middle of an instruction: there is one. */
static size_t find_astray(const struct scan *scan, const uint8_t *code,
			  size_t len, uintptr_t addr)
{
	struct rp__code_insn insn;
	uintptr_t target;
	size_t pos;

	for (pos = 0; pos < len; pos += insn.len) {
		rp__code_decode(code + pos, len - pos, &insn);
		if (!insn.rel)
			continue;
		target = reference(code + pos, addr + pos, &insn) - addr;
		if (target < len && !marked(&scan->starts, target))
			break;
	}
	return pos;
}

static int check(const struct scan *scan, const uint8_t *code, size_t len,
		 uintptr_t addr, size_t *at)
{
	if (scan->decoded < len) {
		*at = scan->decoded;
		return -EILSEQ;
	}
	if (!branches_astray(scan, len))
		return 0;
	*at = find_astray(scan, code, len, addr);
	return -EINVAL;
}

int rp__code_check(const uint8_t *code, size_t len, uintptr_t addr, size_t *at)
{
	struct scan found;

	if (len > RP__CODE_MAX) {
		*at = RP__CODE_MAX;
		return -E2BIG;
	}
	scan(&found, code, len, addr);
	return check(&found, code, len, addr, at);
}

/* ---- relocate ---- */

static int shift(uint8_t *bytes, const struct rp__code_insn *insn,
		 uintptr_t distance)
{
	uintptr_t sum = (uintptr_t)displacement(bytes, insn) + distance;
	intptr_t value = (intptr_t)sum;
	int32_t wide = (int32_t)value;

	if (insn->rel && insn->rel_size == 1) {
		if (!fits_in_byte(value))
			return -ERANGE;
		bytes[insn->rel] = (uint8_t)value;
		return 0;
	}
	if (value != wide)
		return -ERANGE;
	memcpy(bytes + field_of(insn), &wide, sizeof(wide));
	return 0;
}

/* Without prefixes only: one with bnd, say, is to keep its meaning. */
static void shrink_jump(uint8_t *bytes, const struct rp__code_insn *insn)
{
	intptr_t value;

	if (bytes[0] != JMP32)
		return;
	value = displacement(bytes, insn) + JMP32_LEN - JMP8_LEN;
	if (!fits_in_byte(value))
		return;
	bytes[0] = JMP8;
	bytes[1] = (uint8_t)value;
	memset(bytes + JMP8_LEN, RP__INT3, JMP32_LEN - JMP8_LEN);
}

int rp__code_relocate(uint8_t *code, size_t len, uintptr_t from, uintptr_t to,
		      size_t *at)
{
	struct rp__code_insn insn;

	for (size_t pos = 0; pos < len; pos += insn.len) {
		uint8_t *bytes = code + pos;

		*at = pos;
		if (rp__code_decode(bytes, len - pos, &insn) < 0)
			return -EILSEQ;
		if (!field_of(&insn))
			continue;
		if (reference(bytes, from + pos, &insn) - from > len &&
		    shift(bytes, &insn, from - to) < 0)
			return -ERANGE;
		shrink_jump(bytes, &insn);
	}
	return 0;
}

/* ---- NOPs ---- */

/* Operands count, too: the address may be jumped to. */
static bool referred_to(const struct scan *scan, size_t pos)
{
	return marked(&scan->branches, pos) || marked(&scan->operands, pos);
}

static size_t next_start(const struct scan *scan, size_t pos)
{
	do
		pos++;
	while (pos < scan->decoded && !marked(&scan->starts, pos));
	return pos;
}

static bool entered(const struct scan *scan, size_t start, size_t end)
{
	for (size_t pos = start + 1; pos < end; pos++)
		if (referred_to(scan, pos))
			return true;
	return false;
}

/* Where the run of NOPs ends that begins at @start; @start if none does. */
static size_t run_end(const struct scan *scan, size_t start)
{
	size_t pos = start, next;

	while (pos < scan->decoded && marked(&scan->nops, pos) &&
	       (pos == start || !referred_to(scan, pos))) {
		next = next_start(scan, pos);
		if (entered(scan, pos, next))
			break;
		pos = next;
	}
	return pos;
}

/* Do nothing for @len bytes, at the least cost. */
static void fill(uint8_t *bytes, size_t len)
{
	int32_t distance = (int32_t)(len - JMP32_LEN);

	if (len <= NOP_MAX) {
		rp__insn_encode(RP__INSN_NOP, 0, 0, 0, bytes, len);
		return;
	}
	memset(bytes, RP__INT3, len);
	if (fits_in_byte((intptr_t)len - JMP8_LEN)) {
		bytes[0] = JMP8;
		bytes[1] = (uint8_t)(len - JMP8_LEN);
		return;
	}
	bytes[0] = JMP32;
	memcpy(bytes + 1, &distance, sizeof(distance));
}

static void optimize(const struct scan *scan, uint8_t *code)
{
	bool dead = false;

	for (size_t pos = 0; pos < scan->decoded; ) {
		size_t end = run_end(scan, pos);

		dead = dead && !referred_to(scan, pos);
		if (end > pos && dead) {
			memset(code + pos, RP__INT3, end - pos);
		} else if (end > pos) {
			fill(code + pos, end - pos);
		} else {
			dead = marked(&scan->stops, pos) ||
			       (dead && code[pos] == RP__INT3);
			end = next_start(scan, pos);
		}
		pos = end;
	}
}

void rp__code_optimize_nops(uint8_t *code, size_t len, uintptr_t addr)
{
	struct scan found;

	if (len > RP__CODE_MAX)
		return;
	scan(&found, code, len, addr);
	optimize(&found, code);
}

int rp__code_finish(uint8_t *code, size_t len, uintptr_t addr, size_t *at)
{
	struct scan found;
	int error;

	if (len > RP__CODE_MAX) {
		*at = RP__CODE_MAX;
		return -E2BIG;
	}
	scan(&found, code, len, addr);
	error = check(&found, code, len, addr, at);
	if (!error)
		optimize(&found, code);
	return error;
}

/* ---- single instructions ---- */

static bool is_legacy_prefix(uint8_t byte)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65:
	case 0x66: case 0x67: case 0xf0: case 0xf2: case 0xf3:
		return true;
	default:
		return false;
	}
}

static bool is_string(uint8_t opcode)
{
	return (opcode >= 0x6c && opcode <= 0x6f) ||
	       (opcode >= 0xa4 && opcode <= 0xa7) ||
	       (opcode >= 0xaa && opcode <= 0xaf);
}

/* vpgather* and vpscatter*, with VEX or EVEX: element by element. */
static bool is_by_element(const uint8_t *code, size_t len)
{
	bool evex = code[0] == 0x62;
	uint8_t opcode;

	if (len < 5 || (code[0] != 0xc4 && !evex) ||
	    (code[1] & (evex ? 0x07 : 0x1f)) != 2)
		return false;
	opcode = code[evex ? 4 : 3];
	return (opcode & 0xfc) == 0x90 || (opcode & 0xfc) == 0xa0 ||
	       (opcode & 0xfe) == 0xc6;
}

/*
 * An instruction that a thread can be in the middle of: a signal or an
 * interrupt leaves its registers half-way, or the kernel goes back to its last
 * two bytes to restart a system call. What takes its place would go on from
 * there.
 */
static bool is_interruptible(const uint8_t *code, size_t len)
{
	bool repeated = false;
	size_t pos = 0;

	for (; pos < len && is_legacy_prefix(code[pos]); pos++)
		repeated |= code[pos] == 0xf2 || code[pos] == 0xf3;
	if (pos < len && (code[pos] & 0xf0) == 0x40)
		pos++;
	if (pos + 1 >= len)
		return repeated && pos < len && is_string(code[pos]);
	switch (code[pos]) {
	case 0x0f:
		return code[pos + 1] == 0x05 || code[pos + 1] == 0x34;
	case 0xcd:	/* int */
		return true;
	case 0xc7:	/* xbegin */
		return code[pos + 1] == 0xf8;
	default:
		return is_by_element(code + pos, len - pos);
	}
}

bool rp__code_is_single(const uint8_t *code, size_t len)
{
	struct rp__code_insn insn;

	if (rp__code_decode(code, len, &insn) < 0 ||
	    is_interruptible(code, insn.len))
		return false;
	for (size_t pos = insn.len; pos < len; pos++)
		if (!insn.stops || code[pos] != RP__INT3)
			return false;
	return true;
}
