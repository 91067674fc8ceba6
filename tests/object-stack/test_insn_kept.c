// SPDX-License-Identifier: MIT
/*
 * What a glance at an instruction tells, against Zydis's lists of operands: of
 * what is in this very program, and of bytes at random. It may say too much, and
 * never too little.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <Zydis/Zydis.h>

#include "../../object/insn/kept.h"
#include "../../object/elf/mapped_file.h"
#include "../../object/elf/relobj.h"

#define KEPT	(1u << RP_RBX | 1u << RP_R12 | 1u << RP_R13 | 1u << RP_R14 | \
		 1u << RP_R15)

struct decoded {
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

static ZydisDecoder decoder;

static void fail_at(const uint8_t *code, size_t length, const char *what)
{
	char text[64] = "";

	for (size_t i = 0; i < length; i++)
		snprintf(text + 3 * i, sizeof(text) - 3 * i, "%02x ", code[i]);
	fail_msg("%s: %s", text, what);
}

static unsigned int bit_of(ZydisRegister reg)
{
	reg = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);
	return reg >= ZYDIS_REGISTER_RAX && reg <= ZYDIS_REGISTER_R15 ?
	       1u << (reg - ZYDIS_REGISTER_RAX) : 0;
}

static unsigned int written(const struct decoded *d)
{
	unsigned int mask = 0;

	for (size_t i = 0; i < d->insn.operand_count; i++) {
		const ZydisDecodedOperand *o = &d->operands[i];

		if (o->type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    (o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			mask |= bit_of(o->reg.value);
	}
	return mask;
}

/* The operand that is stored to at [rsp + disp] or [rbp + disp], or NULL. */
static const ZydisDecodedOperand *stored(const struct decoded *d)
{
	for (size_t i = 0; i < d->insn.operand_count; i++) {
		const ZydisDecodedOperand *o = &d->operands[i];

		if (o->type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    o->visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT &&
		    (o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) &&
		    (o->mem.base == ZYDIS_REGISTER_RSP ||
		     o->mem.base == ZYDIS_REGISTER_RBP) &&
		    o->mem.index == ZYDIS_REGISTER_NONE &&
		    o->mem.segment != ZYDIS_REGISTER_FS &&
		    o->mem.segment != ZYDIS_REGISTER_GS)
			return o;
	}
	return NULL;
}

static bool tells(const struct rp_insn_glance *g, const ZydisDecodedOperand *o)
{
	if (g->base != (o->mem.base == ZYDIS_REGISTER_RSP ? RP_RSP : RP_RBP))
		return false;
	return !g->width || (g->disp == o->mem.disp.value &&
			     g->width >= o->size / 8);
}

/* Those of a coprocessor (Knights Corner) have the same bytes as others. */
static bool is_foreign(const ZydisDecodedInstruction *insn)
{
	return insn->meta.isa_set >= ZYDIS_ISA_SET_KNCE &&
	       insn->meta.isa_set <= ZYDIS_ISA_SET_KNC_PF_HINT;
}

/* Return: its length. */
static size_t check_insn(const uint8_t *code, size_t size, size_t *n)
{
	struct rp_insn_glance glance;
	struct rp_insn_values values;
	struct decoded d;

	if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, code, size, &d.insn,
					       d.operands)))
		return 1;
	if (is_foreign(&d.insn))
		return d.insn.length;
	rp_insn_glance(code, d.insn.length, &glance);
	if (written(&d) & KEPT & ~glance.writes)
		fail_at(code, d.insn.length, "writes more registers");
	const ZydisDecodedOperand *o = stored(&d);

	if (o && !tells(&glance, o))
		fail_at(code, d.insn.length, "stores elsewhere");
	assert_int_equal(rp_insn_values(code, d.insn.length, &values), 0);
	++*n;
	return d.insn.length;
}

static void insn_glance_program(void **state)
{
	size_t size_of_file, n = 0;
	struct rp_relobj obj;
	struct rp_diag diag;
	void *image;

	(void)state;
	assert_int_equal(rp_file_map("/proc/self/exe", &image, &size_of_file,
				     &diag), 0);
	assert_int_equal(rp_relobj_open_linked(&obj, image, size_of_file,
					       &diag), 0);
	for (size_t i = 1; i < obj.nsections; i++) {
		if (!rp_section_is_text(&obj.sections[i]))
			continue;
		const uint8_t *code = rp_section_data(&obj, i);
		size_t size = obj.sections[i].hdr.sh_size;

		for (size_t at = 0; at < size;)
			at += check_insn(code + at, size - at, &n);
	}
	assert_true(n > 1000);
	rp_relobj_close(&obj);
	rp_file_unmap(image, size_of_file);
}

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 32;
}

/* Prefixes of vector instructions, and those of a longer opcode, are rare in
 * random bytes: they are put there. */
static void insn_glance_random(void **state)
{
	static const uint8_t starts[] = {
		0x0f, 0x62, 0xc4, 0xc5, 0x8f, 0x48, 0x4d, 0x66, 0xf3,
	};
	uint64_t seed = 1;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 400000; i++) {
		uint8_t code[ZYDIS_MAX_INSTRUCTION_LENGTH];

		for (size_t k = 0; k < sizeof(code); k++)
			code[k] = next_random(&seed);
		if (i % 2)
			code[0] = starts[next_random(&seed) % sizeof(starts)];
		if (i % 8 == 1)
			code[1] = 0x0f;
		check_insn(code, sizeof(code), &n);
	}
	assert_true(n > 100000);
}

struct form {
	const char *name;
	uint8_t code[12], length;
	uint16_t writes, copies, loads, reads, stored;
};

#define BIT(reg)	(1u << RP_##reg)

static const struct form forms[] = {
	{ "mov %rbx,%rax", { 0x48, 0x89, 0xd8 }, 3,
	  BIT(RAX), BIT(RBX), BIT(RAX), 0, 0 },
	{ "mov %ebx,%eax", { 0x89, 0xd8 }, 2, BIT(RAX), 0, 0, BIT(RBX), 0 },
	{ "mov %rbx,%rbx", { 0x48, 0x89, 0xdb }, 3, 0, 0, 0, 0, 0 },
	{ "mov %ebx,%ebx", { 0x89, 0xdb }, 2, BIT(RBX), 0, 0, BIT(RBX), 0 },
	{ "xchg %rbx,%rsi", { 0x48, 0x87, 0xde }, 3, BIT(RBX) | BIT(RSI),
	  BIT(RBX) | BIT(RSI), BIT(RBX) | BIT(RSI), 0, 0 },
	{ "xor %ebx,%ebx", { 0x31, 0xdb }, 2, BIT(RBX), 0, 0, 0, 0 },
	{ "add %rdi,%rbx", { 0x48, 0x01, 0xfb }, 3,
	  BIT(RBX), 0, 0, BIT(RBX) | BIT(RDI), 0 },
	{ "mov %rbx,8(%r14)", { 0x49, 0x89, 0x5e, 8 }, 4,
	  0, BIT(RBX), 0, BIT(R14), 8 },
	{ "mov 8(%r14),%rbx", { 0x49, 0x8b, 0x5e, 8 }, 4,
	  BIT(RBX), 0, BIT(RBX), BIT(R14), 0 },
	{ "movq %rbx,%xmm0", { 0x66, 0x48, 0x0f, 0x6e, 0xc3 }, 5,
	  0, BIT(RBX), 0, 0, 0 },
	{ "lock orl $0,(%rsp)", { 0xf0, 0x83, 0x0c, 0x24, 0 }, 5,
	  0, 0, 0, BIT(RSP), 0 },
	{ "lock orl $1,(%rsp)", { 0xf0, 0x83, 0x0c, 0x24, 1 }, 5,
	  0, 0, 0, BIT(RSP), 4 },
};

static void insn_values_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		const struct form *f = &forms[i];
		struct rp_insn_values v;

		if (rp_insn_values(f->code, f->length, &v))
			fail_msg("%s: not decoded", f->name);
		if (v.writes != f->writes || v.copies != f->copies ||
		    v.loads != f->loads || v.reads != f->reads ||
		    v.stored != f->stored)
			fail_msg("%s: writes %x copies %x loads %x reads %x"
				 " stores %u", f->name, v.writes, v.copies,
				 v.loads, v.reads, v.stored);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(insn_glance_program),
		cmocka_unit_test(insn_glance_random),
		cmocka_unit_test(insn_values_forms),
	};

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
			 ZYDIS_STACK_WIDTH_64);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
