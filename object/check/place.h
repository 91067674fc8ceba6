/* SPDX-License-Identifier: MIT */
/*
 * What a field of a record refers to, as its relocation says: which symbol, and
 * how. See rp_records_target() for the place alone.
 */
#ifndef REPOINT_OBJECT_CHECK_PLACE_H
#define REPOINT_OBJECT_CHECK_PLACE_H

#include "../elf/records.h"

/**
 * struct rp_check_place - what a field refers to.
 * @section: 0 if it is not in this file
 * @symbol:  of the relocation; 0 in a linked file
 * @type:    of the relocation; 0 in a linked file
 */
struct rp_check_place {
	uint32_t section;
	uint64_t offset;
	uint32_t symbol;
	uint32_t type;
};

/** rp_check_place() - what the field at @offset, of 4 bytes relative to itself,
 *  refers to. Return: does it refer to anything? A linked file's without distance
 *  does not. */
bool rp_check_place(const struct rp_records *table, uint64_t offset,
		    struct rp_check_place *ret);

#endif /* REPOINT_OBJECT_CHECK_PLACE_H */
