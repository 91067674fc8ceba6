/* SPDX-License-Identifier: MIT */
/* Tables of sites of a Linux kernel: comparing and building them. */
#include "../elf/section_symbols.h"
#include "kernel_tables.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PLACE_SIZE	4
/* In the key's addend: STATIC_CALL_SITE_TAIL. */
#define SITE_TAIL	1

/*
 * struct table - one of the kernel's tables: records of relative addresses.
 * @fields: of a record: the place, and the key if there are two
 * @flags:  of its section
 */
struct table {
	const char *name;
	const char *rela;
	size_t fields;
	uint64_t flags;
};

static const struct table call_table = {
	".static_call_sites", ".rela.static_call_sites", 2,
	// The kernel sorts them, and marks those in __init code.
	SHF_ALLOC | SHF_WRITE,
};

static const struct table thunk_tables[RP_THUNKS_NR] = {
	[RP_THUNKS_RETPOLINE] = {
		".retpoline_sites", ".rela.retpoline_sites", 1, SHF_ALLOC },
	[RP_THUNKS_RETURN] = {
		".return_sites", ".rela.return_sites", 1, SHF_ALLOC },
};

/* struct builder - @symbol: each section's own, as the edit numbers them. */
struct builder {
	struct rp_elf_edit *edit;
	const struct rp_relobj *obj;
	const struct table *table;
	const struct rp_sites *sites;
	const uint32_t *symbol;
	struct rp_diag *diag;
};

static uint32_t find_table(const struct rp_relobj *obj, const char *name)
{
	for (size_t i = 1; i < obj->nsections; i++) {
		if (obj->sections[i].hdr.sh_type == SHT_PROGBITS &&
		    !strcmp(obj->sections[i].name, name))
			return i;
	}
	return 0;
}

static size_t record_size(const struct table *table)
{
	return table->fields * PLACE_SIZE;
}

static int64_t tail_bit(const struct rp_site *site)
{
	return site->kind == RP_SITE_CALL ? 0 : SITE_TAIL;
}

/* struct record - what one says; all zero but for its fields, to be compared. */
struct record {
	uint64_t offset;
	int64_t addend;
	uint32_t section;
	uint32_t key;
};

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct record));
}

static struct record record_of_site(const struct table *table,
				    const struct rp_site *site)
{
	struct record ret = { .offset = site->offset,
			      .section = site->section };

	if (table->fields > 1) {
		ret.key = site->key;
		ret.addend = tail_bit(site);
	}
	return ret;
}

/* @r: the record's relocations. Return: false if it is none of ours. */
static bool record_of_relocs(const struct rp_relobj *obj,
			     const struct table *table,
			     const struct rp_reloc *r, uint64_t at,
			     struct record *ret)
{
	const struct rp_symbol *symbol = &obj->symbols[r->symbol];

	*ret = (struct record){
		.offset = symbol->value + (uint64_t)r->addend,
		.section = symbol->section,
	};
	if (r[0].type != R_X86_64_PC32 || r[0].offset != at ||
	    r[0].symbol >= obj->first_global)
		return false;
	if (table->fields == 1)
		return true;
	ret->key = r[1].symbol;
	ret->addend = r[1].addend;
	return r[1].type == R_X86_64_PC32 && r[1].offset == at + PLACE_SIZE;
}

// In any order: a linker puts tables one behind the other, and that is as good.
static int compare_records(const struct rp_relobj *obj,
			   const struct table *table,
			   const struct rp_relocs *relocs,
			   const struct rp_sites *sites, bool *ret,
			   struct rp_diag *diag)
{
	size_t n = sites->n;
	struct record *records = calloc(2 * n, sizeof(*records));

	if (!records)
		return rp_diag_nomem(diag);
	*ret = relocs->n == table->fields * n;
	for (size_t i = 0; i < n && *ret; i++) {
		records[n + i] = record_of_site(table, &sites->v[i]);
		*ret = record_of_relocs(obj, table,
					&relocs->v[table->fields * i],
					i * record_size(table), &records[i]);
	}
	if (*ret) {
		qsort(records, n, sizeof(*records), by_bytes);
		qsort(records + n, n, sizeof(*records), by_bytes);
		*ret = !memcmp(records, records + n, n * sizeof(*records));
	}
	free(records);
	return 0;
}

static int table_matches(const struct rp_relobj *obj, const struct table *table,
			 const struct rp_sites *sites, bool *ret,
			 struct rp_diag *diag)
{
	uint32_t index = find_table(obj, table->name);
	struct rp_relocs relocs;

	*ret = !sites->n;
	if (!index)
		return 0;
	const struct rp_section *section = &obj->sections[index];
	*ret = section->hdr.sh_size == sites->n * record_size(table) &&
	       (!sites->n || section->rela);
	if (!*ret || !sites->n)
		return 0;
	int rc = rp_relobj_relocs(obj, section->rela, &relocs, diag);
	if (!rc)
		rc = compare_records(obj, table, &relocs, sites, ret, diag);
	if (!rc && obj->sections[section->rela].next_rela)
		*ret = false;
	rp_relocs_deinit(&relocs);
	return rc;
}

int rp_kernel_sites_match(const struct rp_relobj *obj,
			  const struct rp_sites *sites, bool *ret,
			  struct rp_diag *diag)
{
	return table_matches(obj, &call_table, sites, ret, diag);
}

int rp_kernel_thunks_match(const struct rp_relobj *obj,
			   enum rp_thunk_table table,
			   const struct rp_sites *sites, bool *ret,
			   struct rp_diag *diag)
{
	return table_matches(obj, &thunk_tables[table], sites, ret, diag);
}

const char *rp_thunk_table_name(enum rp_thunk_table table)
{
	return thunk_tables[table].name;
}

bool rp_thunk_table_exists(const struct rp_relobj *obj,
			   enum rp_thunk_table table)
{
	return find_table(obj, thunk_tables[table].name) != 0;
}

static Elf64_Rela make_reloc(uint64_t offset, uint64_t symbol, int64_t addend)
{
	return (Elf64_Rela){
		.r_offset = htole64(offset),
		.r_info = htole64(ELF64_R_INFO(symbol, R_X86_64_PC32)),
		.r_addend = htole64(addend),
	};
}

static Elf64_Rela *make_relocs(const struct builder *b)
{
	size_t n = b->sites->n, fields = b->table->fields;
	Elf64_Rela *relocs = calloc(n ? n * fields : 1, sizeof(*relocs));

	for (size_t i = 0; i < n && relocs; i++) {
		const struct rp_site *site = &b->sites->v[i];
		uint64_t at = i * record_size(b->table);

		relocs[i * fields] = make_reloc(at, b->symbol[site->section],
						site->offset);
		if (fields > 1)
			relocs[i * fields + 1] = make_reloc(at + PLACE_SIZE,
				rp_elf_edit_symbol(b->edit, site->key),
				tail_bit(site));
	}
	return relocs;
}

static int add_sections(struct builder *b, uint32_t *table, uint32_t *rela)
{
	const GElf_Shdr table_hdr = {
		.sh_type = SHT_PROGBITS,
		.sh_flags = b->table->flags,
		.sh_addralign = 1,
		.sh_entsize = record_size(b->table),
	};
	GElf_Shdr rela_hdr = {
		.sh_type = SHT_RELA,
		.sh_flags = SHF_INFO_LINK,
		.sh_link = b->obj->symtab,
		.sh_addralign = sizeof(uint64_t),
		.sh_entsize = sizeof(Elf64_Rela),
	};
	int rc = 0;

	*rela = *table ? b->obj->sections[*table].rela : 0;
	if (!*table)
		rc = rp_elf_edit_add_section(b->edit, b->table->name,
					     &table_hdr, 0, table, b->diag);
	rela_hdr.sh_info = *table;
	if (!rc && !*rela)
		rc = rp_elf_edit_add_section(b->edit, b->table->rela,
					     &rela_hdr, 0, rela, b->diag);
	return rc;
}

static int build(struct builder *b)
{
	uint32_t table = find_table(b->obj, b->table->name), rela;
	size_t size = b->sites->n * record_size(b->table);

	if (!table && !size)
		return 0;
	int rc = add_sections(b, &table, &rela);
	if (rc)
		return rc;
	uint8_t *records = calloc(size ? size : 1, 1);
	Elf64_Rela *relocs = make_relocs(b);

	if (!records || !relocs) {
		free(records);
		free(relocs);
		return rp_diag_nomem(b->diag);
	}
	rp_elf_edit_set_data(b->edit, table, records, size);
	rp_elf_edit_set_data(b->edit, rela, relocs, b->sites->n *
			     b->table->fields * sizeof(*relocs));
	// Others of an old table would be applied as well.
	while (rela < b->obj->nsections &&
	       (rela = b->obj->sections[rela].next_rela) != 0)
		rp_elf_edit_set_data(b->edit, rela, NULL, 0);
	return 0;
}

static void note_needed(bool *needed, const struct rp_sites *sites)
{
	for (size_t i = 0; i < sites->n; i++)
		needed[sites->v[i].section] = true;
}

static int find_symbols(struct rp_elf_edit *edit, const struct rp_sites *calls,
			const struct rp_sites *thunks, uint32_t *ret,
			struct rp_diag *diag)
{
	bool *needed = calloc(edit->obj->nsections, sizeof(*needed));

	if (!needed)
		return rp_diag_nomem(diag);
	note_needed(needed, calls);
	for (size_t i = 0; i < RP_THUNKS_NR; i++)
		note_needed(needed, &thunks[i]);
	int rc = rp_section_symbols(edit, needed, ret, diag);
	free(needed);
	return rc;
}

int rp_kernel_tables_build(struct rp_elf_edit *edit,
			   const struct rp_sites *calls,
			   const struct rp_sites *thunks, struct rp_diag *diag)
{
	uint32_t *symbol = calloc(edit->obj->nsections, sizeof(*symbol));
	struct builder b = { .edit = edit, .obj = edit->obj, .symbol = symbol,
			     .table = &call_table, .sites = calls,
			     .diag = diag };

	if (!symbol)
		return rp_diag_nomem(diag);
	int rc = find_symbols(edit, calls, thunks, symbol, diag);
	if (!rc)
		rc = build(&b);
	for (size_t i = 0; i < RP_THUNKS_NR && !rc; i++) {
		b.table = &thunk_tables[i];
		b.sites = &thunks[i];
		rc = build(&b);
	}
	free(symbol);
	return rc;
}
