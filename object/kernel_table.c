/* SPDX-License-Identifier: MIT */
/* `.static_call_sites` of a Linux kernel: comparing and building it. */
#include "kernel_sites.h"
#include "section_symbols.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SITE_SIZE	8
#define SITE_KEY	4
/* In the key's addend: STATIC_CALL_SITE_TAIL. */
#define SITE_TAIL	1
#define SITE_RELOCS	2

/* struct builder - @symbol: each section's own, as the edit numbers them. */
struct builder {
	struct rp_elf_edit *edit;
	const struct rp_relobj *obj;
	const struct rp_abi *abi;
	const struct rp_sites *sites;
	uint32_t *symbol;
	struct rp_diag *diag;
};

static uint32_t find_table(const struct rp_relobj *obj,
			   const struct rp_abi *abi)
{
	for (size_t i = 1; i < obj->nsections; i++) {
		if (obj->sections[i].hdr.sh_type == SHT_PROGBITS &&
		    !strcmp(obj->sections[i].name, abi->call_sites))
			return i;
	}
	return 0;
}

static int64_t tail_bit(const struct rp_site *site)
{
	return site->kind == RP_SITE_CALL ? 0 : SITE_TAIL;
}

static bool code_is(const struct rp_relobj *obj, const struct rp_reloc *r,
		    const struct rp_site *site)
{
	const struct rp_symbol *symbol = &obj->symbols[r->symbol];

	return r->type == R_X86_64_PC32 && symbol->section == site->section &&
	       r->symbol < obj->first_global &&
	       symbol->value + (uint64_t)r->addend == site->offset;
}

static bool key_is(const struct rp_reloc *r, const struct rp_site *site)
{
	return r->type == R_X86_64_PC32 && r->symbol == site->key &&
	       r->addend == tail_bit(site);
}

static bool relocs_match(const struct rp_relobj *obj,
			 const struct rp_relocs *relocs,
			 const struct rp_sites *sites)
{
	if (relocs->n != SITE_RELOCS * sites->n)
		return false;
	for (size_t i = 0; i < sites->n; i++) {
		const struct rp_reloc *r = &relocs->v[SITE_RELOCS * i];

		if (r[0].offset != i * SITE_SIZE ||
		    r[1].offset != i * SITE_SIZE + SITE_KEY ||
		    !code_is(obj, &r[0], &sites->v[i]) ||
		    !key_is(&r[1], &sites->v[i]))
			return false;
	}
	return true;
}

int rp_kernel_sites_match(const struct rp_relobj *obj, const struct rp_abi *abi,
			  const struct rp_sites *sites, bool *ret,
			  struct rp_diag *diag)
{
	uint32_t table = find_table(obj, abi);
	struct rp_relocs relocs;

	*ret = !sites->n;
	if (!table)
		return 0;
	const struct rp_section *section = &obj->sections[table];
	*ret = section->hdr.sh_size == sites->n * SITE_SIZE &&
	       (!sites->n || section->rela);
	if (!*ret || !sites->n)
		return 0;
	int rc = rp_relobj_relocs(obj, section->rela, &relocs, diag);
	if (!rc)
		*ret = !obj->sections[section->rela].next_rela &&
		       relocs_match(obj, &relocs, sites);
	rp_relocs_deinit(&relocs);
	return rc;
}

static int find_symbols(struct builder *b)
{
	bool *needed = calloc(b->obj->nsections, sizeof(*needed));

	if (!needed)
		return rp_diag_nomem(b->diag);
	for (size_t i = 0; i < b->sites->n; i++)
		needed[b->sites->v[i].section] = true;
	int rc = rp_section_symbols(b->edit, needed, b->symbol, b->diag);
	free(needed);
	return rc;
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
	size_t n = b->sites->n;
	Elf64_Rela *relocs = calloc(n ? n * SITE_RELOCS : 1, sizeof(*relocs));

	for (size_t i = 0; i < n && relocs; i++) {
		const struct rp_site *site = &b->sites->v[i];
		Elf64_Rela *at = &relocs[i * SITE_RELOCS];

		at[0] = make_reloc(i * SITE_SIZE, b->symbol[site->section],
				   site->offset);
		at[1] = make_reloc(i * SITE_SIZE + SITE_KEY,
				   rp_elf_edit_symbol(b->edit, site->key),
				   tail_bit(site));
	}
	return relocs;
}

static int add_sections(struct builder *b, uint32_t *table, uint32_t *rela)
{
	const GElf_Shdr table_hdr = {
		.sh_type = SHT_PROGBITS,
		// The kernel sorts them, and marks those in __init code.
		.sh_flags = SHF_ALLOC | SHF_WRITE,
		.sh_addralign = 1,
		.sh_entsize = SITE_SIZE,
	};
	GElf_Shdr rela_hdr = {
		.sh_type = SHT_RELA,
		.sh_flags = SHF_INFO_LINK,
		.sh_link = b->obj->symtab,
		.sh_addralign = sizeof(uint64_t),
		.sh_entsize = sizeof(Elf64_Rela),
	};
	int rc = 0;

	*table = find_table(b->obj, b->abi);
	*rela = *table ? b->obj->sections[*table].rela : 0;
	if (!*table)
		rc = rp_elf_edit_add_section(b->edit, b->abi->call_sites,
					     &table_hdr, 0, table, b->diag);
	rela_hdr.sh_info = *table;
	if (!rc && !*rela)
		rc = rp_elf_edit_add_section(b->edit, ".rela.static_call_sites",
					     &rela_hdr, 0, rela, b->diag);
	return rc;
}

static int build(struct builder *b)
{
	uint32_t table, rela;
	int rc = find_symbols(b);

	if (!rc)
		rc = add_sections(b, &table, &rela);
	if (rc)
		return rc;
	size_t size = b->sites->n * SITE_SIZE;
	uint8_t *records = calloc(size ? size : 1, 1);
	Elf64_Rela *relocs = make_relocs(b);

	if (!records || !relocs) {
		free(records);
		free(relocs);
		return rp_diag_nomem(b->diag);
	}
	rp_elf_edit_set_data(b->edit, table, records, size);
	rp_elf_edit_set_data(b->edit, rela, relocs,
			     b->sites->n * SITE_RELOCS * sizeof(*relocs));
	// Others of an old table would be applied as well.
	while (rela < b->obj->nsections &&
	       (rela = b->obj->sections[rela].next_rela) != 0)
		rp_elf_edit_set_data(b->edit, rela, NULL, 0);
	return 0;
}

int rp_kernel_sites_build(struct rp_elf_edit *edit, const struct rp_abi *abi,
			  const struct rp_sites *sites, struct rp_diag *diag)
{
	struct builder b = { .edit = edit, .obj = edit->obj, .abi = abi,
			     .sites = sites, .diag = diag };

	b.symbol = calloc(edit->obj->nsections, sizeof(*b.symbol));
	if (!b.symbol)
		return rp_diag_nomem(diag);
	int rc = build(&b);
	free(b.symbol);
	return rc;
}
