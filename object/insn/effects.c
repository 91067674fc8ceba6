/* SPDX-License-Identifier: MIT */
/*
 * What an instruction of x86-64 changes, through Zydis.
 *
 * Zydis lists the operands that an instruction has by its encoding, implied
 * ones included. Missing are those that are too many to list (vzeroupper) or
 * stand in memory (fxrstor): these instructions are named here.
 */
#include "effects.h"
#include "zydis.h"

#include <errno.h>
#include <stdio.h>

#include <repoint/abi.h>

#define ARITHMETIC_FLAGS	(ZYDIS_CPUFLAG_CF | ZYDIS_CPUFLAG_PF | \
				 ZYDIS_CPUFLAG_AF | ZYDIS_CPUFLAG_ZF | \
				 ZYDIS_CPUFLAG_SF | ZYDIS_CPUFLAG_OF)

struct decoded {
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

static int decode(const uint8_t *code, size_t size, struct decoded *ret)
{
	return ZYAN_FAILED(ZydisDecoderDecodeFull(rp_zydis_decoder(true), code,
						  size, &ret->insn,
						  ret->operands)) ? -EILSEQ : 0;
}

/* Mode words, thread pointers, shadow stack, tiles: callees keep them. */
static bool changes_modes(ZydisMnemonic mnemonic)
{
	switch (mnemonic) {
	case ZYDIS_MNEMONIC_FLDCW:
	case ZYDIS_MNEMONIC_FLDENV:
	case ZYDIS_MNEMONIC_FNINIT:
	case ZYDIS_MNEMONIC_FNSAVE:
	case ZYDIS_MNEMONIC_FNSTENV:
	case ZYDIS_MNEMONIC_FRSTOR:
	case ZYDIS_MNEMONIC_FXRSTOR:
	case ZYDIS_MNEMONIC_FXRSTOR64:
	case ZYDIS_MNEMONIC_XRSTOR:
	case ZYDIS_MNEMONIC_XRSTOR64:
	case ZYDIS_MNEMONIC_WRFSBASE:
	case ZYDIS_MNEMONIC_WRGSBASE:
	case ZYDIS_MNEMONIC_INCSSPD:
	case ZYDIS_MNEMONIC_INCSSPQ:
	case ZYDIS_MNEMONIC_RSTORSSP:
	case ZYDIS_MNEMONIC_LDTILECFG:
	case ZYDIS_MNEMONIC_TILERELEASE:
	case ZYDIS_MNEMONIC_ENCLU:
		return true;
	default:
		return false;
	}
}

static void add_register(struct rp_effects *e, ZydisRegister reg)
{
	ZydisRegister whole =
		ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64,
						 reg);

	switch (ZydisRegisterGetClass(reg)) {
	case ZYDIS_REGCLASS_GPR8:
	case ZYDIS_REGCLASS_GPR16:
	case ZYDIS_REGCLASS_GPR32:
	case ZYDIS_REGCLASS_GPR64:
		if (whole == ZYDIS_REGISTER_RSP)
			e->stack = true;
		else
			e->clobbers |= 1u << ZydisRegisterGetId(whole);
		break;
	case ZYDIS_REGCLASS_XMM:
	case ZYDIS_REGCLASS_YMM:
	case ZYDIS_REGCLASS_ZMM:
		e->clobbers |= RP_CLOBBER_VECTOR;
		break;
	case ZYDIS_REGCLASS_MASK:
		e->clobbers |= RP_CLOBBER_MASK;
		break;
	case ZYDIS_REGCLASS_X87:
	case ZYDIS_REGCLASS_MMX:
		e->clobbers |= RP_CLOBBER_X87;
		break;
	case ZYDIS_REGCLASS_FLAGS:	// see add_flags()
		break;
	case ZYDIS_REGCLASS_IP:
		e->flow = RP_EFFECT_AWAY;
		break;
	default:
		if (reg == ZYDIS_REGISTER_X87STATUS)
			e->clobbers |= RP_CLOBBER_X87;
		else
			e->beyond = true;
	}
}

static bool is_stack_pointer(ZydisRegister reg)
{
	return ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64,
						reg) == ZYDIS_REGISTER_RSP;
}

// What push, call and their like imply is another matter: see find_flow().
static void add_memory(struct rp_effects *e,
		       const ZydisDecodedOperand *operand)
{
	if (operand->visibility != ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
	    (is_stack_pointer(operand->mem.base) ||
	     is_stack_pointer(operand->mem.index)))
		e->frame = true;
}

static void add_operands(struct rp_effects *e, const struct decoded *d)
{
	for (size_t i = 0; i < d->insn.operand_count; i++) {
		const ZydisDecodedOperand *operand = &d->operands[i];

		if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY)
			add_memory(e, operand);
		if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER)
			continue;
		ZydisRegister reg = operand->reg.value;
		// Reading an MMX register changes the tags of x87 already.
		if ((operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) ||
		    ZydisRegisterGetClass(reg) == ZYDIS_REGCLASS_MMX)
			add_register(e, reg);
	}
}

static void add_flags(struct rp_effects *e, const ZydisDecodedInstruction *insn)
{
	const ZydisAccessedFlags *flags = insn->cpu_flags;
	ZydisAccessedFlagsMask changed;

	if (!flags)
		return;
	// Callees keep DF clear: clearing it is no change.
	changed = flags->modified | flags->set_1 | flags->undefined |
		  (flags->set_0 & ~ZYDIS_CPUFLAG_DF);
	if (changed & ARITHMETIC_FLAGS)
		e->clobbers |= RP_CLOBBER_FLAGS;
	if (changed & ~ARITHMETIC_FLAGS)
		e->beyond = true;
}

static void add_unlisted(struct rp_effects *e,
			 const ZydisDecodedInstruction *insn)
{
	if (changes_modes(insn->mnemonic) ||
	    (insn->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED))
		e->beyond = true;
	if (insn->mnemonic == ZYDIS_MNEMONIC_VZEROUPPER ||
	    insn->mnemonic == ZYDIS_MNEMONIC_VZEROALL)
		e->clobbers |= RP_CLOBBER_VECTOR;
	if (insn->mnemonic == ZYDIS_MNEMONIC_EMMS ||
	    insn->mnemonic == ZYDIS_MNEMONIC_FEMMS)
		e->clobbers |= RP_CLOBBER_X87;
}

/* @e->flow is RP_EFFECT_AWAY where the instruction pointer is written. */
static void find_flow(struct rp_effects *e, const ZydisDecodedInstruction *insn)
{
	if (insn->meta.category == ZYDIS_CATEGORY_CALL) {
		e->flow = RP_EFFECT_CALL;
		e->stack = false;
		if (insn->raw.imm[0].is_relative)
			e->field = insn->raw.imm[0].offset;
	} else if (e->flow == RP_EFFECT_AWAY && insn->raw.imm[0].is_relative) {
		e->flow = RP_EFFECT_BRANCH;
		e->field = insn->raw.imm[0].offset;
		e->displacement = insn->raw.imm[0].value.s;
	}
}

int rp_effects_decode(const uint8_t *code, size_t size,
		      struct rp_effects *ret)
{
	struct decoded d;
	int rc = decode(code, size, &d);

	if (rc)
		return rc;
	*ret = (struct rp_effects){ .length = d.insn.length };
	if (d.insn.mnemonic == ZYDIS_MNEMONIC_SYSCALL) {
		// As Linux does it: all else is restored.
		ret->clobbers = RP_CLOBBER_RAX | RP_CLOBBER_RCX |
				RP_CLOBBER_R11;
		return 0;
	}
	add_operands(ret, &d);
	add_flags(ret, &d.insn);
	add_unlisted(ret, &d.insn);
	find_flow(ret, &d.insn);
	return 0;
}

void rp_effects_text(const uint8_t *code, size_t size, char *text,
		     size_t text_size)
{
	ZydisFormatter formatter;
	struct decoded d;

	if (decode(code, size, &d) ||
	    ZYAN_FAILED(ZydisFormatterInit(&formatter,
					   ZYDIS_FORMATTER_STYLE_ATT)) ||
	    ZYAN_FAILED(ZydisFormatterFormatInstruction(&formatter, &d.insn,
			d.operands, d.insn.operand_count_visible, text,
			text_size, ZYDIS_RUNTIME_ADDRESS_NONE, NULL)))
		snprintf(text, text_size, "?");
}
