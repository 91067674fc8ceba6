/* SPDX-License-Identifier: MIT */
/*
 * Tables of records in one section: their bytes, and what fields of them refer
 * to. In a relocatable object a relocation says so, in a linked file the distance
 * that the field holds.
 *
 *   int  rp_records_init(records, obj, section, diag);
 *   void rp_records_deinit(records);
 */
#ifndef REPOINT_OBJECT_ELF_RECORDS_H
#define REPOINT_OBJECT_ELF_RECORDS_H

#include "relobj.h"

/**
 * struct rp_records - the table in one section.
 * @data:   its bytes, @size of them
 * @relocs: its relocations, by offset, without R_X86_64_NONE; none in a linked
 *          file
 */
struct rp_records {
	const struct rp_relobj *obj;
	uint32_t section;
	const uint8_t *data;
	uint64_t size;
	struct rp_relocs relocs;
};

/** rp_records_init() - read a table. @records: to be deinitialised also after a
 *  failure. Return: 0; -EINVAL, see @diag; -ENOMEM. */
int rp_records_init(struct rp_records *records, const struct rp_relobj *obj,
		    uint32_t section, struct rp_diag *diag);
void rp_records_deinit(struct rp_records *records);

/** rp_records_field() - a plain field of up to 8 bytes; 0 behind the end. */
uint64_t rp_records_field(const struct rp_records *records, uint64_t offset,
			  size_t size);

/** rp_records_reloc() - the relocation of a field, or NULL. */
const struct rp_reloc *rp_records_reloc(const struct rp_records *records,
					uint64_t offset);

/** rp_records_target() - the place that a field of 4 bytes means, which is
 *  relative to itself. */
struct rp_spot rp_records_target(const struct rp_records *records,
				 uint64_t offset);

#endif /* REPOINT_OBJECT_ELF_RECORDS_H */
