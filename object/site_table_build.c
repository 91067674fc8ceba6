/* SPDX-License-Identifier: MIT */
/*
 * Building the tables of call sites of an object.
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
 * @table: old table that the section's records may go into, or 0
 */
struct builder {
	struct rp_elf_edit *edit;
	const struct rp_relobj *obj;
	const struct rp_call_sites *sites;
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

static int insert_bases(struct builder *b)
{
	uint32_t *missing = calloc(b->sites->n + 1, sizeof(*missing));
	size_t n = 0;

	if (!missing)
		return rp_diag_nomem(b->diag);
	for (size_t i = 0; i < b->sites->n; i = rp_sites_end(b->sites, i)) {
		uint32_t text = b->sites->v[i].section;

		if (b->base[text])
			continue;
		b->base[text] = b->obj->first_global + n;
		missing[n++] = text;
	}
	int rc = rp_elf_edit_insert_symbols(b->edit, missing, n, b->diag);
	free(missing);
	return rc;
}

static void find_old_tables(struct builder *b)
{
	for (size_t i = 1; i < b->obj->nsections; i++) {
		const struct rp_section *section = &b->obj->sections[i];
		uint32_t text = section->hdr.sh_link;

		if (!rp_section_is_site_table(section))
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

		if (!rp_section_is_site_table(section))
			continue;
		rp_elf_edit_set_data(b->edit, i, NULL, 0);
		for (uint32_t rela = section->rela; rela;
		     rela = b->obj->sections[rela].next_rela)
			rp_elf_edit_set_data(b->edit, rela, NULL, 0);
	}
}

static void write_record(uint8_t *at, const struct rp_call_site *site)
{
	struct rp_static_call_site record = { .kind = htole16(site->kind) };

	memcpy(at, &record, sizeof(record));
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
			 const struct rp_call_site *site)
{
	uint64_t record = index * RP_RECORD_SIZE;
	uint32_t text = site->section;

	write_reloc(at, record + offsetof(struct rp_static_call_site, code),
		    b->base[text], R_X86_64_PC32,
		    site->offset - b->base_value[text]);
	write_reloc(at + sizeof(Elf64_Rela),
		    record + offsetof(struct rp_static_call_site, tramp),
		    rp_elf_edit_symbol(b->edit, site->tramp),
		    R_X86_64_GOTPCREL, 0);
}

static int fill_table(struct builder *b, uint32_t table, uint32_t rela,
		      const struct rp_call_site *sites, size_t n)
{
	const size_t reloc_size = RP_RECORD_RELOCS * sizeof(Elf64_Rela);
	uint8_t *records = malloc(n * RP_RECORD_SIZE);
	uint8_t *relocs = malloc(n * reloc_size);

	if (!records || !relocs) {
		free(records);
		free(relocs);
		return rp_diag_nomem(b->diag);
	}
	for (size_t i = 0; i < n; i++) {
		write_record(records + i * RP_RECORD_SIZE, &sites[i]);
		write_relocs(b, relocs + i * reloc_size, i, &sites[i]);
	}
	rp_elf_edit_set_data(b->edit, table, records, n * RP_RECORD_SIZE);
	rp_elf_edit_set_data(b->edit, rela, relocs, n * reloc_size);
	return 0;
}

static int add_table(struct builder *b, uint32_t text, uint32_t *ret)
{
	const GElf_Shdr hdr = {
		.sh_type = SHT_PROGBITS,
		.sh_flags = SHF_ALLOC | SHF_LINK_ORDER,
		.sh_link = text,
		.sh_addralign = _Alignof(struct rp_static_call_site),
	};

	return rp_elf_edit_add_section(b->edit, RP_STATIC_CALL_SITES_SECTION,
				       &hdr, b->obj->sections[text].group, ret,
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

	return rp_elf_edit_add_section(b->edit,
				       ".rela" RP_STATIC_CALL_SITES_SECTION,
				       &hdr, b->obj->sections[text].group, ret,
				       b->diag);
}

static int build_table(struct builder *b, const struct rp_call_site *sites,
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

static int build(struct builder *b)
{
	size_t end;

	find_bases(b);
	find_old_tables(b);
	int rc = insert_bases(b);
	if (rc)
		return rc;
	empty_old_tables(b);
	for (size_t i = 0; i < b->sites->n && !rc; i = end) {
		end = rp_sites_end(b->sites, i);
		rc = build_table(b, &b->sites->v[i], end - i);
	}
	return rc ? rc : rp_elf_edit_join_groups(b->edit, b->diag);
}

int rp_site_table_build(struct rp_elf_edit *edit,
			const struct rp_call_sites *sites,
			struct rp_diag *diag)
{
	size_t n = edit->obj->nsections;
	struct builder b = {
		.edit = edit, .obj = edit->obj, .sites = sites, .diag = diag,
		.base = calloc(n, sizeof(*b.base)),
		.base_value = calloc(n, sizeof(*b.base_value)),
		.table = calloc(n, sizeof(*b.table)),
	};
	int rc;

	if (b.base && b.base_value && b.table)
		rc = build(&b);
	else
		rc = rp_diag_nomem(diag);
	free(b.base);
	free(b.base_value);
	free(b.table);
	return rc;
}
