/* SPDX-License-Identifier: MIT */
/* What a payload that is being made consists of. */
#ifndef REPOINT_PAYLOAD_BUILDER_INTERNAL_H
#define REPOINT_PAYLOAD_BUILDER_INTERNAL_H

#include "builder.h"
#include "string_table.h"

#include <elf.h>

// Structures are written as they are in memory.
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "payloads are little-endian");

/* @header.sh_name is an offset in the builder's section_names. */
struct rp_builder_section {
	Elf64_Shdr header;
	void *bytes;
	Elf64_Rela *relocs;	/* symbols by the builder's numbers */
	size_t nrelocs;
	size_t relocs_capacity;
};

/* An array of records of one section. */
struct rp_builder_records {
	void *v;
	size_t n;
	size_t capacity;
};

struct rp_payload_builder {
	struct rp_payload_header header;
	struct rp_builder_section *sections;	/* number 1 is at 0 */
	size_t nsections;
	size_t sections_capacity;
	Elf64_Sym *symbols;			/* number 1 is at 0 */
	size_t nsymbols;
	size_t symbols_capacity;
	struct rp_builder_records functions;	/* symbols as in relocs */
	struct rp_builder_records bindings;
	struct rp_builder_records hooks;
	struct rp_builder_records data;
	struct rp_builder_records masks;
	struct rp_builder_records depends;
	struct rp_strings strings;
	struct rp_strings symbol_names;
	struct rp_strings section_names;
};

#endif /* REPOINT_PAYLOAD_BUILDER_INTERNAL_H */
