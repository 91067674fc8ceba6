/* SPDX-License-Identifier: MIT */
/* Reading the ORC table that a file holds. */
#include "../bytes.h"
#include "file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reader {
	struct rp_orc *orc;
	const struct rp_relobj *obj;
	const struct rp_abi *abi;
	uint32_t ip;
	uint32_t entries;
	struct rp_orc_bytes bytes;
	struct rp_diag *diag;
};

uint32_t rp_orc_section(const struct rp_relobj *obj, const char *name)
{
	for (size_t i = 1; i < obj->nsections; i++) {
		if (obj->sections[i].hdr.sh_type == SHT_PROGBITS &&
		    !strcmp(obj->sections[i].name, name))
			return i;
	}
	return 0;
}

bool rp_orc_is_table_file(const struct rp_relobj *obj)
{
	uint32_t header = rp_orc_section(obj, RP_ORC_HEADER_SECTION);

	return obj->ehdr.e_type == ET_DYN && !obj->ehdr.e_phnum && header &&
	       obj->sections[header].hdr.sh_size == RP_ORC_HEADER_SIZE;
}

static int bad_table(struct reader *r, const char *section, const char *what)
{
	return rp_diag_set(r->diag, RP_DIAG_ORC_TABLE, section, "%s", what);
}

/* The end of a section is a place of it, unless another begins there. */
static void set_place(const struct rp_relobj *obj, uint64_t at,
		      struct rp_orc_entry *entry)
{
	uint64_t offset;
	uint32_t section = rp_relobj_section_at(obj, at, &offset);

	if (!section && at) {
		section = rp_relobj_section_at(obj, at - 1, &offset);
		offset++;
	}
	entry->section = section ? section : RP_SECTION_NONE;
	entry->offset = section ? offset : at;
}

static void place_linked(struct reader *r)
{
	const uint8_t *data = rp_section_data(r->obj, r->ip);
	uint64_t base = r->obj->sections[r->ip].hdr.sh_addr;

	for (size_t i = 0; i < r->orc->n; i++) {
		uint64_t at = i * RP_ORC_IP_SIZE;

		set_place(r->obj, base + at + rp_load_sle32(data + at),
			  &r->orc->v[i]);
	}
}

static int place_reloc(struct reader *r, const struct rp_reloc *reloc)
{
	const struct rp_symbol *symbol = &r->obj->symbols[reloc->symbol];
	size_t i = reloc->offset / RP_ORC_IP_SIZE;

	if (reloc->type != R_X86_64_PC32 || reloc->offset % RP_ORC_IP_SIZE ||
	    i >= r->orc->n || !symbol->section ||
	    symbol->section == RP_SECTION_NONE || r->orc->v[i].section)
		return rp_diag_set_at(r->diag, RP_DIAG_ORC_TABLE,
			RP_ORC_IP_SECTION, reloc->offset,
			"the relocation is not one that such a table has");
	r->orc->v[i].section = symbol->section;
	r->orc->v[i].offset = symbol->value + (uint64_t)reloc->addend;
	return 0;
}

static int place_relocated(struct reader *r)
{
	uint32_t rela = r->obj->sections[r->ip].rela;
	struct rp_relocs relocs;

	if (!rela || r->obj->sections[rela].next_rela)
		return bad_table(r, RP_ORC_IP_SECTION,
			"has no section of relocations, or several");
	int rc = rp_relobj_relocs(r->obj, rela, &relocs, r->diag);
	for (size_t i = 0; i < relocs.n && !rc; i++)
		rc = place_reloc(r, &relocs.v[i]);
	if (!rc && relocs.n != r->orc->n)
		rc = bad_table(r, RP_ORC_IP_SECTION,
			"has another number of relocations than of entries");
	rp_relocs_deinit(&relocs);
	return rc;
}

static int unpack_all(struct reader *r)
{
	for (size_t i = 0; i < r->orc->n; i++) {
		if (!rp_orc_unpack(&r->bytes, i, r->abi, &r->orc->v[i]))
			return rp_diag_set_at(r->diag, RP_DIAG_ORC_TABLE,
				RP_ORC_SECTION, i * RP_ORC_ENTRY_SIZE,
				"no entry of the format of %s looks like this",
				r->abi->name);
	}
	return 0;
}

static int find_bytes(struct reader *r)
{
	const struct rp_relobj *obj = r->obj;
	const GElf_Shdr *ip = &obj->sections[r->ip].hdr;
	const GElf_Shdr *entries = &obj->sections[r->entries].hdr;
	uint32_t wide = rp_orc_section(obj, RP_ORC_WIDE_SECTION);

	r->bytes.entries = (uint8_t *)rp_section_data(obj, r->entries);
	r->bytes.n = entries->sh_size / RP_ORC_ENTRY_SIZE;
	if (entries->sh_size % RP_ORC_ENTRY_SIZE ||
	    ip->sh_size % RP_ORC_IP_SIZE ||
	    ip->sh_size / RP_ORC_IP_SIZE != r->bytes.n)
		return bad_table(r, RP_ORC_SECTION, "does not have as many "
				 "entries as " RP_ORC_IP_SECTION);
	if (!wide)
		return 0;
	r->bytes.wide = (uint8_t *)rp_section_data(obj, wide);
	r->bytes.nwide = obj->sections[wide].hdr.sh_size / RP_ORC_WIDE_SIZE;
	return 0;
}

static int check_version(struct reader *r)
{
	uint32_t header = rp_orc_section(r->obj, RP_ORC_HEADER_SECTION);
	uint32_t version = rp_load_le32(rp_section_data(r->obj, header));

	if (version == RP_ORC_VERSION)
		return 0;
	return rp_diag_set(r->diag, RP_DIAG_ORC_TABLE, RP_ORC_HEADER_SECTION,
			   "version %u of the table is not known; make the "
			   "table anew", version);
}

/*
 * Nothing in a table says whose format it has; but a kernel's is loaded, and in
 * an object ours is not.
 */
static int check_abi(struct reader *r)
{
	const struct rp_relobj *obj = r->obj;

	if (rp_orc_is_table_file(obj))
		return check_version(r);
	if (r->abi->kernel || !(obj->sections[r->ip].hdr.sh_flags & SHF_ALLOC))
		return 0;
	return bad_table(r, RP_ORC_IP_SECTION, "is a kernel's table: say of "
			 "which, with --abi linux-6.1 or linux-6.12");
}

static int read_all(struct reader *r)
{
	int rc = check_abi(r);

	if (!rc)
		rc = find_bytes(r);
	if (rc)
		return rc;
	r->orc->v = calloc(r->bytes.n ? r->bytes.n : 1, sizeof(*r->orc->v));
	if (!r->orc->v)
		return rp_diag_nomem(r->diag);
	r->orc->n = r->orc->room = r->bytes.n;
	rc = unpack_all(r);
	if (rc || !r->orc->n)
		return rc;
	if (!r->obj->linked)
		return place_relocated(r);
	place_linked(r);
	return 0;
}

int rp_orc_read(struct rp_orc *orc, const struct rp_relobj *obj,
		const struct rp_abi *abi, struct rp_diag *diag)
{
	struct reader r = { .orc = orc, .obj = obj, .abi = abi, .diag = diag,
			    .ip = rp_orc_section(obj, RP_ORC_IP_SECTION),
			    .entries = rp_orc_section(obj, RP_ORC_SECTION) };

	memset(orc, 0, sizeof(*orc));
	if (!r.ip && !r.entries)
		return -ENOENT;
	if (!r.ip || !r.entries)
		return bad_table(&r, r.ip ? RP_ORC_IP_SECTION : RP_ORC_SECTION,
			"stands alone: the other half of the table is missing");
	return read_all(&r);
}
