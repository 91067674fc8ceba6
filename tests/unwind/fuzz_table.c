// SPDX-License-Identifier: MIT
/*
 * Fuzz target: a table file, whatever it holds, and walks by it over a stack
 * that is as wild. What opens can be searched at any address; walks end, and
 * read nothing but the stack that they were given.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../fuzz/target.h"
#include "../../src/unwind_table.h"

#define STACK	0x7ffd00000000u
#define WORDS	64
/* The stack pointer rises, by a byte at least, between two turns. */
#define STEPS	((RP_UNWIND_TURNS_MAX + 1) * (8 * WORDS + 1))

static uint64_t entry_address(const struct rp_unwind_table *table, uint64_t i)
{
	return rp__unwind_address(table, i % table->nr);
}

static void search(const struct rp_unwind_table *table)
{
	struct rp__unwind_entry entry;

	for (uint64_t i = 0; i < 64; i++) {
		uint64_t at = entry_address(table, i * i * 2654435761u);

		for (uint64_t near = at - 1; near != at + 2; near++) {
			int rc = rp__unwind_lookup(table, near, &entry);

			if (rc && rc != -ENODATA && rc != -EINVAL)
				abort();
		}
		if (rp__unwind_lookup(table, at, &entry) == -ENODATA)
			abort();
	}
	rp__unwind_lookup(table, 0, &entry);
	rp__unwind_lookup(table, UINT64_MAX, &entry);
}

static void walk(const struct rp_unwind_table *table, uint64_t seed)
{
	struct rp_unwind_module module = { table, 0, UINT64_MAX, 0, 0 };
	struct rp_unwind_space space = { sizeof(space), &module, 1, 1 };
	uint64_t *stack = malloc(WORDS * sizeof(*stack));
	struct rp_unwind_memory memory = { sizeof(memory), STACK,
					   STACK + 8 * WORDS, stack, NULL,
					   NULL };
	struct rp_unwind_frame frame = { .valid = RP_UNWIND_ALL };
	unsigned int steps = 0;
	int rc;

	if (!stack)
		abort();
	/* Half of it leads back into the stack, half to code of the table. */
	for (uint64_t i = 0; i < WORDS; i++)
		stack[i] = (seed * (i + 7)) % 2 ?
				   entry_address(table, seed * i) + i % 3 :
				   STACK + (seed * i) % (8 * WORDS);
	for (unsigned int i = 0; i < RP_UNWIND_REG_NR; i++)
		frame.reg[i] = STACK + 8 * i;
	frame.ip = entry_address(table, seed);
	while ((rc = rp_unwind_step(&space, &memory, &frame)) == 1)
		if (++steps > STEPS)
			abort();
	if (rc > 0)
		abort();
	free(stack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rp_unwind_sections sections;
	struct rp_unwind_table *table;

	/* A copy of exactly this size, so that one byte too far is noticed. */
	uint8_t *bytes = malloc(size ? size : 1);
	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	if (!rp__unwind_find_sections(bytes, size, &sections) &&
	    !rp_unwind_table_from_memory(&sections, &table)) {
		/* Not more than the file is worth. */
		if (table->nr_blocks > table->nr)
			abort();
		search(table);
		for (uint64_t seed = 1; seed < 20; seed++)
			walk(table, seed * 0x9e3779b97f4a7c15u);
		rp_unwind_table_close(table);
	}
	free(bytes);
	return 0;
}
