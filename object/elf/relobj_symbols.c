/* SPDX-License-Identifier: MIT */
/* Names and symbols of a relocatable object. */
#include "../bytes.h"
#include "relobj_internal.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rp_where_text(struct rp_where *where, const char *text)
{
	snprintf(where->text, sizeof(where->text), "%s", text);
}

void rp_where_section(struct rp_where *where, const struct rp_relobj *obj,
		      size_t index)
{
	const char *name = obj->sections[index].name;

	if (name && *name)
		snprintf(where->text, sizeof(where->text),
			 "section %zu (%.60s)", index, name);
	else
		snprintf(where->text, sizeof(where->text), "section %zu", index);
}

int rp_diag_libelf(struct rp_diag *diag, const char *where)
{
	const char *why = elf_errmsg(-1);

	return rp_diag_set(diag, RP_DIAG_LIBELF, where, "libelf: %s",
			   why ? why : "unknown error");
}

// Afterwards every offset inside the table is a terminated string.
int rp_relobj_check_strtab(const struct rp_relobj *obj, size_t index,
			   struct rp_diag *diag)
{
	const GElf_Shdr *hdr = &obj->sections[index].hdr;
	struct rp_where where;

	rp_where_section(&where, obj, index);
	if (hdr->sh_type != SHT_STRTAB || (hdr->sh_flags & SHF_COMPRESSED))
		return rp_diag_set(diag, RP_DIAG_STRING, where.text,
			"used as a string table, but its type is %u",
			hdr->sh_type);
	const uint8_t *data = rp_section_data(obj, index);
	if (hdr->sh_size && data[hdr->sh_size - 1])
		return rp_diag_set_at(diag, RP_DIAG_STRING, where.text,
			hdr->sh_size - 1, "the string table's last string is "
			"not terminated");
	return 0;
}

int rp_relobj_string(const struct rp_relobj *obj, size_t strtab,
		     uint64_t offset, const char **ret, struct rp_diag *diag)
{
	const GElf_Shdr *hdr = &obj->sections[strtab].hdr;
	struct rp_where where;

	if (offset < hdr->sh_size) {
		*ret = (const char *)rp_section_data(obj, strtab) + offset;
		return 0;
	}
	if (!offset) {
		*ret = "";
		return 0;
	}
	rp_where_section(&where, obj, strtab);
	return rp_diag_set_at(diag, RP_DIAG_STRING, where.text, offset,
		"name outside the string table's 0x%llx bytes",
		(unsigned long long)hdr->sh_size);
}

// The table of a type; two of them are one too many.
static int find_table(const struct rp_relobj *obj, uint32_t type,
		      uint32_t *ret, struct rp_diag *diag)
{
	for (size_t i = 1; i < obj->nsections; i++) {
		struct rp_where where;

		if (obj->sections[i].hdr.sh_type != type)
			continue;
		rp_where_section(&where, obj, i);
		if (*ret)
			return rp_diag_set(diag, RP_DIAG_SYMTAB, where.text,
				"a second symbol table");
		*ret = i;
	}
	return 0;
}

static int check_symtab(const struct rp_relobj *obj, uint32_t symtab,
			struct rp_diag *diag)
{
	const GElf_Shdr *hdr = &obj->sections[symtab].hdr;
	size_t n = hdr->sh_size / sizeof(Elf64_Sym);
	struct rp_where where;

	rp_where_section(&where, obj, symtab);
	if (hdr->sh_entsize != sizeof(Elf64_Sym) ||
	    hdr->sh_size % sizeof(Elf64_Sym))
		return rp_diag_set(diag, RP_DIAG_ENTSIZE, where.text,
			"0x%llx bytes of symbols in entries of 0x%llx",
			(unsigned long long)hdr->sh_size,
			(unsigned long long)hdr->sh_entsize);
	if (hdr->sh_info > n || (n && !hdr->sh_info))
		return rp_diag_set(diag, RP_DIAG_SYMTAB, where.text,
			"the first global symbol is number %u of %zu",
			hdr->sh_info, n);
	if (!hdr->sh_link || hdr->sh_link >= obj->nsections)
		return rp_diag_set(diag, RP_DIAG_SECTION_LINK, where.text,
			"symbol names in section %u of %zu", hdr->sh_link,
			obj->nsections);
	return rp_relobj_check_strtab(obj, hdr->sh_link, diag);
}

// Indices above SHN_LORESERVE are in a table of their own.
static int find_symtab_shndx(struct rp_relobj *obj, size_t n,
			     struct rp_diag *diag)
{
	for (size_t i = 1; i < obj->nsections; i++) {
		const GElf_Shdr *hdr = &obj->sections[i].hdr;
		struct rp_where where;

		if (hdr->sh_type != SHT_SYMTAB_SHNDX)
			continue;
		rp_where_section(&where, obj, i);
		if (obj->symtab_shndx || hdr->sh_link != obj->symtab)
			return rp_diag_set(diag, RP_DIAG_SYMTAB, where.text,
				"a table of section indices without its symbol "
				"table");
		if (hdr->sh_size != n * sizeof(uint32_t))
			return rp_diag_set(diag, RP_DIAG_SYMTAB, where.text,
				"0x%llx bytes of section indices for %zu "
				"symbols", (unsigned long long)hdr->sh_size, n);
		obj->symtab_shndx = i;
	}
	return 0;
}

static uint32_t extended_index(const struct rp_relobj *obj, uint32_t symtab,
			       size_t i)
{
	if (!obj->symtab_shndx || symtab != obj->symtab)
		return UINT32_MAX;
	return rp_load_le32(rp_section_data(obj, obj->symtab_shndx) +
			    i * sizeof(Elf64_Word));
}

static int symbol_section(const struct rp_relobj *obj, uint32_t symtab,
			  size_t i, uint16_t shndx, uint32_t *ret)
{
	uint32_t section = shndx;

	if (section == SHN_XINDEX) {
		section = extended_index(obj, symtab, i);
	} else if (section >= SHN_LORESERVE) {
		*ret = RP_SECTION_NONE;
		return 0;
	}
	*ret = section;
	return section < obj->nsections ? 0 : -EINVAL;
}

// In linked files values are addresses.
static void make_relative(const struct rp_relobj *obj, struct rp_symbol *symbol)
{
	const GElf_Shdr *hdr;

	if (!symbol->section || symbol->section == RP_SECTION_NONE)
		return;
	hdr = &obj->sections[symbol->section].hdr;
	if (symbol->type == STT_TLS || symbol->value < hdr->sh_addr ||
	    symbol->value - hdr->sh_addr > hdr->sh_size)
		symbol->section = RP_SECTION_NONE;
	else
		symbol->value -= hdr->sh_addr;
}

static int read_symbol(struct rp_relobj *obj, uint32_t symtab, size_t i,
		       struct rp_symbol *ret, struct rp_diag *diag)
{
	struct rp_where where;
	Elf64_Sym sym;

	memcpy(&sym, rp_section_data(obj, symtab) + i * sizeof(sym),
	       sizeof(sym));
	if (symbol_section(obj, symtab, i, le16toh(sym.st_shndx),
			   &ret->section)) {
		rp_where_section(&where, obj, symtab);
		return rp_diag_set_at(diag, RP_DIAG_SYMTAB, where.text,
			i * sizeof(sym), "symbol %zu is in section %u, "
			"which does not exist", i, ret->section);
	}
	ret->value = le64toh(sym.st_value);
	ret->size = le64toh(sym.st_size);
	ret->type = ELF64_ST_TYPE(sym.st_info);
	ret->bind = ELF64_ST_BIND(sym.st_info);
	if (obj->linked)
		make_relative(obj, ret);
	return rp_relobj_string(obj, obj->sections[symtab].hdr.sh_link,
				le32toh(sym.st_name), &ret->name, diag);
}

static int read_table(struct rp_relobj *obj, uint32_t symtab, size_t first,
		      struct rp_diag *diag)
{
	size_t n = obj->sections[symtab].hdr.sh_size / sizeof(Elf64_Sym);
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++)
		rc = read_symbol(obj, symtab, i, &obj->symbols[first + i], diag);
	return rc;
}

static size_t count_symbols(const struct rp_relobj *obj, uint32_t symtab)
{
	return symtab ? obj->sections[symtab].hdr.sh_size / sizeof(Elf64_Sym) :
			0;
}

static int find_tables(struct rp_relobj *obj, struct rp_diag *diag)
{
	int rc = find_table(obj, SHT_SYMTAB, &obj->symtab, diag);

	if (!rc && obj->linked)
		rc = find_table(obj, SHT_DYNSYM, &obj->dynsym, diag);
	if (!rc && obj->symtab)
		rc = check_symtab(obj, obj->symtab, diag);
	if (!rc && obj->dynsym)
		rc = check_symtab(obj, obj->dynsym, diag);
	if (!rc && obj->symtab)
		rc = find_symtab_shndx(obj, count_symbols(obj, obj->symtab),
				       diag);
	return rc;
}

int rp_relobj_read_symbols(struct rp_relobj *obj, struct rp_diag *diag)
{
	int rc = find_tables(obj, diag);

	if (rc)
		return rc;
	obj->first_dynamic = count_symbols(obj, obj->symtab);
	obj->nsymbols = obj->first_dynamic + count_symbols(obj, obj->dynsym);
	if (obj->symtab)
		obj->first_global = obj->sections[obj->symtab].hdr.sh_info;
	// There is always one: number 0, which stands for none.
	obj->symbols = calloc(obj->nsymbols + 1, sizeof(*obj->symbols));
	if (!obj->symbols)
		return rp_diag_nomem(diag);
	obj->symbols[0].name = "";
	if (obj->symtab)
		rc = read_table(obj, obj->symtab, 0, diag);
	if (!rc && obj->dynsym)
		rc = read_table(obj, obj->dynsym, obj->first_dynamic, diag);
	return rc;
}

struct rp_spot rp_relobj_spot(const struct rp_relobj *obj, uint32_t symbol,
			      int64_t addend)
{
	const struct rp_symbol *s = &obj->symbols[symbol];
	uint64_t offset = s->value + (uint64_t)addend;

	if (!s->section || s->section >= obj->nsections ||
	    s->type == STT_TLS ||
	    offset > obj->sections[s->section].hdr.sh_size)
		return (struct rp_spot){ 0 };
	return (struct rp_spot){ s->section, offset };
}
