// SPDX-License-Identifier: MIT
/* Tables: checked once, then searched. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "unwind_table.h"

#define BLOCK_SHIFT	8

static bool is_sorted(const struct rp_unwind_table *table)
{
	uint64_t before = table->first;

	for (uint64_t i = 1; i < table->nr; i++) {
		uint64_t address = rp__unwind_address(table, i);

		if (address < before)
			return false;
		before = address;
	}
	return true;
}

/*
 * Blocks grow until there are no more of them than entries: who makes a table
 * of two entries, far from each other, shall not have our memory.
 */
static void size_blocks(struct rp_unwind_table *table)
{
	uint64_t span = table->last - table->first;

	table->shift = BLOCK_SHIFT;
	while (span >> table->shift >= table->nr)
		table->shift++;
	table->nr_blocks = (uint32_t)(span >> table->shift) + 1;
}

static int make_blocks(struct rp_unwind_table *table)
{
	uint32_t i = 0;

	size_blocks(table);
	table->blocks = malloc(table->nr_blocks * sizeof(*table->blocks));
	if (!table->blocks)
		return -ENOMEM;
	for (uint64_t b = 0; b < table->nr_blocks; b++) {
		uint64_t start = table->first + (b << table->shift);

		while (i + 1 < table->nr &&
		       rp__unwind_address(table, i + 1) <= start)
			i++;
		table->blocks[b] = i;
	}
	return 0;
}

static bool sizes_fit(const struct rp_unwind_sections *sections)
{
	size_t nr = sections->ip_size / 4;

	return sections->sz >= sizeof(*sections) && sections->ip &&
	       sections->entries && sections->ip_size % 4 == 0 &&
	       nr >= 1 && nr < UINT32_MAX &&
	       sections->entries_size / RP__UNWIND_ENTRY_SIZE == nr &&
	       sections->entries_size % RP__UNWIND_ENTRY_SIZE == 0 &&
	       (sections->wide || !sections->wide_size) &&
	       (sections->build_id || !sections->build_id_size) &&
	       sections->wide_size % RP__UNWIND_WIDE_SIZE == 0 &&
	       sections->wide_size / RP__UNWIND_WIDE_SIZE < UINT32_MAX;
}

int rp__unwind_init(struct rp_unwind_table *table,
		    const struct rp_unwind_sections *sections)
{
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		return -ENOTSUP;
	if (!sections || !sizes_fit(sections))
		return -EINVAL;
	memset(table, 0, sizeof(*table));
	table->ip = sections->ip;
	table->ip_address = sections->ip_address;
	table->entries = sections->entries;
	table->wide = sections->wide;
	table->nr = (uint32_t)(sections->ip_size / 4);
	table->nr_wide = (uint32_t)(sections->wide_size / RP__UNWIND_WIDE_SIZE);
	table->build_id = sections->build_id;
	table->build_id_size = sections->build_id_size;
	table->first = rp__unwind_address(table, 0);
	table->last = rp__unwind_address(table, table->nr - 1);
	if (!is_sorted(table))
		return -EINVAL;
	return make_blocks(table);
}

void rp__unwind_deinit(struct rp_unwind_table *table)
{
	free(table->blocks);
	if (table->map)
		munmap(table->map, table->map_size);
}

int rp_unwind_table_from_memory(const struct rp_unwind_sections *sections,
				struct rp_unwind_table **ret)
{
	struct rp_unwind_table *table;
	int rc;

	if (!ret)
		return -EINVAL;
	table = malloc(sizeof(*table));
	if (!table)
		return -ENOMEM;
	rc = rp__unwind_init(table, sections);
	if (rc < 0) {
		free(table);
		return rc;
	}
	*ret = table;
	return 0;
}

void rp_unwind_table_close(struct rp_unwind_table *table)
{
	if (!table)
		return;
	rp__unwind_deinit(table);
	free(table);
}

const void *rp_unwind_table_build_id(const struct rp_unwind_table *table,
				     size_t *size)
{
	*size = table->build_id_size;
	return table->build_id_size ? table->build_id : NULL;
}

/* The last entry that begins at or before @address; it is not before @first. */
static uint32_t search(const struct rp_unwind_table *table, uint64_t address)
{
	uint64_t block = (address - table->first) >> table->shift;
	uint32_t low, high;

	if (address >= table->last)
		return table->nr - 1;
	low = table->blocks[block];
	high = block + 1 < table->nr_blocks ? table->blocks[block + 1] + 1
					    : table->nr;
	/* Which half it is cannot be predicted: no branch depends on it. */
	for (uint32_t n = high - low; n > 1; n -= n / 2) {
		uint32_t middle = low + n / 2;

		low = rp__unwind_address(table, middle) <= address ? middle
								   : low;
	}
	return low;
}

static int decode_wide(const struct rp_unwind_table *table, uint32_t index,
		       struct rp__unwind_entry *ret)
{
	const uint8_t *at;

	if (index >= table->nr_wide)
		return -EINVAL;
	at = table->wide + (size_t)index * RP__UNWIND_WIDE_SIZE;
	ret->sp_offset = (int32_t)rp__unwind_load32(at);
	ret->bp_offset = (int32_t)rp__unwind_load32(at + 4);
	ret->sp_reg = at[8];
	ret->bp_reg = at[9];
	ret->type = at[10];
	ret->exact = at[11];
	if (at[11] > 1 || ret->type == RP__UNWIND_WIDE)
		return -EINVAL;
	return 0;
}

static int decode(const struct rp_unwind_table *table, uint32_t i,
		  struct rp__unwind_entry *ret)
{
	const uint8_t *at = table->entries + (size_t)i * RP__UNWIND_ENTRY_SIZE;
	uint32_t offsets = rp__unwind_load32(at);

	ret->sp_offset = (int16_t)offsets;
	ret->bp_offset = (int16_t)(offsets >> 16);
	ret->sp_reg = at[4] & 15;
	ret->bp_reg = at[4] >> 4;
	ret->type = at[5] & 7;
	ret->exact = at[5] >> 3 & 1;
	if (at[5] >> 4)
		return -EINVAL;
	if (ret->type == RP__UNWIND_WIDE)
		return decode_wide(table, offsets, ret);
	return 0;
}

int rp__unwind_lookup(const struct rp_unwind_table *table, uint64_t address,
		      struct rp__unwind_entry *ret)
{
	if (address < table->first)
		return -ENODATA;
	return decode(table, search(table, address), ret);
}
