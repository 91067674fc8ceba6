/* SPDX-License-Identifier: MIT */
/*
 * How the tables of sites differ.
 *
 * Every record has twelve bytes: the code and what it refers to, both with a
 * relocation, and four plain bytes. The code comes first.
 */
#ifndef REPOINT_OBJECT_ANNOTATE_SITE_TYPE_H
#define REPOINT_OBJECT_ANNOTATE_SITE_TYPE_H

#include "../insn/insn.h"
#include "sites.h"

#include <string.h>

#define RP_RECORD_SIZE		12
#define RP_RECORD_ALIGN		4
#define RP_RECORD_CODE		0
#define RP_RECORD_PLAIN_SIZE	4
/* Relocations of a record: of its code, of its target. */
#define RP_RECORD_RELOCS	2

/** What a relocation in text says about the reference. */
enum rp_reference {
	RP_REFERENCE_FIELD,	/**< may be the field of a site */
	RP_REFERENCE_GOT,
	RP_REFERENCE_OTHER,
};

/**
 * struct rp_site_type - what is particular to a table.
 * @prefix:      of the symbols that sites refer to
 * @section:     name of the table's section
 * @rela:        name of its relocations' section
 * @target:      offset in the record of what the site refers to
 * @target_type: relocation of it
 * @plain:       offset in the record of the plain bytes
 * @members:     sites refer to places inside the symbol, not to its beginning
 * @cs_prefixes: sites may have CS prefixes
 * @by_assembler: assemblers write records too
 * @reference:   what a relocation of @type is; @addend counts from the symbol
 * @kind:        kind of the site with such a field, or 0
 * @put_plain:   writes the plain bytes
 */
struct rp_site_type {
	const char *prefix;
	const char *section;
	const char *rela;
	size_t target;
	uint32_t target_type;
	size_t plain;
	bool members;
	bool cs_prefixes;
	bool by_assembler;
	enum rp_reference (*reference)(uint32_t type, int64_t addend);
	unsigned int (*kind)(const struct rp_insn *insn, uint32_t type);
	void (*put_plain)(uint8_t *plain, const struct rp_site *site);
};

/** By enum rp_site_table; RP_TABLE_KERNEL's has no records of this form. */
extern const struct rp_site_type rp_site_types[RP_TABLE_NR + 1];

static inline bool rp_symbol_is_target(const struct rp_symbol *symbol,
				       const struct rp_site_type *type)
{
	return symbol->type != STT_SECTION &&
	       !strncmp(symbol->name, type->prefix, strlen(type->prefix));
}

static inline bool rp_section_is_site_table(const struct rp_section *section,
					    const struct rp_site_type *type)
{
	return section->hdr.sh_type == SHT_PROGBITS &&
	       !(section->hdr.sh_flags & (SHF_EXECINSTR | SHF_COMPRESSED)) &&
	       !strcmp(section->name, type->section);
}

#endif /* REPOINT_OBJECT_ANNOTATE_SITE_TYPE_H */
