/* SPDX-License-Identifier: MIT */
/*
 * Unwind tables as they are in files and in memory: <repoint/unwind.h> inside.
 *
 * Tables are untrusted: rp__unwind_init() checks what a lookup relies on (sizes,
 * order), a lookup checks the entry that it returns. Values are little-endian
 * and aligned to nothing.
 */
#ifndef RP_SRC_UNWIND_TABLE_H
#define RP_SRC_UNWIND_TABLE_H

#include <stdbool.h>
#include <string.h>

#include <repoint/unwind.h>

#define RP__UNWIND_ENTRY_SIZE	6u
#define RP__UNWIND_WIDE_SIZE	12u
#define RP__UNWIND_VERSION	1u

/* How the caller's stack pointer is found; SP_INDIRECT and so on: memory. */
enum rp__unwind_base {
	RP__UNWIND_BASE_UNDEFINED,
	RP__UNWIND_BASE_PREV_SP,	/* of bp_reg only */
	RP__UNWIND_BASE_DX,
	RP__UNWIND_BASE_DI,
	RP__UNWIND_BASE_BP,
	RP__UNWIND_BASE_SP,
	RP__UNWIND_BASE_R10,
	RP__UNWIND_BASE_R13,
	RP__UNWIND_BASE_BP_INDIRECT,	/* [bp + sp_offset] */
	RP__UNWIND_BASE_SP_INDIRECT,	/* [sp] + sp_offset */
	RP__UNWIND_BASE_BX,		/* from here on: not the kernel's */
	RP__UNWIND_BASE_R12,
	RP__UNWIND_BASE_R14,
	RP__UNWIND_BASE_R15,
	RP__UNWIND_BASE_AX,
	RP__UNWIND_BASE_CX,
	RP__UNWIND_BASE_SI,		/* from here on: of wide entries */
	RP__UNWIND_BASE_R8,
	RP__UNWIND_BASE_R9,
	RP__UNWIND_BASE_R11,
	RP__UNWIND_BASE_SP_SAVED,	/* [sp + sp_offset] + 8 */
	RP__UNWIND_BASE_BP_SAVED,	/* [bp + sp_offset] + 8 */
	RP__UNWIND_BASE_NR
};

enum rp__unwind_type {
	RP__UNWIND_UNDEFINED,
	RP__UNWIND_END_OF_STACK,
	RP__UNWIND_CALL,
	RP__UNWIND_REGS,		/* there is what PTRACE_GETREGS gives */
	RP__UNWIND_REGS_PARTIAL,	/* there is what IRET takes */
	RP__UNWIND_WIDE,		/* the offsets number a wide entry */
	RP__UNWIND_SIGNAL_FRAME,	/* there is a struct ucontext */
	RP__UNWIND_TYPE_NR
};

/* struct rp__unwind_entry - an entry of either width. */
struct rp__unwind_entry {
	int32_t sp_offset;
	int32_t bp_offset;
	uint8_t sp_reg;
	uint8_t bp_reg;
	uint8_t type;
	bool exact;
};

/*
 * struct rp_unwind_table
 * @nr:     entries
 * @first:  address of the first; @last: of the last
 * @blocks: for block b of 1 << @shift bytes from @first: the last entry that
 *          begins at or before the start of the block
 * @map:    the mapped file, or NULL
 */
struct rp_unwind_table {
	const uint8_t *ip;
	const uint8_t *entries;
	const uint8_t *wide;
	uint64_t ip_address;
	uint64_t first;
	uint64_t last;
	uint32_t *blocks;
	uint32_t nr;
	uint32_t nr_wide;
	uint32_t nr_blocks;
	uint32_t shift;
	const void *build_id;
	size_t build_id_size;
	void *map;
	size_t map_size;
};

static inline uint32_t rp__unwind_load32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* The address of entry i, of the binary; wraps around with damaged tables. */
static inline uint64_t rp__unwind_address(const struct rp_unwind_table *table,
					  uint64_t i)
{
	int32_t value = (int32_t)rp__unwind_load32(table->ip + 4 * i);

	return table->ip_address + 4 * i + (uint64_t)(int64_t)value;
}

/* What rp_unwind_table_from_memory() does, into a table of the caller's. */
int rp__unwind_init(struct rp_unwind_table *table,
		    const struct rp_unwind_sections *sections);
void rp__unwind_deinit(struct rp_unwind_table *table);

/* The sections of a table file in memory: -EINVAL, -EPROTONOSUPPORT. */
int rp__unwind_find_sections(const void *file, size_t size,
			     struct rp_unwind_sections *ret);

/*
 * The entry that holds at @address of the binary. Return: 0; -ENODATA: none;
 * -EINVAL: it makes no sense.
 */
int rp__unwind_lookup(const struct rp_unwind_table *table, uint64_t address,
		      struct rp__unwind_entry *ret);

/*
 * The build ID among the notes at @notes; @align: of the segment. Return: its
 * size; 0: none.
 */
size_t rp__unwind_note(const void *notes, size_t size, size_t align,
		       const void **ret);

#endif
