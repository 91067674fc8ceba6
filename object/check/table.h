/* SPDX-License-Identifier: MIT */
/*
 * Records of tables of places: what a field of 4 or 8 bytes, relative to itself,
 * refers to. In a relocatable object its relocation says so, in a linked file
 * its value.
 */
#ifndef REPOINT_OBJECT_CHECK_TABLE_H
#define REPOINT_OBJECT_CHECK_TABLE_H

#include "../elf/relobj.h"

/**
 * struct rp_check_table - the table in one section.
 * @relocs: its relocations, by offset; none in a linked file
 */
struct rp_check_table {
	const struct rp_relobj *obj;
	uint32_t section;
	const uint8_t *data;
	uint64_t size;
	struct rp_relocs relocs;
};

/**
 * struct rp_table_place - what a field refers to.
 * @section: 0 if it is not in this file
 * @symbol:  of the relocation; 0 in a linked file
 * @type:    of the relocation; 0 in a linked file
 */
struct rp_table_place {
	uint32_t section;
	uint64_t offset;
	uint32_t symbol;
	uint32_t type;
	int64_t addend;
};

/** rp_check_table_init() - read a table.
 *  Return: 0; -EINVAL, see @diag; -ENOMEM. */
int rp_check_table_init(struct rp_check_table *table,
			const struct rp_relobj *obj, uint32_t section,
			struct rp_diag *diag);
void rp_check_table_deinit(struct rp_check_table *table);

/** rp_check_table_place() - what the field at @offset, of @width bytes, refers
 *  to. Return: does it refer to anything? */
bool rp_check_table_place(const struct rp_check_table *table, uint64_t offset,
			  unsigned int width, struct rp_table_place *ret);

static inline uint16_t rp_check_table_u16(const struct rp_check_table *table,
					  uint64_t offset)
{
	return table->data[offset] | table->data[offset + 1] << 8;
}

static inline uint32_t rp_check_table_u32(const struct rp_check_table *table,
					  uint64_t offset)
{
	return rp_check_table_u16(table, offset) |
	       (uint32_t)rp_check_table_u16(table, offset + 2) << 16;
}

#endif /* REPOINT_OBJECT_CHECK_TABLE_H */
