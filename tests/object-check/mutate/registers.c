/* SPDX-License-Identifier: MIT */
/* Mutations of what callees keep: registers, and where the stack has them. */
#include "mutant.h"

#include <Zydis/Zydis.h>
#include <string.h>

struct decoded {
	ZydisDecodedInstruction insn;
	ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

static size_t count_insns(const struct mutant *m)
{
	return m->ninsns;
}

static bool decode(const struct mutant *m, const struct insn *insn,
		   struct decoded *d)
{
	ZydisDecoder decoder;

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
			 ZYDIS_STACK_WIDTH_64);
	return ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder,
			insn_bytes(m, insn), insn->length, &d->insn,
			d->operands));
}

static size_t first_of(const struct mutant *m, size_t i)
{
	while (i && m->insns[i - 1].function == m->insns[i].function)
		i--;
	return i;
}

static bool same_function(const struct mutant *m, size_t i, size_t k)
{
	return k < m->ninsns && m->insns[k].function == m->insns[i].function;
}

static bool is_unconditional(const struct mutant *m, const struct insn *insn)
{
	uint8_t opcode = *insn_bytes(m, insn);

	return opcode == 0xeb || opcode == 0xe9;
}

/* A call of what comes back: none of the objects calls others by pointers. */
static bool comes_back(const struct mutant *m, const struct insn *insn)
{
	const Elf64_Rela *rela = relocation_at(m, insn->section,
					       insn->offset + 1);
	const char *name;

	if (*insn_bytes(m, insn) != 0xe8 || !rela)
		return false;
	name = symbol_name(m, ELF64_R_SYM(rela->r_info));
	return strcmp(name, "abort") && strcmp(name, "exit") &&
	       strcmp(name, "__stack_chk_fail");
}

/* Straight on, at least on one way? */
static bool reaches_return(const struct mutant *m, size_t i)
{
	for (size_t k = i + 1; same_function(m, i, k); k++) {
		const struct insn *insn = &m->insns[k];

		if (insn->kind == RET)
			return true;
		if ((insn->kind == FLOW && !comes_back(m, insn)) ||
		    (insn->kind == JUMP && is_unconditional(m, insn)))
			return false;
	}
	return false;
}

static ZydisRegister whole_of(ZydisRegister reg)
{
	return ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64,
						reg);
}

static bool mentions(const struct decoded *d, ZydisRegister reg)
{
	for (size_t i = 0; i < d->insn.operand_count; i++) {
		const ZydisDecodedOperand *o = &d->operands[i];

		if (o->type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    whole_of(o->reg.value) == reg)
			return true;
		if (o->type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    (whole_of(o->mem.base) == reg ||
		     whole_of(o->mem.index) == reg))
			return true;
	}
	return false;
}

/* Compilers save what they use: nothing but the mutation does. */
static bool is_used(const struct mutant *m, size_t i, ZydisRegister reg)
{
	struct decoded d;

	for (size_t k = first_of(m, i); same_function(m, i, k); k++) {
		if (!decode(m, &m->insns[k], &d) || mentions(&d, reg))
			return true;
	}
	return false;
}

/* mov between registers: another one is written, which callees keep. */
static bool write_kept(struct mutant *m, size_t i)
{
	const struct insn *insn = &m->insns[i];
	uint8_t *bytes = insn_bytes(m, insn);
	struct decoded d;

	if (insn->kind != OTHER || insn->relocated || !decode(m, insn, &d) ||
	    d.insn.mnemonic != ZYDIS_MNEMONIC_MOV ||
	    (d.insn.opcode != 0x89 && d.insn.opcode != 0x8b) ||
	    d.insn.raw.modrm.mod != 3 || d.operands[0].size < 32)
		return false;
	bool rm = d.insn.opcode == 0x89;
	bool high = rm ? d.insn.raw.rex.B : d.insn.raw.rex.R;
	uint8_t number = high ? 4 : 3;		// r12, rbx
	ZydisRegister old = whole_of(d.operands[0].reg.value);

	if (old == ZYDIS_REGISTER_RSP || old == ZYDIS_REGISTER_RBP ||
	    mentions(&d, ZYDIS_REGISTER_RSP) || !reaches_return(m, i) ||
	    is_used(m, i, high ? ZYDIS_REGISTER_R12 : ZYDIS_REGISTER_RBX))
		return false;
	uint8_t *modrm = bytes + d.insn.raw.modrm.offset;

	*modrm = rm ? (*modrm & ~7) | number : (*modrm & ~0x38) | number << 3;
	note_insn(m, insn, "writes a register that callees keep");
	return true;
}

/*
 * A frame as compilers make it: pushes, then `sub $imm8, %rsp`, and nothing that
 * moves rsp until the epilogue. @bytes: of the sub; @pushed: how many.
 */
static bool find_frame(const struct mutant *m, size_t i, size_t *pushed,
		       uint8_t *bytes)
{
	size_t k = first_of(m, i);
	bool open = false;
	struct decoded d;

	*pushed = *bytes = 0;
	for (; k < i; k++) {
		if (!decode(m, &m->insns[k], &d))
			return false;
		if (m->insns[k].kind == PUSH && !open) {
			++*pushed;
		} else if (d.insn.mnemonic == ZYDIS_MNEMONIC_SUB &&
			   d.operands[0].reg.value == ZYDIS_REGISTER_RSP &&
			   d.insn.raw.imm[0].size == 8 && !open) {
			open = true;
			*bytes = d.operands[1].imm.value.u;
		} else if (m->insns[k].kind == PUSH ||
			   m->insns[k].kind == POP ||
			   m->insns[k].kind == ADD_RSP ||
			   m->insns[k].kind == RET) {
			return false;
		}
	}
	return open && *pushed && *bytes < 0x70 - 8 * *pushed;
}

/* A store to the frame, of which the displacement is one byte. */
static bool is_store(const struct mutant *m, const struct insn *insn,
		     struct decoded *d)
{
	const ZydisDecodedOperand *o = d->operands;

	return insn->kind == OTHER && !insn->relocated && decode(m, insn, d) &&
	       d->insn.mnemonic == ZYDIS_MNEMONIC_MOV &&
	       o->type == ZYDIS_OPERAND_TYPE_MEMORY &&
	       o->mem.base == ZYDIS_REGISTER_RSP &&
	       o->mem.index == ZYDIS_REGISTER_NONE &&
	       d->insn.raw.disp.size == 8;
}

static bool move_store(struct mutant *m, size_t i, bool above,
		       const char *what)
{
	const struct insn *insn = &m->insns[i];
	struct decoded d;
	size_t pushed;
	uint8_t bytes;

	if (!is_store(m, insn, &d) || !reaches_return(m, i) ||
	    !find_frame(m, i, &pushed, &bytes))
		return false;
	insn_bytes(m, insn)[d.insn.raw.disp.offset] =
		bytes + (above ? 8 * pushed : 0);
	note_insn(m, insn, what);
	return true;
}

static bool store_to_saved(struct mutant *m, size_t i)
{
	return move_store(m, i, false, "stores where a register is saved");
}

static bool store_to_return(struct mutant *m, size_t i)
{
	return move_store(m, i, true, "stores to the return address");
}

const struct class register_classes[] = {
	{ "kept-written", "953", count_insns, write_kept },
	{ "saved-stored", "954", count_insns, store_to_saved },
	{ "return-stored", "954", count_insns, store_to_return },
	{ 0 },
};
