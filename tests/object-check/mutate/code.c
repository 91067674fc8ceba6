/* SPDX-License-Identifier: MIT */
/* Mutations of instructions, and of the symbols that say where functions are. */
#include "mutant.h"

#include <stdio.h>
#include <string.h>

static size_t count_insns(const struct mutant *m)
{
	return m->ninsns;
}

static bool same_function(const struct mutant *m, size_t i, size_t k)
{
	return k < m->ninsns && m->insns[k].function == m->insns[i].function;
}

/* rbx, rbp, r12 to r15: whose values the caller needs */
static bool is_preserved(uint8_t reg)
{
	return reg == 3 || reg == 5 || reg >= 12;
}

/*
 * Is what follows @i the rest of an epilogue: pops, then ret? So that the stack
 * pointer, or a register, is wrong there if @i is.
 */
static bool then_returns(const struct mutant *m, size_t i)
{
	size_t k = i + 1;

	while (same_function(m, i, k) && m->insns[k].kind == POP)
		k++;
	return same_function(m, i, k) && m->insns[k].kind == RET;
}

static bool drop_pop(struct mutant *m, size_t i)
{
	const struct insn *insn = &m->insns[i];

	if (insn->kind != POP || !then_returns(m, i))
		return false;
	memset(insn_bytes(m, insn), 0x90, insn->length);
	note_insn(m, insn, "pop removed");
	return true;
}

static bool swap_pops(struct mutant *m, size_t i)
{
	const struct insn *a = &m->insns[i], *b = a + 1;
	uint8_t first[15];

	if (!same_function(m, i, i + 1) || a->kind != POP || b->kind != POP ||
	    a->reg == b->reg || !is_preserved(a->reg) ||
	    !is_preserved(b->reg) || !then_returns(m, i))
		return false;
	uint8_t *bytes = insn_bytes(m, a);

	memcpy(first, bytes, a->length);
	memmove(bytes, bytes + a->length, b->length);
	memcpy(bytes + b->length, first, a->length);
	note_insn(m, a, "pops swapped");
	return true;
}

static bool swap_pushes(struct mutant *m, size_t i)
{
	const struct insn *a = &m->insns[i], *b = a + 1;
	uint64_t start = m->symbols[a->function].st_value;
	uint8_t first[15];

	// Only the first ones: those behind may be arguments.
	if (!same_function(m, i, i + 1) || a->kind != PUSH || b->kind != PUSH ||
	    a->offset > start + 4 || !is_preserved(a->reg) ||
	    !is_preserved(b->reg))
		return false;
	uint8_t *bytes = insn_bytes(m, a);

	memcpy(first, bytes, a->length);
	memmove(bytes, bytes + a->length, b->length);
	memcpy(bytes + b->length, first, a->length);
	note_insn(m, a, "pushes swapped");
	return true;
}

static bool wrong_add(struct mutant *m, size_t i)
{
	const struct insn *insn = &m->insns[i];

	if (insn->kind != ADD_RSP || !then_returns(m, i))
		return false;
	insn_bytes(m, insn)[insn->imm] ^= 0x08;
	note_insn(m, insn, "add of another number to rsp");
	return true;
}

static bool drop_return(struct mutant *m, size_t i)
{
	const struct insn *insn = &m->insns[i];

	if (insn->kind != RET || same_function(m, i, i + 1))
		return false;
	memset(insn_bytes(m, insn), 0x90, insn->length);
	note_insn(m, insn, "the last ret is gone");
	return true;
}

static bool has_other_name(const struct mutant *m, size_t symbol)
{
	const Elf64_Sym *s = &m->symbols[symbol];

	for (size_t i = 0; i < m->nsymbols; i++) {
		const Elf64_Sym *other = &m->symbols[i];

		if (i != symbol && other->st_shndx == s->st_shndx &&
		    other->st_value == s->st_value &&
		    ELF64_ST_TYPE(other->st_info) == STT_FUNC)
			return true;
	}
	return false;
}

static bool cut_short(struct mutant *m, size_t i)
{
	const struct insn *insn = &m->insns[i];

	if (insn->kind != RET || same_function(m, i, i + 1) ||
	    has_other_name(m, insn->function))
		return false;
	m->symbols[insn->function].st_size -= insn->length;
	note_insn(m, insn, "the size leaves out the last ret");
	return m->symbols[insn->function].st_size != 0;
}

static bool move_jump(struct mutant *m, size_t i)
{
	const struct insn *insn = &m->insns[i];
	const Elf64_Sym *s = &m->symbols[insn->function];
	uint8_t *disp = insn_bytes(m, insn) + insn->imm;

	if (insn->kind != JUMP || insn->target < s->st_value ||
	    insn->target + 1 >= s->st_value + s->st_size ||
	    !insn_at(m, insn->section, insn->target) ||
	    insn_at(m, insn->section, insn->target + 1) || *disp == 0x7f ||
	    *disp == 0xff)
		return false;
	++*disp;
	note_insn(m, insn, "jumps one byte further");
	return true;
}

static bool bad_opcode(struct mutant *m, size_t i)
{
	const struct insn *insn = &m->insns[i];

	// A relocation would be one of an instruction that is not there.
	if (insn->relocated || insn->kind == NOP)
		return false;
	*insn_bytes(m, insn) = 0x06;	// push %es: not in 64 bit mode
	note_insn(m, insn, "no instruction");
	return true;
}

static bool insert_indirect(struct mutant *m, size_t i)
{
	const struct insn *insn = &m->insns[i];
	uint8_t *bytes = insn_bytes(m, insn);

	if (insn->relocated || insn->length < 2 || insn->kind != OTHER)
		return false;
	memset(bytes, 0x90, insn->length);
	memcpy(bytes, "\xff\xd0", 2);	// call *%rax
	note_insn(m, insn, "an indirect call");
	return true;
}

static size_t count_symbols(const struct mutant *m)
{
	return m->nsymbols;
}

/* A function's own symbol, which nothing else stands in for. */
static bool names_function(const struct mutant *m, size_t i)
{
	const Elf64_Sym *s = &m->symbols[i];

	return ELF64_ST_TYPE(s->st_info) == STT_FUNC && s->st_size &&
	       s->st_shndx && !has_other_name(m, i);
}

static bool drop_size(struct mutant *m, size_t i)
{
	if (!names_function(m, i))
		return false;
	m->symbols[i].st_size = 0;
	snprintf(m->place, sizeof(m->place), "%s: without size",
		 symbol_name(m, i));
	return true;
}

static bool drop_type(struct mutant *m, size_t i)
{
	Elf64_Sym *s = &m->symbols[i];

	if (!names_function(m, i))
		return false;
	s->st_info = ELF64_ST_INFO(ELF64_ST_BIND(s->st_info), STT_NOTYPE);
	snprintf(m->place, sizeof(m->place), "%s: without type",
		 symbol_name(m, i));
	return true;
}

/* ---- tables of jumps ---- */

static size_t count_tables(const struct mutant *m)
{
	size_t n = 0, relocs;

	for (size_t i = 1; i < m->nsections; i++) {
		if (!strncmp(section_name(m, i), ".rodata", 7)) {
			relocations_of(m, i, &relocs);
			n += relocs;
		}
	}
	return n;
}

/*
 * Entry @k of a table, relative to the table: the table begins where the run of
 * its like does, if all of the run are instructions then.
 */
static struct insn *entry_target(const struct mutant *m, const Elf64_Rela *v,
				 size_t k)
{
	uint32_t type = ELF64_R_TYPE(v[k].r_info), section;
	size_t first = k;
	uint64_t offset;

	if (type == R_X86_64_64)
		return points_to(m, &v[k], 0, &section, &offset) ?
		       insn_at(m, section, offset) : NULL;
	if (type != R_X86_64_PC32)
		return NULL;
	while (first && v[first - 1].r_offset == v[first].r_offset - 4 &&
	       v[first - 1].r_info == v[first].r_info)
		first--;
	struct insn *insn = NULL;
	for (size_t i = first; i <= k; i++) {
		int64_t behind = -(int64_t)(v[i].r_offset - v[first].r_offset);

		if (!points_to(m, &v[i], behind, &section, &offset))
			return NULL;
		insn = insn_at(m, section, offset);
		if (!insn)
			return NULL;
	}
	return insn;
}

static bool move_entry(struct mutant *m, size_t i)
{
	size_t n = 0;
	Elf64_Rela *v = NULL;

	for (size_t s = 1; s < m->nsections; s++) {
		if (strncmp(section_name(m, s), ".rodata", 7))
			continue;
		v = relocations_of(m, s, &n);
		if (i < n)
			break;
		i -= n;
		v = NULL;
	}
	const struct insn *insn = v ? entry_target(m, v, i) : NULL;

	// A function's entry is in other tables; its address may be any.
	if (!insn || insn->length < 2 || !insn->function ||
	    insn->offset == m->symbols[insn->function].st_value)
		return false;
	v[i].r_addend++;
	note_insn(m, insn, "a jump table's entry is one byte further");
	return true;
}

const struct class code_classes[] = {
	{ "pop-removed", "941 942 947", count_insns, drop_pop },
	{ "pops-swapped", "941 942 947", count_insns, swap_pops },
	{ "pushes-swapped", "941 942 947", count_insns, swap_pushes },
	{ "add-changed", "941 942 947 950", count_insns, wrong_add },
	{ "return-removed", "912", count_insns, drop_return },
	{ "size-cut", "912 913 914 944", count_insns, cut_short },
	{ "jump-moved", "949", count_insns, move_jump },
	{ "opcode-invalid", "948", count_insns, bad_opcode },
	{ "indirect-inserted", "961", count_insns, insert_indirect },
	{ "size-removed", "914", count_symbols, drop_size },
	{ "type-removed", "913", count_symbols, drop_type },
	{ "table-entry-moved", "944 945 949", count_tables, move_entry },
	{ 0 },
};
