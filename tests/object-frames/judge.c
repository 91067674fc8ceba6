/* SPDX-License-Identifier: MIT */
/* Frames as values, by libdw and by our rows. */
#include "judge.h"

#include <dwarf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DWARF_RIP	16
#define STACK		16

static const uint8_t dwarf_to_insn[] = {
	RP_RAX, RP_RDX, RP_RCX, RP_RBX, RP_RSI, RP_RDI, RP_RBP, RP_RSP,
	RP_R8, RP_R9, RP_R10, RP_R11, RP_R12, RP_R13, RP_R14, RP_R15,
};

static uint64_t mixed(uint64_t v)
{
	v ^= v >> 31;
	v *= 0x9e3779b97f4a7c15u;
	return v ^ v >> 29;
}

uint64_t j_register(unsigned int reg)
{
	return mixed(reg + 1) & ~(uint64_t)15;
}

uint64_t j_memory(uint64_t address)
{
	return mixed(address ^ 0x5bd1e995) & ~(uint64_t)7;
}

bool judge_open(struct judge *judge, const char *path)
{
	elf_version(EV_CURRENT);
	judge->fd = open(path, O_RDONLY | O_CLOEXEC);
	judge->elf = elf_begin(judge->fd, ELF_C_READ_MMAP, NULL);
	judge->cfi = judge->elf ? dwarf_getcfi_elf(judge->elf) : NULL;
	return judge->cfi;
}

void judge_close(struct judge *judge)
{
	dwarf_cfi_end(judge->cfi);
	elf_end(judge->elf);
	close(judge->fd);
}

/* Expressions, as libdw decodes them. */

struct machine {
	uint64_t stack[STACK];
	size_t n;
	uint64_t cfa, pc;
	bool is_value, bad;
	unsigned int reg;	/* DW_OP_regx: in a register */
	bool in_reg;
};

static void push(struct machine *m, uint64_t v)
{
	if (m->n == STACK)
		m->bad = true;
	else
		m->stack[m->n++] = v;
}

static uint64_t pop(struct machine *m)
{
	if (m->n)
		return m->stack[--m->n];
	m->bad = true;
	return 0;
}

static uint64_t dwarf_register(const struct machine *m, uint64_t reg)
{
	if (reg == DWARF_RIP)
		return m->pc;
	return reg < 16 ? j_register(dwarf_to_insn[reg]) : 0;
}

static void binary(struct machine *m, uint8_t atom)
{
	uint64_t b = pop(m), a = pop(m);

	switch (atom) {
	case DW_OP_plus: push(m, a + b); break;
	case DW_OP_minus: push(m, a - b); break;
	case DW_OP_and: push(m, a & b); break;
	case DW_OP_shl: push(m, a << (b & 63)); break;
	case DW_OP_ge: push(m, (int64_t)a >= (int64_t)b); break;
	default: m->bad = true;
	}
}

static void operation(struct machine *m, const Dwarf_Op *op)
{
	uint8_t atom = op->atom;

	if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31)
		push(m, atom - DW_OP_lit0);
	else if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
		push(m, dwarf_register(m, atom - DW_OP_breg0) + op->number);
	else if (atom == DW_OP_bregx)
		push(m, dwarf_register(m, op->number) + op->number2);
	else if (atom == DW_OP_plus_uconst)
		push(m, pop(m) + op->number);
	else if (atom == DW_OP_deref)
		push(m, j_memory(pop(m)));
	else if (atom == DW_OP_call_frame_cfa)
		push(m, m->cfa);
	else if (atom == DW_OP_stack_value)
		m->is_value = true;
	else if (atom == DW_OP_regx || (atom >= DW_OP_reg0 &&
					atom <= DW_OP_reg31)) {
		m->in_reg = true;
		m->reg = (unsigned int)(atom == DW_OP_regx ? op->number :
					atom - 0u - DW_OP_reg0);
	} else if (atom == DW_OP_consts || atom == DW_OP_constu) {
		push(m, op->number);
	} else {
		binary(m, atom);
	}
}

static uint64_t evaluate(struct machine *m, const Dwarf_Op *ops, size_t n)
{
	for (size_t i = 0; i < n; i++)
		operation(m, &ops[i]);
	return m->in_reg ? 0 : pop(m);
}

static struct j_value judge_register(Dwarf_Frame *frame, int dwarf, uint64_t cfa,
				     uint64_t pc)
{
	struct machine m = { .cfa = cfa, .pc = pc };
	Dwarf_Op mem[3], *ops;
	size_t n;

	if (dwarf_frame_register(frame, dwarf, mem, &ops, &n))
		return (struct j_value){ J_OTHER, 0 };
	if (!n)
		return (struct j_value){ ops ? J_UNDEFINED : J_SAME, 0 };
	uint64_t v = evaluate(&m, ops, n);
	if (m.bad)
		return (struct j_value){ J_OTHER, 0 };
	if (m.in_reg)
		return (struct j_value){ J_VALUE, dwarf_register(&m, m.reg) };
	return (struct j_value){ m.is_value ? J_VALUE : J_MEMORY, v };
}

bool judge_frame(const struct judge *judge, uint64_t address,
		 struct j_frame *ret)
{
	struct machine m = { .pc = address };
	Dwarf_Frame *frame;
	Dwarf_Op *ops;
	size_t n;

	if (dwarf_cfi_addrframe(judge->cfi, address, &frame))
		return false;
	*ret = (struct j_frame){ 0 };
	dwarf_frame_info(frame, &ret->start, &ret->end, &ret->signal);
	if (!dwarf_frame_cfa(frame, &ops, &n) && n) {
		ret->cfa = evaluate(&m, ops, n);
		ret->cfa_known = !m.bad;
	}
	for (int dwarf = 0; dwarf < DWARF_RIP; dwarf++)
		ret->reg[dwarf_to_insn[dwarf]] =
			judge_register(frame, dwarf, ret->cfa, address);
	ret->ra = judge_register(frame, DWARF_RIP, ret->cfa, address);
	free(frame);
	return true;
}

/* The same, of our rows. */

static bool row_cfa(const struct rp_frame_row *row, uint64_t pc, uint64_t *ret)
{
	uint64_t at = (row->cfa_reg < RP_REG_NR ? j_register(row->cfa_reg) : 0) +
		      (uint64_t)row->cfa_offset;

	switch (row->cfa) {
	case RP_ROW_CFA_REG: *ret = at; break;
	case RP_ROW_CFA_AT_REG: *ret = j_memory(at); break;
	case RP_ROW_CFA_AT_REG_PLUS:
		*ret = j_memory(at) + (uint64_t)row->cfa_plus;
		break;
	case RP_ROW_CFA_PLT:
		*ret = at + ((int64_t)(pc & 15) >= row->cfa_plus ? 8 : 0);
		break;
	default:
		return false;
	}
	return row->cfa_reg != RP_REG_NONE;
}

/* What the ABI says of registers that are not mentioned. libdw's table of them
 * (elfutils 0.188) has rax in the place of rbx, so these may be either. */
static struct j_value unspecified(unsigned int reg, uint64_t cfa)
{
	switch (reg) {
	case RP_RSP:
		return (struct j_value){ J_VALUE, cfa };
	case RP_RBP: case RP_R12: case RP_R13: case RP_R14: case RP_R15:
		return (struct j_value){ J_SAME, 0 };
	case RP_RAX: case RP_RBX:
		return (struct j_value){ J_SAME_OR_UNDEFINED, 0 };
	default:
		return (struct j_value){ J_UNDEFINED, 0 };
	}
}

static struct j_value rule_value(const struct rp_frame_rule *rule,
				 unsigned int reg, uint64_t cfa)
{
	uint64_t offset = (uint64_t)rule->offset;

	switch (rule->rule) {
	case RP_RULE_UNSPECIFIED: return unspecified(reg, cfa);
	case RP_RULE_UNDEFINED: return (struct j_value){ J_UNDEFINED, 0 };
	case RP_RULE_SAME: return (struct j_value){ J_SAME, 0 };
	case RP_RULE_OFFSET: return (struct j_value){ J_MEMORY, cfa + offset };
	case RP_RULE_VAL_OFFSET: return (struct j_value){ J_VALUE, cfa + offset };
	case RP_RULE_REGISTER:
		if (rule->offset == RP_REG_NONE)
			break;
		return (struct j_value){ J_VALUE,
			j_register((unsigned int)rule->offset) };
	case RP_RULE_AT_REG:
		return (struct j_value){ J_MEMORY,
			j_register(rule->reg) + offset };
	default:
		break;
	}
	return (struct j_value){ J_OTHER, 0 };
}

void row_frame(const struct rp_frame_row *row, uint64_t address,
	       struct j_frame *ret)
{
	*ret = (struct j_frame){ .start = row->start, .end = row->end };
	ret->cfa_known = row_cfa(row, address, &ret->cfa);
	for (unsigned int reg = 0; reg < RP_REG_NR; reg++)
		ret->reg[reg] = rule_value(&row->reg[reg], reg, ret->cfa);
	ret->ra = rule_value(&row->ra, RP_REG_NR, ret->cfa);
}

bool j_same(const struct j_value *a, const struct j_value *b)
{
	if (a->kind == J_SAME_OR_UNDEFINED)
		return b->kind == J_SAME || b->kind == J_UNDEFINED;
	return a->kind == b->kind && a->value == b->value;
}

const struct rp_frame_row *row_at_address(const struct file *file,
					  uint64_t address)
{
	for (uint32_t i = 1; i < file->obj.nsections; i++) {
		const GElf_Shdr *hdr = &file->obj.sections[i].hdr;

		if ((hdr->sh_flags & SHF_EXECINSTR) &&
		    address - hdr->sh_addr < hdr->sh_size)
			return rp_frame_row_at(&file->rows, i,
					       address - hdr->sh_addr);
	}
	return NULL;
}

/* Files. */

static void die(const char *path, const struct rp_diag *diag)
{
	fprintf(stderr, "%s: %s+0x%" PRIx64 ": %s\n", path, diag->where,
		diag->offset, diag->text);
	exit(2);
}

void file_open(struct file *file, const char *path)
{
	struct rp_diag diag = { 0 };

	file->path = path;
	if (rp_file_map(path, &file->image, &file->size, &diag))
		die(path, &diag);
	const Elf64_Ehdr *ehdr = file->image;
	int rc = file->size > sizeof(*ehdr) && ehdr->e_type != ET_REL ?
		 rp_relobj_open_linked(&file->obj, file->image, file->size,
				       &diag) :
		 rp_relobj_open(&file->obj, file->image, file->size, &diag);
	if (rc || rp_frame_rows_init(&file->rows, &file->obj, &diag))
		die(path, &diag);
}

void file_close(struct file *file)
{
	rp_frame_rows_deinit(&file->rows);
	rp_relobj_close(&file->obj);
	rp_file_unmap(file->image, file->size);
}
