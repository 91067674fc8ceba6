// SPDX-License-Identifier: MIT
/* Where any instruction ends, and which of its fields are relative. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef HAVE_ZYDIS
# include <Zydis/Zydis.h>
#endif

#include "arch.h"
#include "code.h"
#include "draw.h"

#define ARRAY_LEN(array)	(sizeof(array) / sizeof(*(array)))

/* struct known - bytes with what must be found in them. */
struct known {
	uint8_t bytes[16];
	unsigned int len;
	unsigned int rel;
	unsigned int rel_size;
	unsigned int rip;
};

// clang-format off: one instruction per line
static const struct known known[] = {
	{ { 0x50 }, 1, 0, 0, 0 },				/* push */
	{ { 0xc3 }, 1, 0, 0, 0 },
	{ { 0xc2, 8, 0 }, 3, 0, 0, 0 },
	{ { 0xc8, 8, 0, 1 }, 4, 0, 0, 0 },			/* enter */
	{ { 0x04, 1 }, 2, 0, 0, 0 },
	{ { 0x05, 1, 0, 0, 0 }, 5, 0, 0, 0 },
	{ { 0x66, 0x05, 1, 0 }, 4, 0, 0, 0 },
	{ { 0x66, 0x48, 0x05, 1, 0, 0, 0 }, 7, 0, 0, 0 },
	{ { 0x48, 0x66, 0x05, 1, 0 }, 5, 0, 0, 0 },	/* REX is void */
	{ { 0xb8, 1, 0, 0, 0 }, 5, 0, 0, 0 },
	{ { 0x66, 0xb8, 1, 0 }, 4, 0, 0, 0 },
	{ { 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8 }, 10, 0, 0, 0 },
	{ { 0xa1, 1, 2, 3, 4, 5, 6, 7, 8 }, 9, 0, 0, 0 },
	{ { 0x67, 0xa1, 1, 2, 3, 4 }, 6, 0, 0, 0 },
	{ { 0xf6, 0xc0, 1 }, 3, 0, 0, 0 },			/* test */
	{ { 0xf6, 0xd0 }, 2, 0, 0, 0 },				/* not */
	{ { 0xf7, 0xc0, 1, 0, 0, 0 }, 6, 0, 0, 0 },
	{ { 0x66, 0xf7, 0xc0, 1, 0 }, 5, 0, 0, 0 },
	{ { 0xf7, 0xd8 }, 2, 0, 0, 0 },				/* neg */
	{ { 0x8f, 0xc0 }, 2, 0, 0, 0 },				/* pop */
	{ { 0x8b, 0x04, 0x25, 1, 2, 3, 4 }, 7, 0, 0, 0 },	/* no base */
	{ { 0x8b, 0x04, 0x24 }, 3, 0, 0, 0 },
	{ { 0x8b, 0x44, 0x24, 8 }, 4, 0, 0, 0 },
	{ { 0x8b, 0x80, 1, 2, 3, 4 }, 6, 0, 0, 0 },
	{ { 0x41, 0x8b, 0x45, 0 }, 4, 0, 0, 0 },
	{ { 0x0f, 0x20, 0x04 }, 3, 0, 0, 0 },	/* control register, no SIB */
	{ { 0x0f, 0x0f, 0xc1, 0xb4 }, 4, 0, 0, 0 },		/* pfmul */
	{ { 0x0f, 0xba, 0xe0, 5 }, 4, 0, 0, 0 },
	{ { 0x0f, 0x78, 0xc8 }, 3, 0, 0, 0 },			/* vmread */
	{ { 0x66, 0x0f, 0x78, 0xc0, 1, 2 }, 6, 0, 0, 0 },	/* extrq */
	{ { 0xf3, 0x0f, 0xb8, 0xc1 }, 4, 0, 0, 0 },		/* popcnt */
	{ { 0xf2, 0x48, 0x0f, 0x38, 0xf1, 0xc1 }, 6, 0, 0, 0 },	/* crc32 */
	{ { 0x66, 0x0f, 0x3a, 0x0f, 0xc1, 4 }, 6, 0, 0, 0 },	/* palignr */
	{ { 0xf3, 0x0f, 0x1e, 0xfa }, 4, 0, 0, 0 },		/* endbr64 */
	{ { 0xc5, 0xf8, 0x77 }, 3, 0, 0, 0 },			/* vzeroupper */
	{ { 0xc5, 0xf9, 0x70, 0xc1, 1 }, 5, 0, 0, 0 },		/* vpshufd */
	{ { 0xc4, 0xe2, 0x79, 0x18, 0x00 }, 5, 0, 0, 0 },
	{ { 0xc4, 0xe3, 0x79, 0x0f, 0xc1, 4 }, 6, 0, 0, 0 },
	{ { 0x62, 0xf1, 0x7c, 0x48, 0x58, 0x40, 1 }, 7, 0, 0, 0 },
	{ { 0x62, 0xf3, 0x7d, 0x48, 0x03, 0xc1, 1 }, 7, 0, 0, 0 },
	{ { 0x62, 0xf5, 0x7c, 0x48, 0x58, 0xc1 }, 6, 0, 0, 0 },
	{ { 0x8f, 0xe8, 0x78, 0xc0, 0xc1, 3 }, 6, 0, 0, 0 },	/* vprotb */
	{ { 0x8f, 0xe9, 0x78, 0x81, 0xc1 }, 5, 0, 0, 0 },	/* vfrczpd */
	{ { 0x8f, 0xea, 0x78, 0x10, 0xc1, 1, 2, 3, 4 }, 9, 0, 0, 0 },
	/* relative */
	{ { 0xe8, 1, 2, 3, 4 }, 5, 1, 4, 0 },
	{ { 0x67, 0xe8, 1, 2, 3, 4 }, 6, 2, 4, 0 },
	{ { 0xf2, 0xe9, 1, 2, 3, 4 }, 6, 2, 4, 0 },
	{ { 0xeb, 1 }, 2, 1, 1, 0 },
	{ { 0x74, 1 }, 2, 1, 1, 0 },
	{ { 0xe2, 1 }, 2, 1, 1, 0 },				/* loop */
	{ { 0xe3, 1 }, 2, 1, 1, 0 },				/* jrcxz */
	{ { 0x67, 0xe3, 1 }, 3, 2, 1, 0 },
	{ { 0x0f, 0x85, 1, 2, 3, 4 }, 6, 2, 4, 0 },
	{ { 0xc7, 0xf8, 1, 2, 3, 4 }, 6, 2, 4, 0 },		/* xbegin */
	/* RIP-relative */
	{ { 0x48, 0x8d, 0x05, 1, 2, 3, 4 }, 7, 0, 0, 3 },
	{ { 0x81, 0x3d, 1, 2, 3, 4, 9, 9, 9, 9 }, 10, 0, 0, 2 },
	{ { 0x66, 0x81, 0x3d, 1, 2, 3, 4, 9, 9 }, 9, 0, 0, 3 },
	{ { 0xff, 0x15, 1, 2, 3, 4 }, 6, 0, 0, 2 },
	{ { 0xf6, 0x05, 1, 2, 3, 4, 9 }, 7, 0, 0, 2 },
	{ { 0xc5, 0xfc, 0x28, 0x05, 1, 2, 3, 4 }, 8, 0, 0, 4 },
	{ { 0x62, 0xf1, 0x7c, 0x48, 0x58, 0x05, 1, 2, 3, 4 }, 10, 0, 0, 6 },
	{ { 0x62, 0xf3, 0x7d, 0x48, 0x03, 0x05, 1, 2, 3, 4, 9 }, 11, 0, 0, 6 },
	{ { 0x66, 0x0f, 0x3a, 0x0f, 0x05, 1, 2, 3, 4, 9 }, 10, 0, 0, 5 },
	{ { 0x0f, 0x38, 0xf0, 0x05, 1, 2, 3, 4 }, 8, 0, 0, 4 },
};

static const uint8_t refused[][8] = {
	{ 0x06 }, { 0x0e }, { 0x16 }, { 0x1f }, { 0x27 }, { 0x37 }, { 0x3f },
	{ 0x60 }, { 0x61 }, { 0x82, 0xc0, 1 }, { 0x9a }, { 0xce }, { 0xd4 },
	{ 0xd5, 0x08, 0x90 },				/* aad; REX2 */
	{ 0xd6 }, { 0xea },
	{ 0xc6, 0xc8, 1 }, { 0xc7, 0xc8, 1 }, { 0xfe, 0xd0 }, { 0xff, 0xf8 },
	{ 0x8f, 0xe0 },
	{ 0x0f, 0x04 }, { 0x0f, 0x0a }, { 0x0f, 0x0c }, { 0x0f, 0x24, 0xc0 },
	{ 0x0f, 0x36 }, { 0x0f, 0x39 }, { 0x0f, 0x3b }, { 0x0f, 0x7a, 0xc0 },
	{ 0x0f, 0xb8, 0xc0 }, { 0xf3, 0x0f, 0x78, 0xc0 },
	{ 0x66, 0xe8 }, { 0x66, 0xe9 }, { 0x66, 0x0f, 0x80 }, { 0x66, 0x74 },
	{ 0x66, 0xeb }, { 0x66, 0xe2 }, { 0x66, 0xc7, 0xf8 },
	{ 0x66, 0x48, 0xe8 },
	{ 0x67, 0x8d, 0x05 }, { 0x67, 0xc5, 0xfc, 0x28, 0x05 },
	{ 0x66, 0xc5, 0xf8, 0x77 }, { 0xf2, 0xc5, 0xf8, 0x77 },
	{ 0x48, 0xc5, 0xf8, 0x77 }, { 0xf0, 0xc5, 0xf8, 0x77 },
	{ 0xc4, 0xe0, 0x78, 0x58, 0xc0 }, { 0xc4, 0xe4, 0x78, 0x58, 0xc0 },
	{ 0xc4, 0xe7, 0x7b, 0xf8, 0xc0 }, { 0xc5, 0xf8, 0x84 },
	{ 0x62, 0xf9, 0x7c, 0x48, 0x58, 0xc0 },
	{ 0x62, 0xf1, 0x78, 0x48, 0x58, 0xc0 },
	{ 0x62, 0xf4, 0x7c, 0x08, 0xff, 0xc0 },
	{ 0x66, 0x62, 0xf1, 0x7c, 0x48, 0x58, 0xc0 },
	{ 0x8f, 0xeb, 0x78, 0x10, 0xc1 }, { 0x66, 0x8f, 0xe9, 0x78, 0x81, 0xc1 },
	{ 0x66, 0x66, 0x66, 0x66, 0x2e, 0x2e, 0x2e, 0x2e },
};

static const uint8_t nops[][16] = {
	{ 0x90 }, { 0x66, 0x90 }, { 0x66, 0x66, 0x66, 0x90 }, { 0x2e, 0x90 },
	{ 0x48, 0x90 }, { 0x66, 0x4c, 0x90 }, { 0x0f, 0x1f, 0x00 },
	{ 0x0f, 0x1f, 0xc0 }, { 0x0f, 0x1f, 0x05, 1, 2, 3, 4 },
	{ 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0 },
	{ 0x48, 0x0f, 0x1f, 0x44, 0x25, 0 },
	{ 0x67, 0x0f, 0x1f, 0x04, 0x25, 0, 0, 0, 0 },
};

static const uint8_t no_nops[][16] = {
	{ 0xf3, 0x90 },			/* pause */
	{ 0x41, 0x90 },			/* xchg %r8d,%eax */
	{ 0x49, 0x90 },
	{ 0x91 },
	{ 0x87, 0xc0 },			/* xchg %eax,%eax clears a half */
	{ 0xf3, 0x0f, 0x1e, 0xfa },	/* endbr64 */
	{ 0x0f, 0x1e, 0xc0 },
	{ 0x0f, 0x1f, 0xc8 },		/* /1: not yet assigned */
	{ 0x0f, 0x18, 0x00 },		/* prefetch */
	{ 0x89, 0xc0 },
	{ 0xcc },
};

static const uint8_t stopping[][8] = {
	{ 0xc3 }, { 0xc2, 8, 0 }, { 0xf3, 0xc3 }, { 0xeb, 1 },
	{ 0xe9, 1, 2, 3, 4 }, { 0xff, 0xe0 }, { 0x3e, 0xff, 0xe0 },
	{ 0xff, 0x25, 1, 2, 3, 4 },
};

static const uint8_t not_stopping[][8] = {
	{ 0xe8, 1, 2, 3, 4 }, { 0xff, 0xd0 }, { 0xff, 0xf0 }, { 0x74, 1 },
	{ 0xcc }, { 0x0f, 0x85, 1, 2, 3, 4 }, { 0x90 },
};
// clang-format on

static void decode_known_bytes(void **state)
{
	struct rp__code_insn insn;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const struct known *k = &known[i];

		assert_int_equal(rp__code_decode(k->bytes, 16, &insn), 0);
		assert_int_equal(insn.len, k->len);
		assert_int_equal(insn.rel, k->rel);
		assert_int_equal(insn.rel_size, k->rel_size);
		assert_int_equal(insn.rip, k->rip);
		for (unsigned int len = 0; len < k->len; len++)
			assert_int_equal(rp__code_decode(k->bytes, len, &insn),
					 -EILSEQ);
		assert_int_equal(rp__code_decode(k->bytes, k->len, &insn), 0);
	}
}

static void decode_refuses(void **state)
{
	struct rp__code_insn insn;
	uint8_t bytes[24];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		memset(bytes, 0x66, sizeof(bytes));
		memcpy(bytes, refused[i], sizeof(refused[i]));
		if (rp__code_decode(bytes, sizeof(bytes), &insn) != -EILSEQ)
			fail_msg("refused[%zu] is accepted", i);
	}
}

static void decode_at_most_15_bytes(void **state)
{
	struct rp__code_insn insn;
	uint8_t bytes[24];

	(void)state;
	memset(bytes, 0x2e, sizeof(bytes));
	bytes[14] = 0x90;
	assert_int_equal(rp__code_decode(bytes, sizeof(bytes), &insn), 0);
	assert_int_equal(insn.len, 15);
	bytes[13] = 0x04;
	bytes[14] = 0x90;	/* now an immediate */
	assert_int_equal(rp__code_decode(bytes, sizeof(bytes), &insn), 0);
	bytes[13] = 0x05;	/* now its first byte of four */
	assert_int_equal(rp__code_decode(bytes, sizeof(bytes), &insn),
			 -EILSEQ);
	bytes[13] = bytes[14] = 0x2e;
	bytes[15] = 0x90;
	assert_int_equal(rp__code_decode(bytes, sizeof(bytes), &insn),
			 -EILSEQ);
}

static void decode_tells_nops(void **state)
{
	struct rp__code_insn insn;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(nops); i++) {
		assert_int_equal(rp__code_decode(nops[i], 16, &insn), 0);
		if (!insn.nop)
			fail_msg("nops[%zu] is none", i);
	}
	for (size_t i = 0; i < ARRAY_LEN(no_nops); i++) {
		assert_int_equal(rp__code_decode(no_nops[i], 16, &insn), 0);
		if (insn.nop)
			fail_msg("no_nops[%zu] is one", i);
	}
}

static void decode_tells_what_stops(void **state)
{
	struct rp__code_insn insn;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stopping); i++) {
		assert_int_equal(rp__code_decode(stopping[i], 8, &insn), 0);
		assert_true(insn.stops);
	}
	for (size_t i = 0; i < ARRAY_LEN(not_stopping); i++) {
		assert_int_equal(rp__code_decode(not_stopping[i], 8, &insn), 0);
		assert_false(insn.stops);
	}
}

/* ---- random bytes ---- */

/* Prefixes, escapes and SIB bytes more often than others. */
static void draw_bytes(uint8_t *bytes, size_t len)
{
	static const uint8_t likely[] = {
		0x0f, 0x38, 0x3a, 0x66, 0x67, 0xf2, 0xf3, 0x48, 0x41, 0x2e,
		0x62, 0xc4, 0xc5, 0x8f, 0xf1, 0x7c, 0x04, 0x05, 0x84, 0x1f,
	};

	for (size_t i = 0; i < len; i++)
		bytes[i] = draw() % 2 ? likely[draw() % sizeof(likely)] :
					(uint8_t)draw();
}

/* Of a page that ends where the bytes end. */
static void decode_stays_within_length(void **state)
{
	long page = sysconf(_SC_PAGESIZE);
	uint8_t *map = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int accepted = 0;
	struct rp__code_insn insn;

	(void)state;
	assert_true(map != MAP_FAILED);
	assert_int_equal(mprotect(map + page, (size_t)page, PROT_NONE), 0);
	for (int i = 0; i < 400000; i++) {
		size_t len = draw() % 17;
		uint8_t *bytes = map + page - len;

		draw_bytes(bytes, len);
		if (rp__code_decode(bytes, len, &insn) < 0)
			continue;
		accepted++;
		assert_true(insn.len && insn.len <= len);
		assert_true(insn.rel + insn.rel_size <= insn.len);
		assert_true(!insn.rip || insn.rip + 4 <= insn.len);
		assert_true(!insn.rel || !insn.rip);
	}
	assert_true(accepted > 50000);
	munmap(map, 2 * (size_t)page);
}

#ifdef HAVE_ZYDIS

/* ---- what Zydis says ---- */

static ZydisDecoder decoder;
static uint8_t seen[ZYDIS_MNEMONIC_MAX_VALUE + 1];
static unsigned int agreed;

static void judge_init(void)
{
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
			 ZYDIS_STACK_WIDTH_64);
	memset(seen, 0, sizeof(seen));
	agreed = 0;
}

static bool judge(ZydisDecodedInstruction *insn, const uint8_t *bytes,
		  size_t len)
{
	return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, bytes,
							  len, insn));
}

static unsigned int mnemonics(void)
{
	unsigned int count = 0;

	for (size_t i = 0; i < ARRAY_LEN(seen); i++)
		count += seen[i];
	return count;
}

static void fail_bytes(const char *why, const uint8_t *bytes)
{
	char text[64];

	for (int i = 0; i < 16; i++)
		snprintf(text + 3 * i, 4, "%02x ", bytes[i]);
	fail_msg("%s: %s", why, text);
}

static bool is_relative(const ZydisDecodedInstruction *insn)
{
	return insn->raw.imm[0].is_relative;
}

static bool is_rip(const ZydisDecodedInstruction *insn)
{
	return (insn->attributes & ZYDIS_ATTRIB_HAS_MODRM) &&
	       insn->raw.modrm.mod == 0 && insn->raw.modrm.rm == 5 &&
	       insn->raw.disp.size == 32;
}

/* Of those that we take for one; others (0f 1e, f2 90) need not be known. */
static bool is_nop(const ZydisDecodedInstruction *insn)
{
	if (insn->mnemonic != ZYDIS_MNEMONIC_NOP ||
	    (insn->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPNE |
				 ZYDIS_ATTRIB_HAS_LOCK)))
		return false;
	for (unsigned int i = 0; i < insn->raw.prefix_count; i++)
		if (insn->raw.prefixes[i].value >= 0xf0)
			return false;
	if (insn->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT)
		return insn->opcode == 0x90;
	return insn->opcode == 0x1f && insn->raw.modrm.reg == 0;
}

static bool stops(const ZydisDecodedInstruction *insn)
{
	if (insn->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ||
	    insn->meta.branch_type == ZYDIS_BRANCH_TYPE_NONE)
		return false;
	return insn->meta.category == ZYDIS_CATEGORY_UNCOND_BR ||
	       insn->meta.category == ZYDIS_CATEGORY_RET;
}

/* The refusals that the decoder's file head states. */
static bool refused_by_us(const ZydisDecodedInstruction *insn)
{
	return insn->encoding == ZYDIS_INSTRUCTION_ENCODING_MVEX ||
	       (is_relative(insn) &&
		(insn->attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE)) ||
	       (is_rip(insn) &&
		(insn->attributes & ZYDIS_ATTRIB_HAS_ADDRESSSIZE));
}

/* With VEX; some look like what others have, so that they are found. */
static bool is_of_knights_corner(const ZydisDecodedInstruction *insn)
{
	return insn->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX &&
	       (is_relative(insn) ||
		insn->meta.isa_ext == ZYDIS_ISA_EXT_KNC ||
		insn->meta.isa_ext == ZYDIS_ISA_EXT_KNCE);
}

/* Returns the length by Zydis, 0 if it is no instruction. */
static unsigned int agree(const uint8_t *bytes, size_t len)
{
	ZydisDecodedInstruction insn;
	struct rp__code_insn ours;

	if (!judge(&insn, bytes, len))
		return 0;
	if (refused_by_us(&insn)) {
		if (rp__code_decode(bytes, len, &ours) == 0)
			fail_bytes("not refused", bytes);
		return insn.length;
	}
	if (rp__code_decode(bytes, len, &ours) < 0) {
		if (!is_of_knights_corner(&insn))
			fail_bytes("refused", bytes);
		return insn.length;
	}
	if (ours.len != insn.length)
		fail_bytes("another length", bytes);
	if (ours.rel != (is_relative(&insn) ? insn.raw.imm[0].offset : 0) ||
	    ours.rel_size != (is_relative(&insn) ? insn.raw.imm[0].size / 8u :
						   0))
		fail_bytes("another branch", bytes);
	if (ours.rip != (is_rip(&insn) ? insn.raw.disp.offset : 0))
		fail_bytes("another operand", bytes);
	if (ours.nop != is_nop(&insn))
		fail_bytes(ours.nop ? "not a nop" : "a nop", bytes);
	if (ours.stops != stops(&insn))
		fail_bytes(ours.stops ? "goes on" : "stops", bytes);
	seen[insn.mnemonic] = 1;
	agreed++;
	return insn.length;
}

/* All that may follow an opcode at @pos; @step selects among ModRM bytes. */
static void sweep_modrm(uint8_t *bytes, unsigned int pos, unsigned int step)
{
	static const uint8_t sibs[] = { 0x24, 0x25, 0xed, 0x00 };

	for (unsigned int modrm = 0; modrm < 256; modrm += step) {
		unsigned int variants = (modrm & 7) == 4 && modrm < 0xc0 ? 4 : 1;

		bytes[pos] = (uint8_t)modrm;
		for (unsigned int i = 0; i < variants; i++) {
			bytes[pos + 1] = sibs[i];
			agree(bytes, 16);
		}
	}
}

static void sweep_opcodes(uint8_t *bytes, unsigned int pos, unsigned int step)
{
	for (unsigned int opcode = 0; opcode < 256; opcode++) {
		bytes[pos] = (uint8_t)opcode;
		memset(bytes + pos + 1, 0x11, 16 - pos - 1);
		sweep_modrm(bytes, pos + 1, step);
	}
}

struct start {
	unsigned int len;
	uint8_t bytes[4];
};

// clang-format off: one start per line
static const struct start prefixes[] = {
	{ 0, { 0 } },
	{ 1, { 0x66 } }, { 1, { 0x67 } }, { 1, { 0xf2 } }, { 1, { 0xf3 } },
	{ 1, { 0x26 } }, { 1, { 0x2e } }, { 1, { 0x36 } }, { 1, { 0x3e } },
	{ 1, { 0x64 } }, { 1, { 0x65 } }, { 1, { 0xf0 } },
	{ 1, { 0x40 } }, { 1, { 0x41 } }, { 1, { 0x42 } }, { 1, { 0x44 } },
	{ 1, { 0x48 } }, { 1, { 0x4f } },
	{ 2, { 0x66, 0x48 } }, { 2, { 0x66, 0x41 } }, { 2, { 0x48, 0x66 } },
	{ 2, { 0x66, 0x67 } }, { 2, { 0x67, 0x48 } }, { 2, { 0x66, 0xf2 } },
	{ 2, { 0xf3, 0x66 } }, { 2, { 0xf2, 0x48 } }, { 2, { 0xf3, 0x4f } },
	{ 2, { 0x49, 0x41 } }, { 2, { 0xf2, 0xf3 } }, { 2, { 0xf3, 0xf2 } },
	{ 3, { 0x66, 0xf3, 0x48 } }, { 3, { 0x66, 0x66, 0x66 } },
};

static const struct start maps[] = {
	{ 0, { 0 } }, { 1, { 0x0f } }, { 2, { 0x0f, 0x38 } },
	{ 2, { 0x0f, 0x3a } },
};
// clang-format on

static void legacy_agrees_with_zydis(void **state)
{
	uint8_t bytes[32];

	(void)state;
	judge_init();
	for (size_t p = 0; p < ARRAY_LEN(prefixes); p++) {
		for (size_t m = 0; m < ARRAY_LEN(maps); m++) {
			unsigned int len = prefixes[p].len;

			memcpy(bytes, prefixes[p].bytes, len);
			memcpy(bytes + len, maps[m].bytes, 4);
			sweep_opcodes(bytes, len + maps[m].len, 1);
		}
	}
	assert_true(agreed > 3000000);
	assert_true(mnemonics() > 700);
}

/* Second bytes of VEX and XOP: pp, L, W; with vvvv unused and used. */
static const uint8_t vex_last[] = {
	0x78, 0x79, 0x7a, 0x7b, 0x7c, 0x7d, 0x7e, 0x7f,
	0xf8, 0xf9, 0xfb, 0xfd, 0x60, 0x65, 0xe9,
};

static void vex_agrees_with_zydis(void **state)
{
	uint8_t bytes[32];

	(void)state;
	judge_init();
	for (size_t i = 0; i < ARRAY_LEN(vex_last); i++) {
		bytes[0] = 0xc5;
		bytes[1] = vex_last[i];
		sweep_opcodes(bytes, 2, 1);
		for (unsigned int map = 0; map < 32; map++) {
			bytes[0] = 0xc4;
			bytes[1] = (uint8_t)((i & 1 ? 0x40 : 0xe0) | map);
			bytes[2] = vex_last[i];
			/* Other maps have nothing today. */
			sweep_opcodes(bytes, 3, map && map < 4 ? 1 : 51);
		}
	}
	assert_true(agreed > 500000);
	assert_true(mnemonics() > 400);
}

static void xop_agrees_with_zydis(void **state)
{
	uint8_t bytes[32] = { 0x8f };

	(void)state;
	judge_init();
	for (size_t i = 0; i < ARRAY_LEN(vex_last); i++) {
		for (unsigned int map = 0; map < 32; map++) {
			bytes[1] = (uint8_t)(0xe0 | map);
			bytes[2] = vex_last[i];
			sweep_opcodes(bytes, 3, map > 7 && map < 11 ? 1 : 51);
		}
	}
	assert_true(agreed > 30000);
	assert_true(mnemonics() > 60);
}

static void evex_agrees_with_zydis(void **state)
{
	static const uint8_t second[] = {
		0x7c, 0x7d, 0x7e, 0x7f, 0xfc, 0xfd, 0xfe, 0xff, 0x65, 0xe5,
		0x78,
	};
	static const uint8_t third[] = {
		0x08, 0x28, 0x48, 0x18, 0x58, 0x09, 0x49, 0x00, 0xc9,
	};
	uint8_t bytes[32] = { 0x62 };

	(void)state;
	judge_init();
	for (size_t s = 0; s < ARRAY_LEN(second); s++) {
		for (size_t t = 0; t < ARRAY_LEN(third); t++) {
			for (unsigned int map = 0; map < 16; map++) {
				bytes[1] = (uint8_t)(0xf0 | map);
				bytes[2] = second[s];
				bytes[3] = third[t];
				sweep_opcodes(bytes, 4,
					      map && map < 7 ? 11 : 51);
			}
		}
	}
	assert_true(agreed > 200000);
	assert_true(mnemonics() > 600);
}

static void random_agrees_with_zydis(void **state)
{
	uint8_t bytes[24];

	(void)state;
	judge_init();
	for (int i = 0; i < 1000000; i++) {
		draw_bytes(bytes, sizeof(bytes));
		agree(bytes, sizeof(bytes));
	}
	assert_true(agreed > 200000);
}

/* ---- real code ---- */

static const Elf64_Shdr *find_text(const uint8_t *file)
{
	const Elf64_Ehdr *header = (const void *)file;
	const Elf64_Shdr *sections = (const void *)(file + header->e_shoff);
	const char *names = (const char *)file +
			    sections[header->e_shstrndx].sh_offset;

	for (unsigned int i = 1; i < header->e_shnum; i++)
		if (!strcmp(names + sections[i].sh_name, ".text"))
			return &sections[i];
	return NULL;
}

/* Returns how many instructions of the file's .text agree. */
static unsigned int walk_text(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const Elf64_Shdr *text;
	struct stat info;
	uint8_t *file;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &info), 0);
	file = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(file != MAP_FAILED);
	close(fd);
	text = find_text(file);
	assert_non_null(text);
	judge_init();
	for (size_t pos = 0; pos < text->sh_size; ) {
		const uint8_t *at = file + text->sh_offset + pos;
		unsigned int len = agree(at, text->sh_size - pos);

		/* Data, or newer than Zydis. */
		pos += len ? len : 1;
	}
	munmap(file, (size_t)info.st_size);
	return agreed;
}

static void own_text_agrees_with_zydis(void **state)
{
	(void)state;
	assert_true(walk_text("/proc/self/exe") > 1000);
}

/* The file that a symbol of libc is mapped from. */
static bool find_libc(char *path, size_t size)
{
	FILE *file = fopen("/proc/self/maps", "re");
	bool found = false;
	char *line = NULL;
	size_t room = 0;

	assert_non_null(file);
	while (!found && getline(&line, &room, file) > 0) {
		char *name = strchr(line, '/');

		if (!name || (!strstr(name, "/libc.so") &&
			      !strstr(name, "/libc-") &&
			      !strstr(name, "/ld-musl")))
			continue;
		name[strcspn(name, "\n")] = '\0';
		snprintf(path, size, "%s", name);
		found = true;
	}
	free(line);
	fclose(file);
	return found;
}

static void libc_text_agrees_with_zydis(void **state)
{
	char path[512];

	(void)state;
	if (!find_libc(path, sizeof(path))) {
		print_message("SKIP: no libc is mapped from a file\n");
		skip();
	}
	assert_true(walk_text(path) > 50000);
}

#else
static void legacy_agrees_with_zydis(void **state)
{
	(void)state;
	print_message("SKIP: built without the tools, so without Zydis\n");
	skip();
}

# define vex_agrees_with_zydis		legacy_agrees_with_zydis
# define xop_agrees_with_zydis		legacy_agrees_with_zydis
# define evex_agrees_with_zydis		legacy_agrees_with_zydis
# define random_agrees_with_zydis	legacy_agrees_with_zydis
# define own_text_agrees_with_zydis	legacy_agrees_with_zydis
# define libc_text_agrees_with_zydis	legacy_agrees_with_zydis
#endif

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(decode_known_bytes),
		cmocka_unit_test(decode_refuses),
		cmocka_unit_test(decode_at_most_15_bytes),
		cmocka_unit_test(decode_tells_nops),
		cmocka_unit_test(decode_tells_what_stops),
		cmocka_unit_test(decode_stays_within_length),
		cmocka_unit_test(legacy_agrees_with_zydis),
		cmocka_unit_test(vex_agrees_with_zydis),
		cmocka_unit_test(xop_agrees_with_zydis),
		cmocka_unit_test(evex_agrees_with_zydis),
		cmocka_unit_test(random_agrees_with_zydis),
		cmocka_unit_test(own_text_agrees_with_zydis),
		cmocka_unit_test(libc_text_agrees_with_zydis),
	};

	return cmocka_run_group_tests_name("length_x86_64", tests, NULL, NULL);
}
