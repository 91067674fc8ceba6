/* SPDX-License-Identifier: MIT */
/*
 * Comparing an object's tables of sites with the sites.
 *
 * Compared by meaning, not by bytes: strip, objcopy and ld -r renumber symbols
 * and may refer to the text in another way.
 */
#include "site_table_internal.h"

#include <errno.h>
#include <stdlib.h>

/* A record as its bytes and relocations say it. */
struct record {
	const struct rp_reloc *code;
	const struct rp_reloc *target;
};

static bool code_is(const struct rp_relobj *obj, const struct rp_reloc *r,
		    const struct rp_site *site)
{
	const struct rp_symbol *symbol = &obj->symbols[r->symbol];

	return r->type == R_X86_64_PC32 && symbol->section == site->section &&
	       r->symbol < obj->first_global &&
	       symbol->value + (uint64_t)r->addend == site->offset;
}

// In one section, or RP_SECTION_NONE: nothing else can take its place.
static uint32_t local_section(const struct rp_relobj *obj, uint32_t symbol)
{
	uint32_t section = obj->symbols[symbol].section;

	return symbol < obj->first_global && section ? section :
						       RP_SECTION_NONE;
}

static bool target_is(const struct rp_relobj *obj, const struct rp_reloc *r,
		      const struct rp_site_type *type,
		      const struct rp_site *site)
{
	uint32_t section = local_section(obj, r->symbol);

	if (r->type != type->target_type)
		return false;
	if (r->symbol == site->symbol)
		return r->addend == site->addend;
	return section != RP_SECTION_NONE &&
	       section == local_section(obj, site->symbol) &&
	       obj->symbols[r->symbol].value + (uint64_t)r->addend ==
	       obj->symbols[site->symbol].value + (uint64_t)site->addend;
}

static bool plain_is(const uint8_t *record, const struct rp_site_type *type,
		     const struct rp_site *site)
{
	uint8_t plain[RP_RECORD_PLAIN_SIZE];

	type->put_plain(plain, site);
	return !memcmp(record + type->plain, plain, sizeof(plain));
}

// Fills @records in; false if a relocation is not where one is expected.
static bool place_relocs(const struct rp_relocs *relocs,
			 const struct rp_site_type *type,
			 struct record *records, size_t n)
{
	for (size_t i = 0; i < relocs->n; i++) {
		const struct rp_reloc *r = &relocs->v[i];
		size_t index = r->offset / RP_RECORD_SIZE;
		const struct rp_reloc **slot;

		if (index >= n)
			return false;
		size_t field = r->offset % RP_RECORD_SIZE;

		if (field == RP_RECORD_CODE)
			slot = &records[index].code;
		else if (field == type->target)
			slot = &records[index].target;
		else
			return false;
		if (*slot)
			return false;
		*slot = r;
	}
	return relocs->n == n * RP_RECORD_RELOCS;
}

static bool records_match(const struct rp_relobj *obj, uint32_t table,
			  const struct rp_site_type *type,
			  const struct record *records,
			  const struct rp_site *sites, size_t n)
{
	const uint8_t *data = rp_section_data(obj, table);

	for (size_t i = 0; i < n; i++) {
		if (!plain_is(data + i * RP_RECORD_SIZE, type, &sites[i]) ||
		    !code_is(obj, records[i].code, &sites[i]) ||
		    !target_is(obj, records[i].target, type, &sites[i]))
			return false;
	}
	return true;
}

static int table_matches(const struct rp_relobj *obj, uint32_t table,
			 const struct rp_site_type *type,
			 const struct rp_site *sites, size_t n, bool *ret,
			 struct rp_diag *diag)
{
	const struct rp_section *section = &obj->sections[table];
	struct rp_relocs relocs;

	*ret = false;
	if (!rp_site_table_fits(obj, table, sites[0].section) ||
	    section->hdr.sh_addralign != RP_RECORD_ALIGN ||
	    section->hdr.sh_size != n * RP_RECORD_SIZE || !section->rela)
		return 0;
	int rc = rp_relobj_relocs(obj, section->rela, &relocs, diag);
	if (rc)
		return rc;
	struct record *records = calloc(n, sizeof(*records));
	if (records)
		*ret = place_relocs(&relocs, type, records, n) &&
		       records_match(obj, table, type, records, sites, n);
	else
		rc = rp_diag_nomem(diag);
	free(records);
	rp_relocs_deinit(&relocs);
	return rc;
}

/*
 * In @tables, indexed by text section, the one table of each. False if there
 * is a table that no text needs, or a second one.
 */
static bool list_tables(const struct rp_relobj *obj,
			const struct rp_site_type *type, uint32_t *tables)
{
	for (size_t i = 1; i < obj->nsections; i++) {
		const struct rp_section *section = &obj->sections[i];

		if (!rp_section_is_site_table(section, type) ||
		    !section->hdr.sh_size)
			continue;
		if (!(section->hdr.sh_flags & SHF_LINK_ORDER) ||
		    tables[section->hdr.sh_link])
			return false;
		tables[section->hdr.sh_link] = i;
	}
	return true;
}

static int compare_tables(const struct rp_relobj *obj,
			  const struct rp_site_type *type,
			  const struct rp_sites *sites, uint32_t *tables,
			  bool *ret, struct rp_diag *diag)
{
	size_t end;
	int rc = 0;

	*ret = list_tables(obj, type, tables);
	for (size_t i = 0; i < sites->n && !rc && *ret; i = end) {
		uint32_t text = sites->v[i].section;

		end = rp_sites_end(sites, i);
		*ret = tables[text] != 0;
		if (*ret)
			rc = table_matches(obj, tables[text], type,
					   &sites->v[i], end - i, ret, diag);
		tables[text] = 0;
	}
	for (size_t i = 0; i < obj->nsections && !rc && *ret; i++)
		*ret = !tables[i];
	return rc;
}

int rp_site_table_matches(const struct rp_relobj *obj,
			  const struct rp_sites *sites, bool *ret,
			  struct rp_diag *diag)
{
	int rc = 0;

	*ret = true;
	for (size_t i = 0; i < RP_TABLE_NR && !rc && *ret; i++) {
		uint32_t *tables = calloc(obj->nsections + 1, sizeof(*tables));

		if (!tables)
			return rp_diag_nomem(diag);
		rc = compare_tables(obj, &rp_site_types[i], &sites[i], tables,
				    ret, diag);
		free(tables);
	}
	return rc;
}
