/* SPDX-License-Identifier: MIT */
/* What comparing and building tables of sites share. */
#ifndef REPOINT_OBJECT_ANNOTATE_SITE_TABLE_INTERNAL_H
#define REPOINT_OBJECT_ANNOTATE_SITE_TABLE_INTERNAL_H

#include "site_table.h"
#include "site_type.h"

/* A table that a linker keeps or drops together with its text. */
static inline bool rp_site_table_fits(const struct rp_relobj *obj,
				      uint32_t table, uint32_t text)
{
	const uint64_t need = SHF_ALLOC | SHF_LINK_ORDER;
	const uint64_t relevant = need | SHF_WRITE | SHF_MERGE | SHF_STRINGS |
				  SHF_TLS | SHF_EXCLUDE;
	const GElf_Shdr *hdr = &obj->sections[table].hdr;
	uint32_t rela = obj->sections[table].rela;

	return (hdr->sh_flags & relevant) == need && hdr->sh_link == text &&
	       (!rela || !obj->sections[rela].next_rela) &&
	       obj->sections[table].group == obj->sections[text].group;
}

/* The sites of one section begin at @first; returns the end of them. */
static inline size_t rp_sites_end(const struct rp_sites *sites,
				  size_t first)
{
	size_t end = first;

	while (end < sites->n &&
	       sites->v[end].section == sites->v[first].section)
		end++;
	return end;
}

#endif /* REPOINT_OBJECT_ANNOTATE_SITE_TABLE_INTERNAL_H */
