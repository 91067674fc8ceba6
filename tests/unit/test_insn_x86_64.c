// SPDX-License-Identifier: MIT
/* Encoding and decoding the instructions that sites consist of. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef HAVE_ZYDIS
# include <Zydis/Zydis.h>
#endif

#include "arch.h"
#include "draw.h"

#define ADDR	((uintptr_t)0x7f0000001000)

/* struct form - what encode and decode owe each other for one type. */
struct form {
	enum rp__insn_type type;
	unsigned int shortest;
	unsigned int longest;	/* that sites have; prefixes end somewhere */
	bool branch;
	bool ends;		/* does not fall through: padding behind */
};

static const struct form forms[] = {
	{ RP__INSN_NOP, 1, 11, false, false },
	{ RP__INSN_CALL, 5, 10, true, false },
	{ RP__INSN_JMP, 5, 15, true, true },
	{ RP__INSN_JCC, 6, 10, true, false },
	{ RP__INSN_RET, 1, 15, false, true },
	{ RP__INSN_RET0, 2, 10, false, false },
	{ RP__INSN_CALL_MEM, 6, 10, true, false },
	{ RP__INSN_JMP_MEM, 6, 15, true, true },
};

static const enum rp__insn_type not_encoded[] = {
	RP__INSN_UNKNOWN, RP__INSN_INT3,
};

/* Where a displacement is counted from. */
static uintptr_t end_of(const struct form *form, unsigned int len)
{
	return ADDR + (form->ends ? form->shortest : len);
}

static void expect_round_trip(const struct form *form, unsigned int condition,
			      uintptr_t target, unsigned int len)
{
	uint8_t bytes[RP__INSN_MAX + 1];
	struct rp__insn insn;

	memset(bytes, 0xaa, sizeof(bytes));
	assert_int_equal(rp__insn_encode(form->type, condition, ADDR, target,
					 bytes, len), 0);
	assert_int_equal(bytes[len], 0xaa);
	assert_int_equal(rp__insn_decode(bytes, len, ADDR, &insn), 0);
	assert_int_equal(insn.type, form->type);
	assert_int_equal(insn.len, form->ends ? form->shortest : len);
	if (form->branch) {
		assert_true(insn.target == target);
		assert_int_equal(insn.field, insn.len - 4);
	}
	assert_int_equal(insn.condition,
			 form->type == RP__INSN_JCC ? condition : 0);
	for (unsigned int i = insn.len; i < len; i++)
		assert_int_equal(bytes[i], RP__INT3);
}

static void encode_decode_round_trip(void **state)
{
	static const int64_t distances[] = {
		0, 1, -1, 127, 128, -128, -129, 0x12345678, -0x12345678,
		INT32_MAX, INT32_MIN,
	};

	(void)state;
	for (size_t f = 0; f < sizeof(forms) / sizeof(*forms); f++)
		for (unsigned int len = forms[f].shortest;
		     len <= forms[f].longest; len++)
			for (size_t d = 0; d < 11; d++)
				for (unsigned int c = 0; c < 16; c++)
					expect_round_trip(&forms[f], c,
						end_of(&forms[f], len) +
						(uintptr_t)distances[d], len);
}

static void expect_refused(enum rp__insn_type type, uintptr_t target,
			   unsigned int len)
{
	uint8_t bytes[32];

	memset(bytes, 0xaa, sizeof(bytes));
	assert_int_equal(rp__insn_encode(type, 0, ADDR, target, bytes, len),
			 -ERANGE);
}

static void encode_wrong_length(void **state)
{
	(void)state;
	for (size_t f = 0; f < sizeof(forms) / sizeof(*forms); f++) {
		for (unsigned int len = 0; len < forms[f].shortest; len++)
			expect_refused(forms[f].type, ADDR, len);
		expect_refused(forms[f].type, ADDR, RP__INSN_MAX + 1);
	}
	expect_refused(RP__INSN_NOP, 0, 12);
	for (size_t i = 0; i < sizeof(not_encoded) / sizeof(*not_encoded); i++)
		expect_refused(not_encoded[i], ADDR, 5);
}

static void encode_too_far(void **state)
{
	(void)state;
	for (size_t f = 0; f < sizeof(forms) / sizeof(*forms); f++) {
		for (unsigned int len = forms[f].shortest;
		     forms[f].branch && len <= forms[f].longest; len++) {
			uintptr_t end = end_of(&forms[f], len);

			expect_refused(forms[f].type, end + 0x80000000u, len);
			expect_refused(forms[f].type, end - 0x80000001u, len);
			expect_refused(forms[f].type, 0, len);
			expect_refused(forms[f].type, UINTPTR_MAX, len);
		}
	}
}

static void reaches_is_exact(void **state)
{
	(void)state;
	assert_true(rp__insn_reaches(ADDR, ADDR));
	assert_true(rp__insn_reaches(ADDR, ADDR + 0x7fffffffu));
	assert_false(rp__insn_reaches(ADDR, ADDR + 0x80000000u));
	assert_true(rp__insn_reaches(ADDR, ADDR - 0x80000000u));
	assert_false(rp__insn_reaches(ADDR, ADDR - 0x80000001u));
	assert_false(rp__insn_reaches(0, UINTPTR_MAX / 2 + 1));
}

/* What compilers and linkers leave at sites, and debuggers. */
static void decode_known_bytes(void **state)
{
	static const struct {
		uint8_t bytes[8];
		unsigned int len;
		enum rp__insn_type type;
		intptr_t target;	/* behind ADDR */
	} known[] = {
		{ { 0x90 }, 1, RP__INSN_NOP, 0 },
		{ { 0x66, 0x90 }, 2, RP__INSN_NOP, 0 },
		{ { 0x66, 0x66, 0x66, 0x90 }, 4, RP__INSN_NOP, 0 },
		{ { 0xc3 }, 1, RP__INSN_RET, 0 },
		{ { 0xcc }, 1, RP__INSN_INT3, 0 },
		{ { 0xe8, 0x10, 0, 0, 0 }, 5, RP__INSN_CALL, 0x15 },
		{ { 0x67, 0xe8, 0x10, 0, 0, 0 }, 6, RP__INSN_CALL, 0x16 },
		{ { 0xe9, 0xfb, 0xff, 0xff, 0xff }, 5, RP__INSN_JMP, 0 },
		{ { 0xeb, 0xfe }, 2, RP__INSN_JMP, 0 },
		{ { 0x74, 0x10 }, 2, RP__INSN_JCC, 0x12 },
		{ { 0x0f, 0x84, 0x10, 0, 0, 0 }, 6, RP__INSN_JCC, 0x16 },
		{ { 0x31, 0xc0 }, 2, RP__INSN_RET0, 0 },
		{ { 0xff, 0x15, 0x10, 0, 0, 0 }, 6, RP__INSN_CALL_MEM, 0x16 },
		{ { 0xff, 0x25, 0x10, 0, 0, 0 }, 6, RP__INSN_JMP_MEM, 0x16 },
		{ { 0x3e, 0xff, 0x25, 0x10, 0, 0, 0 }, 7, RP__INSN_JMP_MEM,
		  0x17 },
	};
	struct rp__insn insn;

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		assert_int_equal(rp__insn_decode(known[i].bytes, 8, ADDR,
						 &insn), 0);
		assert_int_equal(insn.type, known[i].type);
		assert_int_equal(insn.len, known[i].len);
		if (insn.field)
			assert_true(insn.target ==
				    ADDR + (uintptr_t)known[i].target);
		assert_int_equal(rp__insn_decode(known[i].bytes,
						 known[i].len - 1, ADDR,
						 &insn), -EILSEQ);
	}
}

/* Instructions that look like ours to a careless eye. */
static void decode_refuses_others(void **state)
{
	static const uint8_t others[][8] = {
		{ 0x66, 0xe8, 0x10, 0, 0, 0 },	/* differs between makers */
		{ 0x66, 0xc3 },			/* retw */
		{ 0x67, 0xe9, 0x10, 0, 0, 0 },
		{ 0xf3, 0x90 },			/* pause */
		{ 0xf3, 0xc3 },			/* rep ret: not ours */
		{ 0xf2, 0xe8, 0x10, 0, 0, 0 },	/* bnd call */
		{ 0x48, 0x31, 0xc0 },
		{ 0x31, 0xc9 },			/* xor %ecx,%ecx */
		{ 0x66, 0x31, 0xc0 },		/* xor %ax,%ax */
		{ 0x41, 0x90 },			/* xchg %eax,%r8d */
		{ 0xff, 0x10 },			/* call *(%rax) */
		{ 0xff, 0xd0 },			/* call *%rax */
		{ 0x66, 0xff, 0x15, 0x10, 0, 0, 0 },
		{ 0xe3, 0x10 },			/* jrcxz */
		{ 0x0f, 0x1f, 0x05, 0, 0, 0, 0 },
		{ 0x0f, 0x1f, 0x48, 0x00 },
		{ 0xc2, 0x08, 0x00 },
		{ 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e, 0x2e },
	};
	struct rp__insn insn;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_int_equal(rp__insn_decode(others[i], 8, ADDR, &insn),
				 -EILSEQ);
}

/* ---- random bytes ---- */

/* Bytes that instructions of ours are made of, more often than others. */
static void draw_bytes(uint8_t *bytes, size_t len)
{
	static const uint8_t likely[] = {
		0x90, 0xc3, 0xcc, 0xe8, 0xe9, 0xeb, 0x31, 0xff, 0x0f, 0x70,
		0x7f, 0x66, 0x67, 0x2e, 0x3e, 0xc0, 0x15, 0x25, 0x1f, 0x84,
		0x04, 0x44, 0x80, 0x00,
	};

	for (size_t i = 0; i < len; i++)
		bytes[i] = draw() % 3 ? likely[draw() % sizeof(likely)] :
					(uint8_t)draw();
}

/* Of a page that ends where the bytes end. */
static void decode_stays_within_length(void **state)
{
	long page = sysconf(_SC_PAGESIZE);
	uint8_t *map = mmap(NULL, 2 * (size_t)page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int accepted = 0;
	struct rp__insn insn;

	(void)state;
	assert_true(map != MAP_FAILED);
	assert_int_equal(mprotect(map + page, (size_t)page, PROT_NONE), 0);
	for (int i = 0; i < 200000; i++) {
		size_t len = draw() % 17;
		uint8_t *bytes = map + page - len;

		draw_bytes(bytes, len);
		if (rp__insn_decode(bytes, len, ADDR, &insn) < 0)
			continue;
		assert_true(insn.len && insn.len <= len);
		assert_true(insn.field < insn.len);
		accepted++;
	}
	assert_true(accepted > 10000);
	munmap(map, 2 * (size_t)page);
}

#ifdef HAVE_ZYDIS
static void fail_bytes(const char *why, const uint8_t *bytes)
{
	char text[64];

	for (int i = 0; i < 16; i++)
		snprintf(text + 3 * i, 4, "%02x ", bytes[i]);
	fail_msg("%s: %s", why, text);
}

static enum rp__insn_type type_of(const ZydisDecodedInstruction *insn,
				  const ZydisDecodedOperand *op)
{
	bool relative = op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
			op[0].imm.is_relative;
	bool rip = op[0].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		   op[0].mem.base == ZYDIS_REGISTER_RIP;

	switch (insn->meta.category) {
	case ZYDIS_CATEGORY_NOP:
	case ZYDIS_CATEGORY_WIDENOP:
		return RP__INSN_NOP;
	case ZYDIS_CATEGORY_CALL:
		return relative ? RP__INSN_CALL :
			rip ? RP__INSN_CALL_MEM : RP__INSN_UNKNOWN;
	case ZYDIS_CATEGORY_UNCOND_BR:
		return relative ? RP__INSN_JMP :
			rip ? RP__INSN_JMP_MEM : RP__INSN_UNKNOWN;
	case ZYDIS_CATEGORY_COND_BR:
		return RP__INSN_JCC;
	case ZYDIS_CATEGORY_RET:
		return RP__INSN_RET;
	default:
		break;
	}
	if (insn->mnemonic == ZYDIS_MNEMONIC_INT3)
		return RP__INSN_INT3;
	if (insn->mnemonic == ZYDIS_MNEMONIC_XOR &&
	    op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	    op[0].reg.value == ZYDIS_REGISTER_EAX &&
	    op[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	    op[1].reg.value == ZYDIS_REGISTER_EAX)
		return RP__INSN_RET0;
	return RP__INSN_UNKNOWN;
}

static bool is_branch(enum rp__insn_type type)
{
	return type == RP__INSN_CALL || type == RP__INSN_JMP ||
	       type == RP__INSN_JCC || type == RP__INSN_CALL_MEM ||
	       type == RP__INSN_JMP_MEM;
}

static void expect_same(const uint8_t *bytes, const struct rp__insn *ours,
			const ZydisDecodedInstruction *insn,
			const ZydisDecodedOperand *op)
{
	enum rp__insn_type type = type_of(insn, op);
	ZyanU64 target = 0;

	if (type != ours->type)
		fail_bytes("another instruction", bytes);
	if (insn->length != ours->len)
		fail_bytes("another length", bytes);
	if (type == RP__INSN_RET && insn->operand_width != 64)
		fail_bytes("not a return of 64 bits", bytes);
	if (!is_branch(type))
		return;
	ZydisCalcAbsoluteAddress(insn, &op[0], ADDR, &target);
	if (target != ours->target)
		fail_bytes("another target", bytes);
	if (insn->operand_width != 64)
		fail_bytes("a branch of other than 64 bits", bytes);
}

/* Whatever we take for an instruction of ours is that instruction. */
static void decode_agrees_with_zydis(void **state)
{
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;
	unsigned int accepted = 0;
	struct rp__insn ours;
	ZydisDecoder decoder;
	uint8_t bytes[24];

	(void)state;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
			 ZYDIS_STACK_WIDTH_64);
	for (int i = 0; i < 400000; i++) {
		draw_bytes(bytes, sizeof(bytes));
		if (rp__insn_decode(bytes, sizeof(bytes), ADDR, &ours) < 0)
			continue;
		accepted++;
		if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes,
							 sizeof(bytes), &insn,
							 op)))
			fail_bytes("not an instruction", bytes);
		expect_same(bytes, &ours, &insn, op);
	}
	assert_true(accepted > 50000);
}

/* Without prefixes, the other way round: nothing of ours is missed. */
static void decode_misses_nothing(void **state)
{
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;
	unsigned int found = 0;
	struct rp__insn ours;
	ZydisDecoder decoder;
	uint8_t bytes[16];

	(void)state;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
			 ZYDIS_STACK_WIDTH_64);
	for (unsigned int i = 0; i < 1u << 16; i++) {
		draw_bytes(bytes, sizeof(bytes));
		bytes[0] = (uint8_t)i;
		bytes[1] = (uint8_t)(i >> 8);
		if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes,
							 sizeof(bytes), &insn,
							 op)) ||
		    insn.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY ||
		    insn.raw.prefix_count || !is_branch(type_of(&insn, op)))
			continue;
		/* Not near, or not by the flags (jrcxz, loop, xbegin). */
		if (insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ||
		    (bytes[0] & 0xfc) == 0xe0 || bytes[0] == 0xc7)
			continue;
		found++;
		if (rp__insn_decode(bytes, sizeof(bytes), ADDR, &ours) < 0)
			fail_bytes("missed", bytes);
	}
	assert_int_equal(found, 3 * 256 + 16 * 256 + 16 + 2);
}
#else
static void decode_agrees_with_zydis(void **state)
{
	(void)state;
	print_message("SKIP: built without the tools, so without Zydis\n");
	skip();
}

static void decode_misses_nothing(void **state)
{
	decode_agrees_with_zydis(state);
}
#endif

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(encode_decode_round_trip),
		cmocka_unit_test(encode_wrong_length),
		cmocka_unit_test(encode_too_far),
		cmocka_unit_test(reaches_is_exact),
		cmocka_unit_test(decode_known_bytes),
		cmocka_unit_test(decode_refuses_others),
		cmocka_unit_test(decode_stays_within_length),
		cmocka_unit_test(decode_agrees_with_zydis),
		cmocka_unit_test(decode_misses_nothing),
	};

	return cmocka_run_group_tests_name("insn_x86_64", tests, NULL, NULL);
}
