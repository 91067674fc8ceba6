/* SPDX-License-Identifier: MIT */
/*
 * Inserting section symbols into a symbol table.
 *
 * Local symbols precede the global ones, so a new one moves those up and
 * their numbers change wherever they are written down: in relocations, in the
 * signature of a group, in LLVM's lists of symbols. An object that refers to
 * its symbol table from a section of another type is refused: numbers that
 * stay as they were would silently mean another symbol.
 */
#include "../bytes.h"
#include "edit.h"
#include "relobj_internal.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *copy_section(struct rp_elf_edit *edit, size_t i, size_t extra)
{
	struct rp_edit_section *s = &edit->sections[i];
	uint8_t *data = malloc(s->hdr.sh_size + extra + !s->hdr.sh_size);

	if (data && s->hdr.sh_size)
		memcpy(data, s->data, s->hdr.sh_size);
	return data;
}

// Numbers of symbols, 32 bits each, at @first and every @step bytes.
static int renumber_words(struct rp_elf_edit *edit, size_t i, size_t first,
			  size_t step, struct rp_diag *diag)
{
	size_t size = edit->sections[i].hdr.sh_size;
	uint8_t *data = copy_section(edit, i, 0);

	if (!data)
		return rp_diag_nomem(diag);
	for (size_t at = first; at + sizeof(uint32_t) <= size; at += step)
		rp_store_le32(data + at,
			   rp_elf_edit_symbol(edit, rp_load_le32(data + at)));
	rp_elf_edit_set_data(edit, i, data, size);
	return 0;
}

static bool read_uleb(const uint8_t **p, const uint8_t *end, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; *p < end && shift < 35; shift += 7) {
		uint8_t byte = *(*p)++;

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = v;
			return true;
		}
	}
	return false;
}

static uint8_t *write_uleb(uint8_t *p, uint64_t v)
{
	do {
		*p = (v & 0x7f) | (v > 0x7f ? 0x80 : 0);
		p++;
		v >>= 7;
	} while (v);
	return p;
}

static int renumber_addrsig(struct rp_elf_edit *edit, size_t i,
			    struct rp_diag *diag)
{
	const uint8_t *p = edit->sections[i].data;
	const uint8_t *end = p + edit->sections[i].hdr.sh_size;
	struct rp_where where;
	uint64_t symbol;

	// A number of n bytes becomes one of five at most.
	uint8_t *data = malloc(edit->sections[i].hdr.sh_size * 5 + 1);
	if (!data)
		return rp_diag_nomem(diag);
	uint8_t *out = data;
	while (p < end) {
		if (read_uleb(&p, end, &symbol) &&
		    symbol < edit->obj->nsymbols) {
			out = write_uleb(out, rp_elf_edit_symbol(edit, symbol));
			continue;
		}
		free(data);
		rp_where_section(&where, edit->obj, i);
		return rp_diag_set(diag, RP_DIAG_RENUMBER, where.text,
			"not a list of symbols");
	}
	rp_elf_edit_set_data(edit, i, data, out - data);
	return 0;
}

static int renumber_section(struct rp_elf_edit *edit, size_t i,
			    struct rp_diag *diag)
{
	const size_t info = offsetof(Elf64_Rela, r_info) + sizeof(uint32_t);
	GElf_Shdr *hdr = &edit->sections[i].hdr;
	struct rp_where where;

	switch (hdr->sh_type) {
	case SHT_RELA:
		return renumber_words(edit, i, info, sizeof(Elf64_Rela), diag);
	case SHT_REL:
		return renumber_words(edit, i, info, sizeof(Elf64_Rel), diag);
	case SHT_GROUP:
		hdr->sh_info = rp_elf_edit_symbol(edit, hdr->sh_info);
		return 0;
	case SHT_SYMTAB_SHNDX:
		return 0;	// grows with the symbol table
	case RP_SHT_LLVM_ADDRSIG:
		return renumber_addrsig(edit, i, diag);
	case RP_SHT_LLVM_CG_PROFILE_V1: {
		// { from, to, 64 bits of weight }
		int rc = renumber_words(edit, i, 0, 16, diag);

		return rc ? rc : renumber_words(edit, i, 4, 16, diag);
	}
	case SHT_PROGBITS:
	case RP_SHT_LLVM_CG_PROFILE:
		return 0;	// the numbers are in its relocations
	}
	rp_where_section(&where, edit->obj, i);
	return rp_diag_set(diag, RP_DIAG_RENUMBER, where.text,
		"a section of type 0x%x refers to the symbol table, which has "
		"to change; compile with -fasynchronous-unwind-tables, which "
		"leaves a symbol for each section", hdr->sh_type);
}

// The inserted symbols' indices, or the place that says where they are.
static int insert_shndx(struct rp_elf_edit *edit, const uint32_t *sections,
			size_t n, struct rp_diag *diag)
{
	const struct rp_relobj *obj = edit->obj;
	uint32_t table = obj->symtab_shndx;
	size_t before = obj->first_global * sizeof(uint32_t);
	size_t after = obj->nsymbols * sizeof(uint32_t) - before;

	if (!table)
		return 0;
	uint8_t *data = malloc(before + after + n * sizeof(uint32_t));
	if (!data)
		return rp_diag_nomem(diag);
	const uint8_t *old = edit->sections[table].data;
	memcpy(data, old, before);
	memcpy(data + before + n * sizeof(uint32_t), old + before, after);
	for (size_t i = 0; i < n; i++)
		rp_store_le32(data + before + i * sizeof(uint32_t),
			   sections[i] >= SHN_LORESERVE ? sections[i] : 0);
	rp_elf_edit_set_data(edit, table, data,
			     before + after + n * sizeof(uint32_t));
	return 0;
}

static int check_indices(const struct rp_elf_edit *edit,
			 const uint32_t *sections, size_t n,
			 struct rp_diag *diag)
{
	struct rp_where where;

	for (size_t i = 0; i < n; i++) {
		if (sections[i] < SHN_LORESERVE || edit->obj->symtab_shndx)
			continue;
		rp_where_section(&where, edit->obj, sections[i]);
		return rp_diag_set(diag, RP_DIAG_SYMTAB, where.text,
			"no symbol can refer to it without a table of type "
			"SHT_SYMTAB_SHNDX");
	}
	return 0;
}

static int insert_symtab(struct rp_elf_edit *edit, const uint32_t *sections,
			 size_t n, struct rp_diag *diag)
{
	const struct rp_relobj *obj = edit->obj;
	struct rp_edit_section *symtab = &edit->sections[obj->symtab];
	size_t before = obj->first_global * sizeof(Elf64_Sym);
	size_t after = obj->nsymbols * sizeof(Elf64_Sym) - before;
	size_t size = before + after + n * sizeof(Elf64_Sym);
	uint8_t *data = malloc(size);

	if (!data)
		return rp_diag_nomem(diag);
	memcpy(data, symtab->data, before);
	for (size_t i = 0; i < n; i++) {
		uint16_t shndx = sections[i] >= SHN_LORESERVE ? SHN_XINDEX :
								sections[i];
		Elf64_Sym sym = {
			.st_info = ELF64_ST_INFO(STB_LOCAL, STT_SECTION),
			.st_shndx = htole16(shndx),
		};

		memcpy(data + before + i * sizeof(sym), &sym, sizeof(sym));
	}
	memcpy(data + before + n * sizeof(Elf64_Sym),
	       (const uint8_t *)symtab->data + before, after);
	rp_elf_edit_set_data(edit, obj->symtab, data, size);
	symtab->hdr.sh_info += n;
	return 0;
}

int rp_elf_edit_insert_symbols(struct rp_elf_edit *edit,
			       const uint32_t *sections, size_t n,
			       struct rp_diag *diag)
{
	const struct rp_relobj *obj = edit->obj;
	int rc = check_indices(edit, sections, n, diag);

	if (rc || !n)
		return rc;
	edit->inserted = n;
	for (size_t i = 1; i < obj->nsections && !rc; i++) {
		if (obj->sections[i].hdr.sh_link == obj->symtab)
			rc = renumber_section(edit, i, diag);
	}
	if (!rc)
		rc = insert_shndx(edit, sections, n, diag);
	return rc ? rc : insert_symtab(edit, sections, n, diag);
}
