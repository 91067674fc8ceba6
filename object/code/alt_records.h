/* SPDX-License-Identifier: MIT */
/* Records of alternatives, in the formats that there are. */
#ifndef REPOINT_OBJECT_CODE_ALT_RECORDS_H
#define REPOINT_OBJECT_CODE_ALT_RECORDS_H

#include "../abi.h"
#include "../elf/records.h"

/**
 * struct rp_alt_record - one of a table of alternatives, whatever its format.
 * @table, @at:  where it is
 * @site:        what is replaced, @length bytes
 * @replacement: @replacement_length bytes; none if that is 0
 * @flags:       of linux-6.1: bit 15 of its feature
 */
struct rp_alt_record {
	uint32_t table;
	uint64_t at;
	struct rp_spot site, replacement;
	uint16_t feature, flags;
	uint16_t length, replacement_length;
};

/** rp_alt_record_read() - the record at @at. */
void rp_alt_record_read(const struct rp_records *table,
			const struct rp_abi *abi, uint64_t at,
			struct rp_alt_record *ret);

#endif /* REPOINT_OBJECT_CODE_ALT_RECORDS_H */
