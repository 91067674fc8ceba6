// SPDX-License-Identifier: MIT
/*
 * What instructions do: some by name, and those of this very program against
 * Zydis's lists of operands.
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

#include "../../object/insn/flow.h"
#include "../../object/elf/mapped_file.h"
#include "../../object/elf/relobj.h"

struct form {
	const char *name;
	uint8_t code[16];
	uint8_t length, flow;
	uint8_t kind, dest, src, flags;
	int32_t offset;
};

#define NONE	RP_REG_NONE

static const struct form forms[] = {
	{ "push %rbp", { 0x55 }, 1, RP_FLOW_NEXT,
	  RP_OP_PUSH, NONE, RP_RBP, 0, 0 },
	{ "pop %r12", { 0x41, 0x5c }, 2, RP_FLOW_NEXT,
	  RP_OP_POP, RP_R12, NONE, 0, 0 },
	{ "pushf", { 0x9c }, 1, RP_FLOW_NEXT,
	  RP_OP_PUSH, NONE, NONE, RP_OP_FLAGS, 0 },
	{ "push $1", { 0x6a, 1 }, 2, RP_FLOW_NEXT,
	  RP_OP_PUSH, NONE, NONE, 0, 0 },
	{ "mov %rsp,%rbp", { 0x48, 0x89, 0xe5 }, 3, RP_FLOW_NEXT,
	  RP_OP_MOVE, RP_RBP, RP_RSP, 0, 0 },
	{ "sub $24,%rsp", { 0x48, 0x83, 0xec, 24 }, 4, RP_FLOW_NEXT,
	  RP_OP_ADD, RP_RSP, RP_RSP, 0, -24 },
	{ "add $0x1000,%rsp", { 0x48, 0x81, 0xc4, 0, 0x10, 0, 0 }, 7,
	  RP_FLOW_NEXT, RP_OP_ADD, RP_RSP, RP_RSP, 0, 0x1000 },
	{ "and $-32,%rsp", { 0x48, 0x83, 0xe4, 0xe0 }, 4, RP_FLOW_NEXT,
	  RP_OP_AND, RP_RSP, RP_RSP, 0, -32 },
	{ "lea 8(%rsp),%r10", { 0x4c, 0x8d, 0x54, 0x24, 8 }, 5, RP_FLOW_NEXT,
	  RP_OP_ADD, RP_R10, RP_RSP, RP_OP_LEA, 8 },
	{ "mov -40(%rbp),%rbx", { 0x48, 0x8b, 0x5d, 0xd8 }, 4, RP_FLOW_NEXT,
	  RP_OP_LOAD, RP_RBX, RP_RBP, 0, -40 },
	{ "mov %r13,16(%rsp)", { 0x4c, 0x89, 0x6c, 0x24, 16 }, 5, RP_FLOW_NEXT,
	  RP_OP_STORE, RP_RSP, RP_R13, 0, 16 },
	{ "leave", { 0xc9 }, 1, RP_FLOW_NEXT,
	  RP_OP_LEAVE, RP_RBP, RP_RBP, 0, 0 },
	{ "xor %ebp,%ebp", { 0x31, 0xed }, 2, RP_FLOW_NEXT,
	  RP_OP_CLOBBER, RP_RBP, NONE, 0, 0 },
	{ "sub %rax,%rsp", { 0x48, 0x29, 0xc4 }, 3, RP_FLOW_NEXT,
	  RP_OP_CLOBBER, RP_RSP, RP_RAX, RP_OP_STRAY, 0 },
	{ "mov (%rdi),%rax", { 0x48, 0x8b, 0x07 }, 3, RP_FLOW_NEXT,
	  RP_OP_NONE, NONE, NONE, 0, 0 },
	{ "cmp $0,%rsp", { 0x48, 0x83, 0xfc, 0 }, 4, RP_FLOW_NEXT,
	  RP_OP_NONE, NONE, NONE, 0, 0 },
	{ "nopw", { 0x66, 0x0f, 0x1f, 0x44, 0, 0 }, 6, RP_FLOW_NOP,
	  RP_OP_NONE, NONE, NONE, 0, 0 },
	{ "endbr64", { 0xf3, 0x0f, 0x1e, 0xfa }, 4, RP_FLOW_ENDBR,
	  RP_OP_NONE, NONE, NONE, 0, 0 },
	{ "jrcxz", { 0xe3, 0 }, 2, RP_FLOW_JCC, RP_OP_NONE, NONE, NONE, 0, 0 },
	{ "call", { 0xe8, 0, 0, 0, 0 }, 5, RP_FLOW_CALL,
	  RP_OP_NONE, NONE, NONE, 0, 0 },
	{ "jmp *%rax", { 0xff, 0xe0 }, 2, RP_FLOW_JMP_INDIRECT,
	  RP_OP_NONE, NONE, NONE, 0, 0 },
	{ "ud2", { 0x0f, 0x0b }, 2, RP_FLOW_UD, RP_OP_NONE, NONE, NONE, 0, 0 },
	{ "ud2; xen; cpuid", { 0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2 }, 7,
	  RP_FLOW_NEXT, RP_OP_NONE, NONE, NONE, 0, 0 },
	{ "ud2; kvm; push %r12", { 0x0f, 0x0b, 'k', 'v', 'm', 0x41, 0x54 }, 7,
	  RP_FLOW_NEXT, RP_OP_PUSH, NONE, RP_R12, 0, 0 },
	{ "iretq", { 0x48, 0xcf }, 2, RP_FLOW_SWITCH,
	  RP_OP_ADD, RP_RSP, RP_RSP, 0, 40 },
	{ "lkgs %edi", { 0xf2, 0x0f, 0x00, 0xf7 }, 4, RP_FLOW_NEXT,
	  RP_OP_NONE, NONE, NONE, 0, 0 },
	{ "erets", { 0xf2, 0x0f, 0x01, 0xca }, 4, RP_FLOW_SWITCH,
	  RP_OP_NONE, NONE, NONE, 0, 0 },
	{ "clac", { 0x0f, 0x01, 0xca }, 3, RP_FLOW_CLAC,
	  RP_OP_NONE, NONE, NONE, 0, 0 },
};

static void insn_flow_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		const struct form *f = &forms[i];
		struct rp_insn_flow flow;

		if (rp_insn_flow(f->code, f->length, &flow))
			fail_msg("%s: not decoded", f->name);
		if (flow.length != f->length || flow.flow != f->flow)
			fail_msg("%s: length %u, flow %u", f->name, flow.length,
				 flow.flow);
		if (flow.op.kind != f->kind)
			fail_msg("%s: operation %u", f->name, flow.op.kind);
		if (f->kind != RP_OP_NONE &&
		    (flow.op.dest != f->dest || flow.op.src != f->src ||
		     flow.op.flags != f->flags || flow.op.offset != f->offset))
			fail_msg("%s: %u = %u %+d, flags %u", f->name,
				 flow.op.dest, flow.op.src, flow.op.offset,
				 flow.op.flags);
		if (f->length > 1 &&
		    !rp_insn_flow(f->code, f->length - 1, &flow))
			fail_msg("%s: decoded from too few bytes", f->name);
	}
}

/* Which general registers the operands say are written. */
static unsigned int written(const ZydisDecodedInstruction *insn,
			    const ZydisDecodedOperand *operands)
{
	unsigned int mask = 0;

	for (size_t i = 0; i < insn->operand_count; i++) {
		if (operands[i].type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !(operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		ZydisRegister reg = ZydisRegisterGetLargestEnclosing(
			ZYDIS_MACHINE_MODE_LONG_64, operands[i].reg.value);
		if (reg >= ZYDIS_REGISTER_RAX && reg <= ZYDIS_REGISTER_R15)
			mask |= 1u << (reg - ZYDIS_REGISTER_RAX);
	}
	return mask;
}

static bool tells(const struct rp_stack_op *op, uint8_t reg)
{
	if (op->kind == RP_OP_NONE || op->kind == RP_OP_STORE)
		return false;
	if (op->dest == reg || (op->kind == RP_OP_EXCHANGE && op->src == reg))
		return true;
	return reg == RP_RSP && (op->kind == RP_OP_PUSH ||
				 op->kind == RP_OP_POP ||
				 op->kind == RP_OP_LEAVE ||
				 op->kind == RP_OP_ENTER);
}

static void check_insn(const uint8_t *code, size_t size, size_t *length)
{
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;
	struct rp_insn_flow flow;
	ZydisDecoder decoder;

	*length = 1;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
			 ZYDIS_STACK_WIDTH_64);
	if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, code, size, &insn,
					       operands)))
		return;
	*length = insn.length;
	assert_int_equal(rp_insn_flow(code, size, &flow), 0);
	assert_int_equal(flow.length, insn.length);
	unsigned int mask = written(&insn, operands);
	if (insn.meta.category == ZYDIS_CATEGORY_CALL ||
	    insn.meta.category == ZYDIS_CATEGORY_RET)
		return;
	for (uint8_t reg = RP_RSP; reg <= RP_RBP; reg++) {
		if ((mask >> reg & 1) && !tells(&flow.op, reg))
			fail_msg("%02x %02x %02x %02x: writes %s, but has no"
				 " operation", code[0], code[1], code[2],
				 code[3], reg == RP_RSP ? "rsp" : "rbp");
	}
	if (flow.reg != RP_REG_NONE && flow.flow != RP_FLOW_JMP_INDIRECT)
		assert_true(mask >> flow.reg & 1);
}

static void insn_flow_as_zydis(void **state)
{
	size_t size_of_file, n = 0, length;
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
		for (size_t at = 0; at < size; at += length, n++)
			check_insn(code + at, size - at, &length);
	}
	assert_true(n > 1000);
	rp_relobj_close(&obj);
	rp_file_unmap(image, size_of_file);
}

static void insn_flow_every_writes(void **state)
{
	static const uint8_t mul[] = { 0x48, 0xf7, 0xe1 };	// mul %rcx
	static const uint8_t add[] = { 0x48, 0x83, 0xc0, 8 };	// add $8,%rax
	struct rp_insn_flow flow;
	uint16_t writes;

	(void)state;
	assert_int_equal(rp_insn_flow_every(mul, sizeof(mul), &flow, &writes),
			 0);
	assert_int_equal(writes, 1u << RP_RAX | 1u << RP_RDX);
	assert_int_equal(rp_insn_flow_every(add, sizeof(add), &flow, &writes),
			 0);
	assert_int_equal(flow.op.kind, RP_OP_ADD);
	assert_int_equal(flow.op.offset, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(insn_flow_forms),
		cmocka_unit_test(insn_flow_as_zydis),
		cmocka_unit_test(insn_flow_every_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
