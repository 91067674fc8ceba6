/* SPDX-License-Identifier: MIT */
/*
 * A payload that is being made.
 *
 *   int  rp_payload_builder_new(&builder, info, diag);
 *   int  rp_payload_add_section(builder, section, &index, diag);
 *   int  rp_payload_add_symbol(builder, symbol, &index, diag);
 *   int  rp_payload_add_reloc(builder, section, reloc, diag);
 *   int  rp_payload_add_function(builder, function, diag);   and so on
 *   int  rp_payload_builder_write(builder, fd, diag);
 *   void rp_payload_builder_free(builder);
 *
 * The same calls in the same order give the same bytes. The numbers of symbols
 * that these functions return and take are the builder's own: in the file, local
 * symbols precede global ones, and the writer renumbers. Strings and bytes are
 * copied.
 */
#ifndef REPOINT_PAYLOAD_BUILDER_H
#define REPOINT_PAYLOAD_BUILDER_H

#include "../object/diag.h"
#include "format.h"

#include <stddef.h>

/** struct rp_payload_info - what goes into the header. Strings: NULL is none. */
struct rp_payload_info {
	const char *name;
	const char *patch_version;
	const char *description;
	const char *tool;
	const char *target;
	const uint8_t *build_id;
	size_t build_id_size;
};

struct rp_payload_section_in {
	const char *name;
	uint32_t type;		/* SHT_PROGBITS, SHT_NOBITS */
	uint64_t flags;		/* SHF_* */
	uint64_t align;		/* power of two */
	uint64_t entsize;
	const void *bytes;	/* NULL with SHT_NOBITS */
	uint64_t size;
};

/* @section: number of a section of the builder, or 0: undefined */
struct rp_payload_symbol_in {
	const char *name;
	uint8_t bind;		/* STB_* */
	uint8_t type;		/* STT_* */
	uint32_t section;
	uint64_t value;
	uint64_t size;
};

struct rp_payload_reloc_in {
	uint64_t offset;
	uint32_t type;		/* R_X86_64_* */
	uint32_t symbol;
	int64_t addend;
};

struct rp_payload_function_in {
	uint64_t address;
	uint64_t old_size;
	uint32_t symbol;
	const char *name;
	const char *file;
	uint32_t position;
	uint32_t detour;
	const struct rp_payload_range *masks;
	uint32_t nmasks;
	uint32_t flags;
	uint64_t cold;
	uint64_t cold_size;
	uint8_t hash[32];
};

struct rp_payload_binding_in {
	uint64_t value;
	uint64_t slot;
	uint64_t size;
	uint32_t symbol;
	uint32_t kind;
	uint32_t flags;
	const char *name;
	const char *file;
	uint32_t position;
	const char *version;
	uint32_t depend;	/* number of rp_payload_add_depend() */
};

struct rp_payload_builder;

int rp_payload_builder_new(struct rp_payload_builder **ret,
			   const struct rp_payload_info *info,
			   struct rp_diag *diag);
void rp_payload_builder_free(struct rp_payload_builder *builder);

/* Each returns 0 or -ENOMEM with @diag set. Sections and symbols count from 1. */
int rp_payload_add_section(struct rp_payload_builder *builder,
			   const struct rp_payload_section_in *section,
			   uint32_t *ret, struct rp_diag *diag);
int rp_payload_add_symbol(struct rp_payload_builder *builder,
			  const struct rp_payload_symbol_in *symbol,
			  uint32_t *ret, struct rp_diag *diag);
int rp_payload_add_reloc(struct rp_payload_builder *builder, uint32_t section,
			 const struct rp_payload_reloc_in *reloc,
			 struct rp_diag *diag);
int rp_payload_add_function(struct rp_payload_builder *builder,
			    const struct rp_payload_function_in *function,
			    struct rp_diag *diag);
int rp_payload_add_binding(struct rp_payload_builder *builder,
			   const struct rp_payload_binding_in *binding,
			   struct rp_diag *diag);
int rp_payload_add_hook(struct rp_payload_builder *builder,
			enum rp_payload_hook_kind kind, uint32_t symbol,
			struct rp_diag *diag);
int rp_payload_add_data(struct rp_payload_builder *builder, uint64_t size,
			uint32_t target, uint32_t value, uint32_t expected,
			struct rp_diag *diag);
int rp_payload_add_depend(struct rp_payload_builder *builder,
			  const uint8_t id[RP_PAYLOAD_ID_SIZE], const char *name,
			  uint32_t *ret, struct rp_diag *diag);

/**
 * rp_payload_builder_write() - write the file and its identity.
 * @builder: the payload
 * @fd:      an empty file, opened for reading and writing
 * @diag:    on failure
 *
 * The file is read back by rp_payload_open() before this returns: what cannot
 * be read is not written.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_payload_builder_write(struct rp_payload_builder *builder, int fd,
			     struct rp_diag *diag);

#endif /* REPOINT_PAYLOAD_BUILDER_H */
