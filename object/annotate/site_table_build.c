/* SPDX-License-Identifier: MIT */
/*
 * Building the tables of sites of an object.
 *
 * A record's code field needs a symbol that no other object can take the place
 * of: the text section's own, or another local one in it. Assemblers leave out
 * section symbols that nothing uses, so one may have to be inserted.
 */
#include "site_table_internal.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

/*
 * struct builder - work in progress; the arrays are indexed by section.
 * @base:  local symbol in the section, or 0; in the edit's numbering once
 *         insert_bases() has run
 * @table: old table that the section's records may go into, or 0; of the
 *         type in work
 */
struct builder {
	struct rp_elf_edit *edit;
	const struct rp_relobj *obj;
	const struct rp_site_type *type;
	uint32_t *base;
	uint64_t *base_value;
	uint32_t *table;
	struct rp_diag *diag;
};

static bool is_base(const struct rp_symbol *symbol)
{
	return symbol->type == STT_SECTION || symbol->type == STT_FUNC ||
	       symbol->type == STT_NOTYPE;
}

static void find_bases(struct builder *b)
{
	for (size_t i = 1; i < b->obj->first_global; i++) {
		const struct rp_symbol *symbol = &b->obj->symbols[i];
		uint32_t section = symbol->section;

		if (!section || section == RP_SECTION_NONE || !is_base(symbol))
			continue;
		if (b->base[section] && symbol->type != STT_SECTION)
			continue;
		b->base[section] = i;
		b->base_value[section] = symbol->value;
	}
}

// @n symbols are missing already; returns how many then are.
static size_t list_missing(struct builder *b, const struct rp_sites *sites,
			   uint32_t *missing, size_t n)
{
	for (size_t i = 0; i < sites->n; i = rp_sites_end(sites, i)) {
		uint32_t text = sites->v[i].section;

		if (b->base[text])
			continue;
		b->base[text] = b->obj->first_global + n;
		missing[n++] = text;
	}
	return n;
}

static int insert_bases(struct builder *b, const struct rp_sites *sites)
{
	uint32_t *missing = calloc(b->obj->nsections, sizeof(*missing));
	size_t n = 0;

	if (!missing)
		return rp_diag_nomem(b->diag);
	for (size_t i = 0; i < RP_TABLE_NR; i++)
		n = list_missing(b, &sites[i], missing, n);
	int rc = rp_elf_edit_insert_symbols(b->edit, missing, n, b->diag);
	free(missing);
	return rc;
}

static void find_old_tables(struct builder *b)
{
	memset(b->table, 0, b->obj->nsections * sizeof(*b->table));
	for (size_t i = 1; i < b->obj->nsections; i++) {
		const struct rp_section *section = &b->obj->sections[i];
		uint32_t text = section->hdr.sh_link;

		if (!rp_section_is_site_table(section, b->type))
			continue;
		if (text < b->obj->nsections && !b->table[text] &&
		    rp_site_table_fits(b->obj, i, text))
			b->table[text] = i;
	}
}

// Whatever is not filled below stays empty.
static void empty_old_tables(struct builder *b)
{
	for (size_t i = 1; i < b->obj->nsections; i++) {
		const struct rp_section *section = &b->obj->sections[i];

		if (!rp_section_is_site_table(section, b->type))
			continue;
		rp_elf_edit_set_data(b->edit, i, NULL, 0);
		for (uint32_t rela = section->rela; rela;
		     rela = b->obj->sections[rela].next_rela)
			rp_elf_edit_set_data(b->edit, rela, NULL, 0);
	}
}

static void write_reloc(uint8_t *at, uint64_t offset, uint32_t symbol,
			uint32_t type, int64_t addend)
{
	Elf64_Rela rela = {
		.r_offset = htole64(offset),
		.r_info = htole64(ELF64_R_INFO((uint64_t)symbol, type)),
		.r_addend = htole64(addend),
	};

	memcpy(at, &rela, sizeof(rela));
}

static void write_relocs(const struct builder *b, uint8_t *at, size_t index,
			 const struct rp_site *site)
{
	uint64_t record = index * RP_RECORD_SIZE;
	uint32_t text = site->section;

	write_reloc(at, record + RP_RECORD_CODE, b->base[text], R_X86_64_PC32,
		    site->offset - b->base_value[text]);
	write_reloc(at + sizeof(Elf64_Rela), record + b->type->target,
		    rp_elf_edit_symbol(b->edit, site->symbol),
		    b->type->target_type, site->addend);
}

static int fill_table(struct builder *b, uint32_t table, uint32_t rela,
		      const struct rp_site *sites, size_t n)
{
	const size_t reloc_size = RP_RECORD_RELOCS * sizeof(Elf64_Rela);
	uint8_t *records = calloc(n, RP_RECORD_SIZE);
	uint8_t *relocs = malloc(n * reloc_size);

	if (!records || !relocs) {
		free(records);
		free(relocs);
		return rp_diag_nomem(b->diag);
	}
	for (size_t i = 0; i < n; i++) {
		b->type->put_plain(records + i * RP_RECORD_SIZE +
				   b->type->plain, &sites[i]);
		write_relocs(b, relocs + i * reloc_size, i, &sites[i]);
	}
	rp_elf_edit_set_data(b->edit, table, records, n * RP_RECORD_SIZE);
	rp_elf_edit_set_data(b->edit, rela, relocs, n * reloc_size);
	// An assembler's may differ: padding between tables would be a record.
	b->edit->sections[table].hdr.sh_addralign = RP_RECORD_ALIGN;
	return 0;
}

static int add_table(struct builder *b, uint32_t text, uint32_t *ret)
{
	const GElf_Shdr hdr = {
		.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC | SHF_LINK_ORDER,
		.sh_link = text,
		.sh_addralign = RP_RECORD_ALIGN,
	};

	return rp_elf_edit_add_section(b->edit, b->type->section, &hdr,
				       b->obj->sections[text].group, ret,
				       b->diag);
}

static int add_rela(struct builder *b, uint32_t text, uint32_t table,
		    uint32_t *ret)
{
	const GElf_Shdr hdr = {
		.sh_type = SHT_RELA,
		.sh_flags = SHF_INFO_LINK,
		.sh_link = b->obj->symtab,
		.sh_info = table,
		.sh_addralign = sizeof(uint64_t),
		.sh_entsize = sizeof(Elf64_Rela),
	};

	return rp_elf_edit_add_section(b->edit, b->type->rela, &hdr,
				       b->obj->sections[text].group, ret,
				       b->diag);
}

static int build_table(struct builder *b, const struct rp_site *sites,
		       size_t n)
{
	uint32_t text = sites[0].section;
	uint32_t table = b->table[text];
	uint32_t rela = table ? b->obj->sections[table].rela : 0;
	int rc = 0;

	if (!table)
		rc = add_table(b, text, &table);
	if (!rc && !rela)
		rc = add_rela(b, text, table, &rela);
	return rc ? rc : fill_table(b, table, rela, sites, n);
}

static int build_tables(struct builder *b, const struct rp_sites *sites)
{
	size_t end;
	int rc = 0;

	find_old_tables(b);
	empty_old_tables(b);
	for (size_t i = 0; i < sites->n && !rc; i = end) {
		end = rp_sites_end(sites, i);
		rc = build_table(b, &sites->v[i], end - i);
	}
	return rc;
}

static int build(struct builder *b, const struct rp_sites *sites)
{
	find_bases(b);
	int rc = insert_bases(b, sites);
	for (size_t i = 0; i < RP_TABLE_NR && !rc; i++) {
		b->type = &rp_site_types[i];
		rc = build_tables(b, &sites[i]);
	}
	return rc ? rc : rp_elf_edit_join_groups(b->edit, b->diag);
}

int rp_site_table_build(struct rp_elf_edit *edit, const struct rp_sites *sites,
			struct rp_diag *diag)
{
	size_t n = edit->obj->nsections;
	struct builder b = {
		.edit = edit, .obj = edit->obj, .diag = diag,
		.base = calloc(n, sizeof(*b.base)),
		.base_value = calloc(n, sizeof(*b.base_value)),
		.table = calloc(n, sizeof(*b.table)),
	};
	int rc;

	if (b.base && b.base_value && b.table)
		rc = build(&b, sites);
	else
		rc = rp_diag_nomem(diag);
	free(b.base);
	free(b.base_value);
	free(b.table);
	return rc;
}
