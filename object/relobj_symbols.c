/* SPDX-License-Identifier: MIT */
/* Names and symbols of a relocatable object. */
#include "relobj_internal.h"

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

static int find_symtab(struct rp_relobj *obj, struct rp_diag *diag)
{
	for (size_t i = 1; i < obj->nsections; i++) {
		struct rp_where where;

		if (obj->sections[i].hdr.sh_type != SHT_SYMTAB)
			continue;
		rp_where_section(&where, obj, i);
		if (obj->symtab)
			return rp_diag_set(diag, RP_DIAG_SYMTAB, where.text,
				"a second symbol table");
		obj->symtab = i;
	}
	return 0;
}

static int check_symtab(struct rp_relobj *obj, const char *where,
			struct rp_diag *diag)
{
	const GElf_Shdr *hdr = &obj->sections[obj->symtab].hdr;

	if (hdr->sh_entsize != sizeof(Elf64_Sym) ||
	    hdr->sh_size % sizeof(Elf64_Sym))
		return rp_diag_set(diag, RP_DIAG_ENTSIZE, where,
			"0x%llx bytes of symbols in entries of 0x%llx",
			(unsigned long long)hdr->sh_size,
			(unsigned long long)hdr->sh_entsize);
	obj->nsymbols = hdr->sh_size / sizeof(Elf64_Sym);
	obj->first_global = hdr->sh_info;
	if (obj->first_global > obj->nsymbols ||
	    (obj->nsymbols && !obj->first_global))
		return rp_diag_set(diag, RP_DIAG_SYMTAB, where,
			"the first global symbol is number %zu of %zu",
			obj->first_global, obj->nsymbols);
	if (!hdr->sh_link || hdr->sh_link >= obj->nsections)
		return rp_diag_set(diag, RP_DIAG_SECTION_LINK, where,
			"symbol names in section %u of %zu", hdr->sh_link,
			obj->nsections);
	return rp_relobj_check_strtab(obj, hdr->sh_link, diag);
}

// Indices above SHN_LORESERVE are in a table of their own.
static int find_symtab_shndx(struct rp_relobj *obj, struct rp_diag *diag)
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
		if (hdr->sh_size != obj->nsymbols * sizeof(uint32_t))
			return rp_diag_set(diag, RP_DIAG_SYMTAB, where.text,
				"0x%llx bytes of section indices for %zu "
				"symbols", (unsigned long long)hdr->sh_size,
				obj->nsymbols);
		obj->symtab_shndx = i;
	}
	return 0;
}

static int symbol_section(const struct rp_relobj *obj, const GElf_Sym *sym,
			  Elf32_Word xindex, uint32_t *ret)
{
	uint32_t section = sym->st_shndx;

	if (section == SHN_XINDEX) {
		if (!obj->symtab_shndx)
			return -EINVAL;
		section = xindex;
	} else if (section >= SHN_LORESERVE) {
		*ret = RP_SECTION_NONE;
		return 0;
	}
	if (section >= obj->nsections)
		return -EINVAL;
	*ret = section;
	return 0;
}

static int read_symbol(struct rp_relobj *obj, Elf_Data *syms, Elf_Data *shndx,
		       size_t i, struct rp_diag *diag)
{
	const GElf_Shdr *hdr = &obj->sections[obj->symtab].hdr;
	struct rp_symbol *symbol = &obj->symbols[i];
	struct rp_where where;
	Elf32_Word xindex = 0;
	GElf_Sym sym;

	rp_where_section(&where, obj, obj->symtab);
	if (!gelf_getsymshndx(syms, shndx, i, &sym, &xindex))
		return rp_diag_libelf(diag, where.text);
	if (symbol_section(obj, &sym, xindex, &symbol->section))
		return rp_diag_set_at(diag, RP_DIAG_SYMTAB, where.text,
			i * sizeof(Elf64_Sym), "symbol %zu is in section %u, "
			"which does not exist", i,
			sym.st_shndx == SHN_XINDEX ? xindex : sym.st_shndx);
	symbol->value = sym.st_value;
	symbol->size = sym.st_size;
	symbol->type = GELF_ST_TYPE(sym.st_info);
	symbol->bind = GELF_ST_BIND(sym.st_info);
	return rp_relobj_string(obj, hdr->sh_link, sym.st_name, &symbol->name,
				diag);
}

int rp_relobj_read_symbols(struct rp_relobj *obj, struct rp_diag *diag)
{
	Elf_Data *syms, *shndx = NULL;
	struct rp_where where;

	int rc = find_symtab(obj, diag);
	if (rc || !obj->symtab)
		return rc;
	rp_where_section(&where, obj, obj->symtab);
	rc = check_symtab(obj, where.text, diag);
	if (!rc)
		rc = find_symtab_shndx(obj, diag);
	if (rc || !obj->nsymbols)
		return rc;
	syms = elf_getdata(obj->sections[obj->symtab].scn, NULL);
	if (obj->symtab_shndx)
		shndx = elf_getdata(obj->sections[obj->symtab_shndx].scn, NULL);
	if (!syms || (obj->symtab_shndx && !shndx))
		return rp_diag_libelf(diag, where.text);
	obj->symbols = calloc(obj->nsymbols, sizeof(*obj->symbols));
	if (!obj->symbols)
		return rp_diag_nomem(diag);
	for (size_t i = 0; i < obj->nsymbols && !rc; i++)
		rc = read_symbol(obj, syms, shndx, i, diag);
	return rc;
}
