// SPDX-License-Identifier: MIT
/* Sequences of instructions: checked, moved, and rid of NOPs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch.h"
#include "code.h"
#include "draw.h"

#define ARRAY_LEN(array)	(sizeof(array) / sizeof(*(array)))
#define FROM			((uintptr_t)0x7f0000001000)
#define NOWHERE			((size_t)-1)

static void fail_bytes(const char *name, const uint8_t *bytes, size_t len)
{
	char text[128] = "";

	for (size_t i = 0; i < len && i < 40; i++)
		snprintf(text + 3 * i, 4, "%02x ", bytes[i]);
	fail_msg("%s: %s", name, text);
}

/* ---- relocate ---- */

/*
 * struct move - a sequence built for FROM, copied to FROM + distance.
 * @error: 0, then @expect is the result; or the error, with @at
 */
struct move {
	const char *name;
	intptr_t distance;
	size_t len;
	uint8_t code[24];
	uint8_t expect[24];
	int error;
	size_t at;
};

// clang-format off: one instruction per line
static const struct move moves[] = {
	/* The cases of the kernel's own test. */
	{ "lea behind a nop", 0x1000, 8,
	  { 0x90,
	    0x48, 0x8d, 0x05, 0x00, 0x20, 0x00, 0x00 },
	  { 0x90,
	    0x48, 0x8d, 0x05, 0x00, 0x10, 0x00, 0x00 }, 0, 0 },
	{ "call behind a nop", -0x1000, 6,
	  { 0x90,
	    0xe8, 0x00, 0x20, 0x00, 0x00 },
	  { 0x90,
	    0xe8, 0x00, 0x30, 0x00, 0x00 }, 0, 0 },
	{ "jump gets short", 0x1000, 6,
	  { 0x90,
	    0xe9, 0x40, 0x10, 0x00, 0x00 },
	  { 0x90,
	    0xeb, 0x43, 0xcc, 0xcc, 0xcc }, 0, 0 },
	/* Where a jump stops being short. */
	{ "jump of 127", 0x1000, 5,
	  { 0xe9, 0x7c, 0x10, 0x00, 0x00 },
	  { 0xeb, 0x7f, 0xcc, 0xcc, 0xcc }, 0, 0 },
	{ "jump of 128", 0x1000, 5,
	  { 0xe9, 0x7d, 0x10, 0x00, 0x00 },
	  { 0xe9, 0x7d, 0x00, 0x00, 0x00 }, 0, 0 },
	{ "jump of -128", 0x1000, 5,
	  { 0xe9, 0x7d, 0x0f, 0x00, 0x00 },
	  { 0xeb, 0x80, 0xcc, 0xcc, 0xcc }, 0, 0 },
	{ "jump of -129", 0x1000, 5,
	  { 0xe9, 0x7c, 0x0f, 0x00, 0x00 },
	  { 0xe9, 0x7c, 0xff, 0xff, 0xff }, 0, 0 },
	{ "jump with a prefix stays long", 0x1000, 6,
	  { 0x2e, 0xe9, 0x40, 0x10, 0x00, 0x00 },
	  { 0x2e, 0xe9, 0x40, 0x00, 0x00, 0x00 }, 0, 0 },
	{ "call stays long", 0x1000, 5,
	  { 0xe8, 0x40, 0x10, 0x00, 0x00 },
	  { 0xe8, 0x40, 0x00, 0x00, 0x00 }, 0, 0 },
	{ "jump within gets short", 0x1000, 6,
	  { 0xe9, 0x00, 0x00, 0x00, 0x00,
	    0xc3 },
	  { 0xeb, 0x03, 0xcc, 0xcc, 0xcc,
	    0xc3 }, 0, 0 },
	/* Inside, outside, and where one becomes the other. */
	{ "target is the start", 0x1000, 3,
	  { 0x90,
	    0xeb, 0xfd },
	  { 0x90,
	    0xeb, 0xfd }, 0, 0 },
	{ "target is the end", 0x1000, 6,
	  { 0x0f, 0x84, 0x00, 0x00, 0x00, 0x00 },
	  { 0x0f, 0x84, 0x00, 0x00, 0x00, 0x00 }, 0, 0 },
	{ "target is one behind the end", 0x1000, 6,
	  { 0x0f, 0x84, 0x01, 0x00, 0x00, 0x00 },
	  { 0x0f, 0x84, 0x01, 0xf0, 0xff, 0xff }, 0, 0 },
	{ "target is one before the start", 0x1000, 6,
	  { 0x0f, 0x84, 0xf9, 0xff, 0xff, 0xff },
	  { 0x0f, 0x84, 0xf9, 0xef, 0xff, 0xff }, 0, 0 },
	{ "operand is the end", 0x1000, 7,
	  { 0x48, 0x8d, 0x05, 0x00, 0x00, 0x00, 0x00 },
	  { 0x48, 0x8d, 0x05, 0x00, 0x00, 0x00, 0x00 }, 0, 0 },
	{ "operand is one behind the end", 0x1000, 7,
	  { 0x48, 0x8d, 0x05, 0x01, 0x00, 0x00, 0x00 },
	  { 0x48, 0x8d, 0x05, 0x01, 0xf0, 0xff, 0xff }, 0, 0 },
	{ "operand inside", 0x1000, 8,
	  { 0x8b, 0x05, 0xfa, 0xff, 0xff, 0xff,
	    0x90, 0xc3 },
	  { 0x8b, 0x05, 0xfa, 0xff, 0xff, 0xff,
	    0x90, 0xc3 }, 0, 0 },
	/* Fields in other places. */
	{ "immediate behind the displacement", 0x1000, 10,
	  { 0x81, 0x3d, 0x00, 0x20, 0x00, 0x00, 0x78, 0x56, 0x34, 0x12 },
	  { 0x81, 0x3d, 0x00, 0x10, 0x00, 0x00, 0x78, 0x56, 0x34, 0x12 },
	  0, 0 },
	{ "the end, counted behind the immediate", 0x1000, 11,
	  { 0x81, 0x3d, 0x01, 0x00, 0x00, 0x00, 0x78, 0x56, 0x34, 0x12,
	    0xc3 },
	  { 0x81, 0x3d, 0x01, 0x00, 0x00, 0x00, 0x78, 0x56, 0x34, 0x12,
	    0xc3 }, 0, 0 },
	{ "call through memory", 0x10, 6,
	  { 0xff, 0x15, 0x00, 0x20, 0x00, 0x00 },
	  { 0xff, 0x15, 0xf0, 0x1f, 0x00, 0x00 }, 0, 0 },
	{ "VEX", 0x10, 8,
	  { 0xc5, 0xfc, 0x28, 0x05, 0x00, 0x20, 0x00, 0x00 },
	  { 0xc5, 0xfc, 0x28, 0x05, 0xf0, 0x1f, 0x00, 0x00 }, 0, 0 },
	{ "VEX of three bytes, immediate", 0x10, 10,
	  { 0xc4, 0xe3, 0x79, 0x0f, 0x05, 0x00, 0x20, 0x00, 0x00, 0x04 },
	  { 0xc4, 0xe3, 0x79, 0x0f, 0x05, 0xf0, 0x1f, 0x00, 0x00, 0x04 },
	  0, 0 },
	{ "EVEX", 0x10, 10,
	  { 0x62, 0xf1, 0x7c, 0x48, 0x58, 0x05, 0x00, 0x20, 0x00, 0x00 },
	  { 0x62, 0xf1, 0x7c, 0x48, 0x58, 0x05, 0xf0, 0x1f, 0x00, 0x00 },
	  0, 0 },
	{ "EVEX, immediate", 0x10, 11,
	  { 0x62, 0xf3, 0x7d, 0x48, 0x03, 0x05, 0x00, 0x20, 0, 0, 0x01 },
	  { 0x62, 0xf3, 0x7d, 0x48, 0x03, 0x05, 0xf0, 0x1f, 0, 0, 0x01 },
	  0, 0 },
	{ "xbegin", 0x10, 6,
	  { 0xc7, 0xf8, 0x00, 0x20, 0x00, 0x00 },
	  { 0xc7, 0xf8, 0xf0, 0x1f, 0x00, 0x00 }, 0, 0 },
	{ "not relative", 0x1000, 20,
	  { 0x8b, 0x80, 0x00, 0x20, 0x00, 0x00,
	    0xb8, 0x00, 0x20, 0x00, 0x00,
	    0x8b, 0x04, 0x25, 0x00, 0x20, 0x00, 0x00,
	    0xff, 0xe0 },
	  { 0x8b, 0x80, 0x00, 0x20, 0x00, 0x00,
	    0xb8, 0x00, 0x20, 0x00, 0x00,
	    0x8b, 0x04, 0x25, 0x00, 0x20, 0x00, 0x00,
	    0xff, 0xe0 }, 0, 0 },
	{ "nothing", 0x1000, 0, { 0 }, { 0 }, 0, 0 },
	/* Short branches: within reach, and not. */
	{ "short branch stays in reach", 0x10, 2,
	  { 0x74, 0x7f }, { 0x74, 0x6f }, 0, 0 },
	{ "short branch just in reach", 0x87, 2,
	  { 0x74, 0x07 }, { 0x74, 0x80 }, 0, 0 },
	{ "short branch just out of reach", 0x88, 3,
	  { 0x90,
	    0x74, 0x07 }, { 0 }, -ERANGE, 1 },
	{ "short jump just out of reach", -0x79, 2,
	  { 0xeb, 0x07 }, { 0 }, -ERANGE, 0 },
	{ "loop", 0x1000, 2, { 0xe2, 0x07 }, { 0 }, -ERANGE, 0 },
	{ "loop, near", 1, 2, { 0xe2, 0x07 }, { 0xe2, 0x06 }, 0, 0 },
	{ "loop within", 0x1000, 3,
	  { 0x90,
	    0xe2, 0xfd },
	  { 0x90,
	    0xe2, 0xfd }, 0, 0 },
	{ "jrcxz", 0x1000, 5,
	  { 0x0f, 0x1f, 0x00,
	    0xe3, 0x07 }, { 0 }, -ERANGE, 3 },
	{ "jrcxz, near", -1, 2, { 0xe3, 0x07 }, { 0xe3, 0x08 }, 0, 0 },
	/* 2 GiB. */
	{ "call to the last byte", -1, 5,
	  { 0xe8, 0xfe, 0xff, 0xff, 0x7f },
	  { 0xe8, 0xff, 0xff, 0xff, 0x7f }, 0, 0 },
	{ "call over the last byte", -1, 6,
	  { 0x90,
	    0xe8, 0xff, 0xff, 0xff, 0x7f }, { 0 }, -ERANGE, 1 },
	{ "call to the first byte", 1, 5,
	  { 0xe8, 0x01, 0x00, 0x00, 0x80 },
	  { 0xe8, 0x00, 0x00, 0x00, 0x80 }, 0, 0 },
	{ "call before the first byte", 1, 5,
	  { 0xe8, 0x00, 0x00, 0x00, 0x80 }, { 0 }, -ERANGE, 0 },
	{ "jump before the first byte", 1, 5,
	  { 0xe9, 0x00, 0x00, 0x00, 0x80 }, { 0 }, -ERANGE, 0 },
	{ "operand over the last byte", -1, 7,
	  { 0x48, 0x8d, 0x05, 0xff, 0xff, 0xff, 0x7f }, { 0 }, -ERANGE, 0 },
	{ "4 GiB away", (intptr_t)1 << 32, 7,
	  { 0x48, 0x8d, 0x05, 0x00, 0x20, 0, 0 }, { 0 }, -ERANGE, 0 },
	{ "half of everything away", INTPTR_MIN, 7,
	  { 0x48, 0x8d, 0x05, 0x00, 0x20, 0, 0 }, { 0 }, -ERANGE, 0 },
	{ "nearly half of everything away", INTPTR_MAX, 5,
	  { 0xe8, 0x00, 0x20, 0, 0 }, { 0 }, -ERANGE, 0 },
	/* No instructions. */
	{ "invalid", 0x1000, 2, { 0x90, 0x06 }, { 0 }, -EILSEQ, 1 },
	{ "cut", 0x1000, 5, { 0x90, 0xe8, 0, 0, 0 }, { 0 }, -EILSEQ, 1 },
};
// clang-format on

static void relocate_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(moves); i++) {
		const struct move *move = &moves[i];
		size_t at = NOWHERE;
		uint8_t code[32];
		int error;

		memset(code, 0xaa, sizeof(code));
		memcpy(code, move->code, move->len);
		error = rp__code_relocate(code, move->len, FROM,
					  FROM + (uintptr_t)move->distance,
					  &at);
		if (error != move->error)
			fail_msg("%s: %d", move->name, error);
		if (error && at != move->at)
			fail_msg("%s: at %zu", move->name, at);
		if (!error && memcmp(code, move->expect, move->len))
			fail_bytes(move->name, code, move->len);
		assert_int_equal(code[move->len], 0xaa);
	}
}

/* A sequence at one end of the address space refers to the other. */
static void relocate_wraps_around(void **state)
{
	uint8_t code[] = { 0xe8, 0x00, 0x20, 0x00, 0x00 };
	uint8_t expect[] = { 0xe8, 0x00, 0x40, 0x00, 0x00 };
	size_t at = NOWHERE;

	(void)state;
	assert_int_equal(rp__code_relocate(code, 5, 0x1000,
					   (uintptr_t)-0x1000, &at), 0);
	assert_memory_equal(code, expect, 5);
}

/* ---- check ---- */

static void checks_as(const char *name, const uint8_t *code, size_t len,
			 int error, size_t expect)
{
	size_t at = NOWHERE;

	if (rp__code_check(code, len, FROM, &at) != error || at != expect)
		fail_msg("%s: at %zu", name, at);
}

static void check_table(void **state)
{
	// clang-format off: one instruction per line
	static const struct {
		const char *name;
		size_t len;
		uint8_t code[16];
		int error;
		size_t at;
	} cases[] = {
		{ "nothing", 0, { 0 }, 0, NOWHERE },
		{ "straight", 4, { 0x0f, 0x1f, 0x00, 0xc3 }, 0, NOWHERE },
		{ "to the start", 3, { 0x90, 0xeb, 0xfd }, 0, NOWHERE },
		{ "to itself", 2, { 0xeb, 0xfe }, 0, NOWHERE },
		{ "to the end", 2, { 0xeb, 0x00 }, 0, NOWHERE },
		{ "out, behind", 2, { 0xeb, 0x01 }, 0, NOWHERE },
		{ "out, before", 2, { 0xeb, 0xfd }, 0, NOWHERE },
		{ "forward over one", 6,
		  { 0xeb, 0x03, 0x0f, 0x1f, 0x00, 0xc3 }, 0, NOWHERE },
		{ "forward into one", 6,
		  { 0xeb, 0x01, 0x0f, 0x1f, 0x00, 0xc3 }, -EINVAL, 0 },
		{ "back into one", 7,
		  { 0x90, 0x0f, 0x1f, 0x00, 0x90, 0xe2, 0xfc }, -EINVAL, 5 },
		{ "into itself", 3, { 0x90, 0xeb, 0xff }, -EINVAL, 1 },
		{ "jcc32 into one", 9,
		  { 0x0f, 0x84, 0x01, 0, 0, 0, 0x0f, 0x1f, 0x00 }, -EINVAL, 0 },
		{ "xbegin into one", 9,
		  { 0xc7, 0xf8, 0x02, 0, 0, 0, 0x0f, 0x1f, 0x00 }, -EINVAL, 0 },
		{ "call into one", 8,
		  { 0xe8, 0x01, 0, 0, 0, 0x0f, 0x1f, 0x00 }, -EINVAL, 0 },
		{ "operand into one", 9,
		  { 0x8b, 0x05, 0x01, 0, 0, 0, 0x0f, 0x1f, 0x00 }, 0, NOWHERE },
		{ "invalid", 3, { 0x90, 0x90, 0x06 }, -EILSEQ, 2 },
		{ "invalid first", 4, { 0xeb, 0x01, 0xff, 0xf8 }, -EILSEQ, 2 },
		{ "cut", 2, { 0x90, 0xe8 }, -EILSEQ, 1 },
	};
	// clang-format on

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		checks_as(cases[i].name, cases[i].code, cases[i].len,
			     cases[i].error, cases[i].at);
}

/* The most that a record can say, with a branch at each end. */
static void check_longest(void **state)
{
	static uint8_t code[RP__CODE_MAX + 1];
	int32_t back = -RP__CODE_MAX;

	(void)state;
	memset(code, 0x90, sizeof(code));
	code[RP__CODE_MAX - 5] = 0xe9;
	memcpy(code + RP__CODE_MAX - 4, &back, 4);
	checks_as("longest", code, RP__CODE_MAX, 0, NOWHERE);
	code[0] = 0x04;		/* now the jump goes to its immediate */
	back++;
	memcpy(code + RP__CODE_MAX - 4, &back, 4);
	checks_as("far", code, RP__CODE_MAX, -EINVAL, RP__CODE_MAX - 5);
	checks_as("too long", code, sizeof(code), -E2BIG, RP__CODE_MAX);
}

/* Branches only: what would take long if each had the others walked. */
static void check_hostile_is_quick(void **state)
{
	static uint8_t code[RP__CODE_MAX - 1];

	(void)state;
	for (size_t i = 0; i < sizeof(code); i += 2) {
		code[i] = 0x74;
		code[i + 1] = 0x80;
	}
	for (int i = 0; i < 50; i++)
		checks_as("branches", code, sizeof(code), 0, NOWHERE);
}

/* ---- NOPs ---- */

/* @code is the best way to do nothing for @len bytes. */
static void expect_best(const uint8_t *code, size_t len)
{
	struct rp__code_insn insn;
	int32_t distance;
	size_t used;

	assert_int_equal(rp__code_decode(code, len, &insn), 0);
	if (len <= 11) {
		assert_int_equal(insn.len, len);
		assert_true(insn.nop);
		return;
	}
	used = len <= 129 ? 2 : 5;
	assert_int_equal(code[0], len <= 129 ? 0xeb : 0xe9);
	assert_int_equal(insn.len, used);
	distance = (int8_t)code[1];
	if (len > 129)
		memcpy(&distance, code + 1, 4);
	assert_int_equal(used + (size_t)distance, len);
	for (size_t i = used; i < len; i++)
		assert_int_equal(code[i], 0xcc);
}

static void optimize(uint8_t *code, size_t len)
{
	uint8_t again[1024];

	assert_true(len <= sizeof(again));
	rp__code_optimize_nops(code, len, FROM);
	memcpy(again, code, len);
	rp__code_optimize_nops(again, len, FROM);
	assert_memory_equal(again, code, len);
}

/* NOPs of drawn lengths, @longest at most. */
/* NOPs of any length but that of a static branch. */
static void put_nops(uint8_t *code, size_t len, unsigned int longest)
{
	for (size_t pos = 0; pos < len; ) {
		size_t one = 1 + draw() % longest;

		if (one > len - pos)
			one = len - pos;
		if (one == 5)
			one = 4;
		assert_int_equal(rp__insn_encode(RP__INSN_NOP, 0, 0, 0,
						 code + pos, one), 0);
		pos += one;
	}
}

static void optimize_each_length(void **state)
{
	uint8_t code[512];

	(void)state;
	for (size_t len = 1; len <= 300; len++) {
		for (unsigned int longest = 1; longest <= 11; longest++) {
			memset(code, 0xaa, sizeof(code));
			code[0] = 0x50;
			put_nops(code + 1, len, longest);
			code[len + 1] = 0x58;
			optimize(code, len + 2);
			assert_int_equal(code[0], 0x50);
			expect_best(code + 1, len);
			assert_int_equal(code[len + 1], 0x58);
			assert_int_equal(code[len + 2], 0xaa);
		}
	}
}

/* A static branch changes its NOP by itself. */
static void optimize_spares_branches(void **state)
{
	static const uint8_t before[] = {
		0x90, 0x0f, 0x1f, 0x44, 0x00, 0x00, 0x90, 0x90,
		0x2e, 0x2e, 0x0f, 0x1f, 0x44, 0x00, 0x00, 0x90,
	};
	static const uint8_t after[] = {
		0x90, 0x0f, 0x1f, 0x44, 0x00, 0x00, 0x66, 0x90,
		0x2e, 0x2e, 0x0f, 0x1f, 0x44, 0x00, 0x00, 0x90,
	};
	uint8_t code[sizeof(before)];

	(void)state;
	memcpy(code, before, sizeof(code));
	optimize(code, sizeof(code));
	assert_memory_equal(code, after, sizeof(code));
}

/* Behind a jump nothing gets, unless something refers to it. */
static void optimize_fills_dead_ends(void **state)
{
	// clang-format off: one instruction per line
	uint8_t code[] = {
		0x74, 0x07,			/* je to the third NOP below */
		0xeb, 0x0a,			/* jmp to the end */
		0x90, 0x90, 0xcc, 0x90, 0x90,
		0x90, 0x90, 0x90,
		0xc3,				/* ret */
		0x90,
	};
	static const uint8_t after[] = {
		0x74, 0x07,
		0xeb, 0x0a,
		0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
		0x0f, 0x1f, 0x00,
		0xc3,
		0xcc,
	};
	// clang-format on

	(void)state;
	optimize(code, sizeof(code));
	assert_memory_equal(code, after, sizeof(code));
	assert_true(rp__code_is_single(code + 12, 2));
}

static void optimize_up_to_the_end(void **state)
{
	uint8_t code[512];

	(void)state;
	for (size_t len = 1; len <= 300; len++) {
		memset(code, 0x90, sizeof(code));
		optimize(code, len);
		expect_best(code, len);
		assert_int_equal(code[len], 0x90);
	}
}

/* je into a run, at each of its bytes; from before it and from behind. */
static void optimize_splits_at_targets(void **state)
{
	uint8_t code[64];

	(void)state;
	for (size_t split = 0; split <= 40; split++) {
		memset(code, 0x90, sizeof(code));
		code[0] = 0x74;
		code[1] = (uint8_t)split;
		code[42] = 0xc3;
		optimize(code, 43);
		if (split)
			expect_best(code + 2, split);
		if (split < 40)
			expect_best(code + 2 + split, 40 - split);

		memset(code, 0x90, sizeof(code));
		code[40] = 0xe2;
		code[41] = (uint8_t)(split - 42);
		optimize(code, 42);
		if (split)
			expect_best(code, split);
		if (split < 40)
			expect_best(code + split, 40 - split);
		assert_int_equal(code[40], 0xe2);
	}
}

/* Whose address is taken may be jumped to. */
static void optimize_splits_at_operands(void **state)
{
	uint8_t code[48] = { 0x48, 0x8d, 0x05, 9 };

	(void)state;
	memset(code + 7, 0x90, 41);
	optimize(code, sizeof(code));
	expect_best(code + 7, 9);
	expect_best(code + 16, 32);
}

static void optimize_two_targets(void **state)
{
	uint8_t code[64] = { 0x74, 5, 0x75, 30 };

	(void)state;
	memset(code + 4, 0x90, 60);
	optimize(code, sizeof(code));
	expect_best(code + 4, 3);
	expect_best(code + 7, 27);
	expect_best(code + 34, 30);
}

/* A target in the middle of a NOP: that one stays as it is. */
static void optimize_spares_entered_nop(void **state)
{
	static const uint8_t before[] = {
		0x74, 0x04,			/* to the 66 90 below */
		0x90, 0x90,
		0x0f, 0x1f, 0x40, 0x00,
		0x90, 0x90,
	};
	static const uint8_t after[] = {
		0x74, 0x04,
		0x66, 0x90,
		0x0f, 0x1f, 0x40, 0x00,
		0x66, 0x90,
	};
	uint8_t code[sizeof(before)];

	(void)state;
	memcpy(code, before, sizeof(code));
	optimize(code, sizeof(code));
	assert_memory_equal(code, after, sizeof(code));
}

static void optimize_leaves_others(void **state)
{
	// clang-format off: one instruction per line
	static const uint8_t before[] = {
		0xf3, 0x90,			/* pause */
		0xf3, 0x0f, 0x1e, 0xfa,		/* endbr64 */
		0x90, 0x90,
		0xf3, 0x90,
		0x90, 0x90, 0x66, 0x90,
		0x41, 0x90,			/* xchg %eax,%r8d */
		0xb8, 0x90, 0x90, 0x90, 0x90,	/* mov $0x90909090,%eax */
		0x90, 0x90, 0x90,
		0xcc, 0xcc,
		0x90,
		0x06,				/* invalid */
		0x90, 0x90,
	};
	static const uint8_t after[] = {
		0xf3, 0x90,
		0xf3, 0x0f, 0x1e, 0xfa,
		0x66, 0x90,
		0xf3, 0x90,
		0x0f, 0x1f, 0x40, 0x00,
		0x41, 0x90,
		0xb8, 0x90, 0x90, 0x90, 0x90,
		0x0f, 0x1f, 0x00,
		0xcc, 0xcc,
		0x90,
		0x06,
		0x90, 0x90,
	};
	// clang-format on
	uint8_t code[sizeof(before)];

	(void)state;
	memcpy(code, before, sizeof(code));
	optimize(code, sizeof(code));
	assert_memory_equal(code, after, sizeof(code));
}

static void optimize_longest(void **state)
{
	static uint8_t code[RP__CODE_MAX + 1];

	(void)state;
	memset(code, 0x90, sizeof(code));
	rp__code_optimize_nops(code, sizeof(code), FROM);
	assert_int_equal(code[0], 0x90);
	rp__code_optimize_nops(code, RP__CODE_MAX, FROM);
	expect_best(code, RP__CODE_MAX);
	assert_int_equal(code[RP__CODE_MAX], 0x90);
}

/* ---- one instruction ---- */

static void is_single(void **state)
{
	// clang-format off: one instruction per line
	static const struct {
		bool single;
		size_t len;
		uint8_t code[12];
	} cases[] = {
		{ false, 0, { 0 } },
		{ true, 1, { 0x90 } },
		{ false, 2, { 0x90, 0x90 } },
		{ true, 2, { 0x66, 0x90 } },
		{ true, 5, { 0xe8, 1, 2, 3, 4 } },
		{ false, 6, { 0xe8, 1, 2, 3, 4, 0xcc } },
		{ true, 6, { 0xe9, 1, 2, 3, 4, 0xcc } },
		{ true, 8, { 0xe9, 1, 2, 3, 4, 0xcc, 0xcc, 0xcc } },
		{ false, 8, { 0xe9, 1, 2, 3, 4, 0xcc, 0x90, 0xcc } },
		{ true, 5, { 0xeb, 3, 0xcc, 0xcc, 0xcc } },
		{ true, 2, { 0xc3, 0xcc } },
		{ false, 2, { 0xc3, 0xc3 } },
		{ false, 3, { 0x74, 1, 0xcc } },
		{ true, 3, { 0xff, 0xe0, 0xcc } },
		{ false, 3, { 0xff, 0xd0, 0xcc } },
		{ true, 2, { 0xff, 0xd0 } },
		{ true, 1, { 0xcc } },
		{ false, 2, { 0xcc, 0xcc } },
		{ false, 4, { 0xe8, 1, 2, 3 } },
		{ false, 1, { 0x06 } },
		/* Interrupted half done, or gone back to. */
		{ true, 1, { 0xa4 } },
		{ false, 2, { 0xf3, 0xa4 } },
		{ false, 3, { 0xf3, 0x48, 0xab } },
		{ false, 2, { 0xf2, 0xae } },
		{ false, 6, { 0x2e, 0x2e, 0x2e, 0x2e, 0xf3, 0xa4 } },
		{ true, 2, { 0xf3, 0x90 } },
		{ true, 4, { 0xf3, 0x0f, 0xb8, 0xc0 } },
		{ false, 2, { 0x0f, 0x05 } },
		{ false, 2, { 0x0f, 0x34 } },
		{ false, 2, { 0xcd, 0x80 } },
		{ true, 2, { 0x0f, 0x31 } },
		{ false, 6, { 0xc7, 0xf8, 0, 0, 0, 0 } },
		{ true, 6, { 0xc7, 0xc0, 0xf8, 0, 0, 0 } },
		{ false, 6, { 0xc4, 0xe2, 0x69, 0x90, 0x04, 0x07 } },
		{ true, 5, { 0xc4, 0xe2, 0x69, 0x40, 0xc1 } },
		{ false, 7, { 0x62, 0xf2, 0x7d, 0x49, 0xa0, 0x04, 0x07 } },
	};
	// clang-format on

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (rp__code_is_single(cases[i].code, cases[i].len) !=
		    cases[i].single)
			fail_bytes("is_single", cases[i].code, cases[i].len);
}

/* ---- drawn sequences ---- */

struct piece {
	unsigned int len;
	unsigned int field;	/* 0: none */
	unsigned int width;
	uint8_t bytes[11];
};

// clang-format off: one instruction per line
static const struct piece pieces[] = {
	{ 1, 0, 0, { 0x90 } },
	{ 3, 0, 0, { 0x0f, 0x1f, 0x00 } },
	{ 9, 0, 0, { 0x66, 0x0f, 0x1f, 0x84 } },
	{ 9, 0, 0, { 0x66, 0x0f, 0x1f, 0x84 } },
	{ 1, 0, 0, { 0x50 } },
	{ 3, 0, 0, { 0x48, 0x89, 0xc3 } },
	{ 10, 0, 0, { 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8 } },
	{ 5, 1, 4, { 0xe8 } },
	{ 5, 1, 4, { 0xe9 } },
	{ 6, 2, 4, { 0x2e, 0xe9 } },
	{ 6, 2, 4, { 0x0f, 0x85 } },
	{ 6, 2, 4, { 0xc7, 0xf8 } },
	{ 2, 1, 1, { 0x75 } },
	{ 2, 1, 1, { 0xe3 } },
	{ 7, 3, 4, { 0x48, 0x8d, 0x05 } },
	{ 10, 2, 4, { 0x81, 0x3d, 0, 0, 0, 0, 1, 2, 3, 4 } },
	{ 7, 2, 4, { 0xf6, 0x05, 0, 0, 0, 0, 1 } },
	{ 8, 4, 4, { 0xc5, 0xfc, 0x28, 0x05 } },
	{ 11, 6, 4, { 0x62, 0xf3, 0x7d, 0x48, 0x03, 0x05, 0, 0, 0, 0, 1 } },
};
// clang-format on

#define NOP_PIECES	4	/* the first ones */
#define SEQUENCE	24

/*
 * struct sequence - drawn pieces, with what each one's field is to refer to.
 * @inside: by piece, and else an address
 */
struct sequence {
	uint8_t code[SEQUENCE * 11];
	size_t len;
	const struct piece *piece[SEQUENCE];
	size_t start[SEQUENCE + 1];
	uintptr_t target[SEQUENCE];
};

static void set_target(struct sequence *s, unsigned int i, uintptr_t target)
{
	uintptr_t value = target - (FROM + s->start[i + 1]);
	int32_t wide = (int32_t)value;
	uint8_t *field = s->code + s->start[i] + s->piece[i]->field;

	s->target[i] = target;
	if (s->piece[i]->width == 1)
		*field = (uint8_t)wide;
	else
		memcpy(field, &wide, 4);
}

/* Half of the fields refer to a piece within, where the field is wide enough. */
static void draw_target(struct sequence *s, unsigned int i)
{
	uintptr_t end = FROM + s->start[i + 1];
	uintptr_t within = FROM + s->start[draw() % (SEQUENCE + 1)];
	intptr_t distance = (intptr_t)(within - end);

	if (s->piece[i]->width == 1 && distance != (int8_t)distance)
		within = end;
	if (s->piece[i]->width == 1 || draw() % 2)
		set_target(s, i, within);
	else
		set_target(s, i, end + 0x10000 + draw() % 0x20000000);
}

static void draw_sequence(struct sequence *s)
{
	memset(s, 0, sizeof(*s));
	for (unsigned int i = 0; i < SEQUENCE; i++) {
		s->piece[i] = &pieces[draw() % ARRAY_LEN(pieces)];
		s->start[i] = s->len;
		memcpy(s->code + s->len, s->piece[i]->bytes, s->piece[i]->len);
		s->len += s->piece[i]->len;
	}
	s->start[SEQUENCE] = s->len;
	for (unsigned int i = 0; i < SEQUENCE; i++)
		if (s->piece[i]->field)
			draw_target(s, i);
}

/* What piece @i refers to in @code, which is at @addr. */
static uintptr_t target_of(const struct sequence *s, unsigned int i,
			   const uint8_t *code, uintptr_t addr)
{
	const uint8_t *at = code + s->start[i];
	uintptr_t end = addr + s->start[i + 1];
	int32_t wide;

	if (at[0] == 0xeb)	/* shrunk */
		return addr + s->start[i] + 2 + (uintptr_t)(int8_t)at[1];
	if (s->piece[i]->width == 1)
		return end + (uintptr_t)(int8_t)at[s->piece[i]->field];
	memcpy(&wide, at + s->piece[i]->field, 4);
	return end + (uintptr_t)wide;
}

static void expect_moved(const struct sequence *s, const uint8_t *code,
			 uintptr_t to)
{
	for (unsigned int i = 0; i < SEQUENCE; i++) {
		bool inside = s->target[i] - FROM <= s->len;

		if (s->piece[i]->field)
			assert_true(target_of(s, i, code, to) ==
				    s->target[i] + (inside ? to - FROM : 0));
	}
}

/* Shrunk jumps as they were. */
static void grow_jumps(const struct sequence *s, uint8_t *code)
{
	for (unsigned int i = 0; i < SEQUENCE; i++)
		if (code[s->start[i]] == 0xeb)
			memcpy(code + s->start[i], s->code + s->start[i], 5);
}

static void relocate_there_and_back(void **state)
{
	uint8_t code[SEQUENCE * 11];
	struct sequence s;
	size_t at;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uintptr_t to = FROM - 0x20000000 + draw() % 0x40000000;

		draw_sequence(&s);
		memcpy(code, s.code, s.len);
		assert_int_equal(rp__code_check(code, s.len, FROM, &at), 0);
		assert_int_equal(rp__code_relocate(code, s.len, FROM, to, &at),
				 0);
		assert_int_equal(rp__code_check(code, s.len, to, &at), 0);
		expect_moved(&s, code, to);
		assert_int_equal(rp__code_relocate(code, s.len, to, FROM, &at),
				 0);
		grow_jumps(&s, code);
		if (memcmp(code, s.code, s.len))
			fail_bytes("back", code, s.len);
	}
}

/* Where @code, entered at @pos, does something next; NOPs and jumps skipped. */
static size_t next_effect(const uint8_t *code, size_t len, size_t pos)
{
	struct rp__code_insn insn;

	while (pos < len) {
		assert_int_equal(rp__code_decode(code + pos, len - pos, &insn),
				 0);
		if (code[pos] == 0xeb)
			pos += (size_t)(int8_t)code[pos + 1];
		else if (!insn.nop)
			break;
		pos += insn.len;
	}
	return pos;
}

/* From each piece on the same is done; and all is decoded as before. */
static void optimize_keeps_effects(void **state)
{
	uint8_t code[SEQUENCE * 11];
	struct sequence s;
	size_t at;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		draw_sequence(&s);
		memcpy(code, s.code, s.len);
		optimize(code, s.len);
		assert_int_equal(rp__code_check(code, s.len, FROM, &at), 0);
		for (unsigned int i = 0; i < SEQUENCE; i++) {
			size_t start = s.target[i] - FROM;

			if (s.piece[i]->field && start <= s.len)
				assert_int_equal(next_effect(code, s.len, start),
						 next_effect(s.code, s.len,
							     start));
			if (s.piece[i] >= pieces + NOP_PIECES)
				assert_memory_equal(code + s.start[i],
						    s.code + s.start[i],
						    s.piece[i]->len);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(relocate_table),
		cmocka_unit_test(relocate_wraps_around),
		cmocka_unit_test(check_table),
		cmocka_unit_test(check_longest),
		cmocka_unit_test(check_hostile_is_quick),
		cmocka_unit_test(optimize_each_length),
		cmocka_unit_test(optimize_spares_branches),
		cmocka_unit_test(optimize_fills_dead_ends),
		cmocka_unit_test(optimize_up_to_the_end),
		cmocka_unit_test(optimize_splits_at_targets),
		cmocka_unit_test(optimize_splits_at_operands),
		cmocka_unit_test(optimize_two_targets),
		cmocka_unit_test(optimize_spares_entered_nop),
		cmocka_unit_test(optimize_leaves_others),
		cmocka_unit_test(optimize_longest),
		cmocka_unit_test(is_single),
		cmocka_unit_test(relocate_there_and_back),
		cmocka_unit_test(optimize_keeps_effects),
	};

	return cmocka_run_group_tests_name("code_x86_64", tests, NULL, NULL);
}
