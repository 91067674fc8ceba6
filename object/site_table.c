/* SPDX-License-Identifier: MIT */
/*
 * Comparing an object's table of call sites with the sites.
 *
 * Compared by meaning, not by bytes: strip, objcopy and ld -r renumber symbols
 * and may refer to the text in another way.
 */
#include "site_table_internal.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

/* A record as its bytes and relocations say it. */
struct record {
	const struct rp_reloc *code;
	const struct rp_reloc *tramp;
};

static bool code_is(const struct rp_relobj *obj, const struct rp_reloc *r,
		    const struct rp_call_site *site)
{
	const struct rp_symbol *symbol = &obj->symbols[r->symbol];

	return r->type == R_X86_64_PC32 && symbol->section == site->section &&
	       r->symbol < obj->first_global &&
	       symbol->value + (uint64_t)r->addend == site->offset;
}

static bool tramp_is(const struct rp_reloc *r, const struct rp_call_site *site)
{
	return r->type == R_X86_64_GOTPCREL && r->addend == 0 &&
	       r->symbol == site->tramp;
}

static bool bytes_are(const uint8_t *record, const struct rp_call_site *site)
{
	uint16_t kind, flags;

	memcpy(&kind, record + offsetof(struct rp_static_call_site, kind),
	       sizeof(kind));
	memcpy(&flags, record + offsetof(struct rp_static_call_site, flags),
	       sizeof(flags));
	return le16toh(kind) == site->kind && !flags;
}

// Fills @records in; false if a relocation is not where one is expected.
static bool place_relocs(const struct rp_relocs *relocs,
			 struct record *records, size_t n)
{
	for (size_t i = 0; i < relocs->n; i++) {
		const struct rp_reloc *r = &relocs->v[i];
		size_t index = r->offset / RP_RECORD_SIZE;
		const struct rp_reloc **slot;

		if (index >= n)
			return false;
		switch (r->offset % RP_RECORD_SIZE) {
		case offsetof(struct rp_static_call_site, code):
			slot = &records[index].code;
			break;
		case offsetof(struct rp_static_call_site, tramp):
			slot = &records[index].tramp;
			break;
		default:
			return false;
		}
		if (*slot)
			return false;
		*slot = r;
	}
	return relocs->n == n * RP_RECORD_RELOCS;
}

static bool records_match(const struct rp_relobj *obj, uint32_t table,
			  const struct rp_relocs *relocs,
			  struct record *records,
			  const struct rp_call_site *sites, size_t n)
{
	const uint8_t *data = rp_section_data(obj, table);

	if (!place_relocs(relocs, records, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!bytes_are(data + i * RP_RECORD_SIZE, &sites[i]) ||
		    !code_is(obj, records[i].code, &sites[i]) ||
		    !tramp_is(records[i].tramp, &sites[i]))
			return false;
	}
	return true;
}

static int table_matches(const struct rp_relobj *obj, uint32_t table,
			 const struct rp_call_site *sites, size_t n, bool *ret,
			 struct rp_diag *diag)
{
	const struct rp_section *section = &obj->sections[table];
	struct rp_relocs relocs;

	*ret = false;
	if (!rp_site_table_fits(obj, table, sites[0].section) ||
	    section->hdr.sh_size != n * RP_RECORD_SIZE || !section->rela)
		return 0;
	int rc = rp_relobj_relocs(obj, section->rela, &relocs, diag);
	if (rc)
		return rc;
	struct record *records = calloc(n, sizeof(*records));
	if (records)
		*ret = records_match(obj, table, &relocs, records, sites, n);
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
static bool list_tables(const struct rp_relobj *obj, uint32_t *tables)
{
	for (size_t i = 1; i < obj->nsections; i++) {
		const struct rp_section *section = &obj->sections[i];

		if (!rp_section_is_site_table(section) || !section->hdr.sh_size)
			continue;
		if (!(section->hdr.sh_flags & SHF_LINK_ORDER) ||
		    tables[section->hdr.sh_link])
			return false;
		tables[section->hdr.sh_link] = i;
	}
	return true;
}

static int compare_tables(const struct rp_relobj *obj,
			  const struct rp_call_sites *sites, uint32_t *tables,
			  bool *ret, struct rp_diag *diag)
{
	size_t end;
	int rc = 0;

	*ret = list_tables(obj, tables);
	for (size_t i = 0; i < sites->n && !rc && *ret; i = end) {
		uint32_t text = sites->v[i].section;

		end = rp_sites_end(sites, i);
		*ret = tables[text] != 0;
		if (*ret)
			rc = table_matches(obj, tables[text], &sites->v[i],
					   end - i, ret, diag);
		tables[text] = 0;
	}
	for (size_t i = 0; i < obj->nsections && !rc && *ret; i++)
		*ret = !tables[i];
	return rc;
}

int rp_site_table_matches(const struct rp_relobj *obj,
			  const struct rp_call_sites *sites, bool *ret,
			  struct rp_diag *diag)
{
	uint32_t *tables = calloc(obj->nsections + 1, sizeof(*tables));

	if (!tables)
		return rp_diag_nomem(diag);
	int rc = compare_tables(obj, sites, tables, ret, diag);
	free(tables);
	return rc;
}
