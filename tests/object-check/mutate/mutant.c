/* SPDX-License-Identifier: MIT */
#include "mutant.h"

#include <Zydis/Zydis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *path, const char *what)
{
	fprintf(stderr, "%s: %s\n", path, what);
	exit(2);
}

static void read_image(struct mutant *m, const char *path)
{
	FILE *f = fopen(path, "rb");
	long size = 0;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0 ||
	    fseek(f, 0, SEEK_SET))
		die(path, "cannot be opened");
	m->size = size;
	m->image = malloc(m->size + 1);
	if (!m->image || fread(m->image, 1, m->size, f) != m->size)
		die(path, "cannot be read");
	fclose(f);
}

const char *section_name(const struct mutant *m, size_t section)
{
	return m->names + m->sections[section].sh_name;
}

uint32_t section_named(const struct mutant *m, const char *name)
{
	for (size_t i = 1; i < m->nsections; i++) {
		if (!strcmp(section_name(m, i), name))
			return i;
	}
	return 0;
}

uint8_t *section_data(const struct mutant *m, size_t section)
{
	return m->image + m->sections[section].sh_offset;
}

const char *symbol_name(const struct mutant *m, size_t symbol)
{
	return m->strings + m->symbols[symbol].st_name;
}

static void find_tables(struct mutant *m, const char *path)
{
	const Elf64_Ehdr *ehdr = (void *)m->image;

	if (m->size < sizeof(*ehdr) || memcmp(ehdr->e_ident, ELFMAG, SELFMAG) ||
	    ehdr->e_type != ET_REL || !ehdr->e_shnum)
		die(path, "no relocatable object");
	m->sections = (void *)(m->image + ehdr->e_shoff);
	m->nsections = ehdr->e_shnum;
	m->names = (char *)section_data(m, ehdr->e_shstrndx);
	for (size_t i = 1; i < m->nsections; i++) {
		const Elf64_Shdr *s = &m->sections[i];

		if (s->sh_type != SHT_SYMTAB)
			continue;
		m->symbols = (void *)section_data(m, i);
		m->nsymbols = s->sh_size / sizeof(*m->symbols);
		m->strings = (char *)section_data(m, s->sh_link);
		m->strings_size = m->sections[s->sh_link].sh_size;
	}
	if (!m->symbols)
		die(path, "no symbols");
}

Elf64_Rela *relocations_of(const struct mutant *m, size_t section, size_t *n)
{
	for (size_t i = 1; i < m->nsections; i++) {
		const Elf64_Shdr *s = &m->sections[i];

		if (s->sh_type == SHT_RELA && s->sh_info == section) {
			*n = s->sh_size / sizeof(Elf64_Rela);
			return (void *)section_data(m, i);
		}
	}
	*n = 0;
	return NULL;
}

Elf64_Rela *relocation_at(const struct mutant *m, size_t section,
			  uint64_t offset)
{
	size_t n;
	Elf64_Rela *v = relocations_of(m, section, &n);

	for (size_t i = 0; i < n; i++) {
		if (v[i].r_offset == offset)
			return &v[i];
	}
	return NULL;
}

bool points_to(const struct mutant *m, const Elf64_Rela *rela, int64_t behind,
	       uint32_t *section, uint64_t *offset)
{
	const Elf64_Sym *s = &m->symbols[ELF64_R_SYM(rela->r_info)];

	if (s->st_shndx == SHN_UNDEF || s->st_shndx >= m->nsections)
		return false;
	*section = s->st_shndx;
	*offset = s->st_value + rela->r_addend + behind;
	return true;
}

/* ---- instructions ---- */

static bool is_function(const struct mutant *m, size_t i)
{
	const Elf64_Sym *s = &m->symbols[i];

	return ELF64_ST_TYPE(s->st_info) == STT_FUNC && s->st_size &&
	       s->st_shndx && s->st_shndx < m->nsections &&
	       m->sections[s->st_shndx].sh_flags & SHF_EXECINSTR;
}

static const struct mutant *sorted;

static int by_place(const void *a, const void *b)
{
	const Elf64_Sym *x = &sorted->symbols[*(const size_t *)a];
	const Elf64_Sym *y = &sorted->symbols[*(const size_t *)b];

	if (x->st_shndx != y->st_shndx)
		return x->st_shndx < y->st_shndx ? -1 : 1;
	return x->st_value < y->st_value ? -1 : x->st_value > y->st_value;
}

static bool is_jump(const ZydisDecodedInstruction *d)
{
	return d->meta.category == ZYDIS_CATEGORY_COND_BR ||
	       d->meta.category == ZYDIS_CATEGORY_UNCOND_BR;
}

static void classify(struct insn *insn, const ZydisDecodedInstruction *d,
		     const ZydisDecodedOperand *ops)
{
	bool reg = d->operand_count && ops[0].type == ZYDIS_OPERAND_TYPE_REGISTER;

	if (reg)
		insn->reg = ZydisRegisterGetId(ops[0].reg.value);
	insn->imm = d->raw.imm[0].offset;
	insn->imm_size = d->raw.imm[0].size / 8;
	if (d->mnemonic == ZYDIS_MNEMONIC_PUSH && reg)
		insn->kind = PUSH;
	else if (d->mnemonic == ZYDIS_MNEMONIC_POP && reg)
		insn->kind = POP;
	else if (d->mnemonic == ZYDIS_MNEMONIC_ADD && insn->imm_size && reg &&
		 ops[0].reg.value == ZYDIS_REGISTER_RSP)
		insn->kind = ADD_RSP;
	else if (d->mnemonic == ZYDIS_MNEMONIC_RET)
		insn->kind = RET;
	else if (is_jump(d) && insn->imm_size && !insn->relocated)
		insn->kind = JUMP;
	else if (is_jump(d) || d->meta.category == ZYDIS_CATEGORY_CALL ||
		 d->meta.category == ZYDIS_CATEGORY_INTERRUPT)
		insn->kind = FLOW;
	else if (d->mnemonic == ZYDIS_MNEMONIC_NOP)
		insn->kind = NOP;
	if (insn->kind == JUMP)
		insn->target = insn->offset + insn->length +
			       ops[0].imm.value.s;
}

static bool has_relocation(const Elf64_Rela *v, size_t n,
			   const struct insn *insn)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i].r_offset >= insn->offset &&
		    v[i].r_offset < insn->offset + insn->length)
			return true;
	}
	return false;
}

static struct insn *new_insn(struct mutant *m)
{
	if (!(m->ninsns & (m->ninsns + 1))) {
		m->insns = realloc(m->insns,
				   (2 * m->ninsns + 1) * sizeof(*m->insns));
		if (!m->insns)
			exit(2);
	}
	struct insn *insn = &m->insns[m->ninsns++];

	memset(insn, 0, sizeof(*insn));
	return insn;
}

static void decode(struct mutant *m, uint32_t function)
{
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	const Elf64_Sym *s = &m->symbols[function];
	ZydisDecodedInstruction d;
	ZydisDecoder decoder;
	size_t n;
	const Elf64_Rela *relocs = relocations_of(m, s->st_shndx, &n);

	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64,
			 ZYDIS_STACK_WIDTH_64);
	for (uint64_t at = s->st_value; at < s->st_value + s->st_size;) {
		const uint8_t *code = section_data(m, s->st_shndx) + at;

		if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, code,
				s->st_value + s->st_size - at, &d, ops)))
			return;
		struct insn *insn = new_insn(m);
		*insn = (struct insn){
			.section = s->st_shndx, .function = function,
			.offset = at, .length = d.length,
		};
		insn->relocated = has_relocation(relocs, n, insn);
		classify(insn, &d, ops);
		at += d.length;
	}
}

static void decode_all(struct mutant *m)
{
	size_t *order = calloc(m->nsymbols + 1, sizeof(*order)), n = 0;

	if (!order)
		exit(2);
	for (size_t i = 0; i < m->nsymbols; i++) {
		if (is_function(m, i))
			order[n++] = i;
	}
	sorted = m;
	qsort(order, n, sizeof(*order), by_place);
	for (size_t i = 0; i < n; i++) {
		const struct insn *last = m->ninsns ? &m->insns[m->ninsns - 1] :
						      NULL;
		const Elf64_Sym *s = &m->symbols[order[i]];

		// another name of what was decoded
		if (!last || last->section != s->st_shndx ||
		    last->offset < s->st_value)
			decode(m, order[i]);
	}
	free(order);
}

struct insn *insn_at(const struct mutant *m, uint32_t section, uint64_t offset)
{
	size_t low = 0, high = m->ninsns;

	while (low < high) {
		size_t mid = (low + high) / 2;
		struct insn *i = &m->insns[mid];

		if (i->section == section && i->offset == offset)
			return i;
		if (i->section < section ||
		    (i->section == section && i->offset < offset))
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

uint8_t *insn_bytes(const struct mutant *m, const struct insn *insn)
{
	return section_data(m, insn->section) + insn->offset;
}

void note_insn(struct mutant *m, const struct insn *insn, const char *what)
{
	snprintf(m->place, sizeof(m->place), "%s+0x%" PRIx64 " (%s+0x%" PRIx64
		 "): %s", symbol_name(m, insn->function),
		 insn->offset - m->symbols[insn->function].st_value,
		 section_name(m, insn->section), insn->offset, what);
}

void mutant_open(struct mutant *m, const char *path)
{
	memset(m, 0, sizeof(*m));
	read_image(m, path);
	find_tables(m, path);
	decode_all(m);
}

void mutant_close(struct mutant *m)
{
	free(m->insns);
	free(m->image);
}
