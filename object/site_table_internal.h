/* SPDX-License-Identifier: MIT */
/* What comparing and building tables of call sites share. */
#ifndef REPOINT_OBJECT_SITE_TABLE_INTERNAL_H
#define REPOINT_OBJECT_SITE_TABLE_INTERNAL_H

#include "site_table.h"

#include <string.h>

#define RP_RECORD_SIZE	sizeof(struct rp_static_call_site)
/* Relocations of a record: of its code, of its tramp. */
#define RP_RECORD_RELOCS	2

static inline bool rp_section_is_site_table(const struct rp_section *section)
{
	return section->hdr.sh_type == SHT_PROGBITS &&
	       !(section->hdr.sh_flags & (SHF_EXECINSTR | SHF_COMPRESSED)) &&
	       !strcmp(section->name, RP_STATIC_CALL_SITES_SECTION);
}

/* A table that a linker keeps or drops together with its text. */
static inline bool rp_site_table_fits(const struct rp_relobj *obj,
				      uint32_t table, uint32_t text)
{
	const GElf_Shdr *hdr = &obj->sections[table].hdr;
	uint32_t rela = obj->sections[table].rela;

	return (hdr->sh_flags & SHF_LINK_ORDER) && hdr->sh_link == text &&
	       (!rela || !obj->sections[rela].next_rela) &&
	       obj->sections[table].group == obj->sections[text].group;
}

/* The sites of one section begin at @first; returns the end of them. */
static inline size_t rp_sites_end(const struct rp_call_sites *sites,
				  size_t first)
{
	size_t end = first;

	while (end < sites->n &&
	       sites->v[end].section == sites->v[first].section)
		end++;
	return end;
}

#endif /* REPOINT_OBJECT_SITE_TABLE_INTERNAL_H */
