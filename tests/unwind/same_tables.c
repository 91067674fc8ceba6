// SPDX-License-Identifier: MIT
/*
 * Do two table files say the same of each address?
 *
 *   same_tables A B
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/unwind_table.h"

static unsigned long differences, compared;

static bool is_same(const struct rp__unwind_entry *a,
		    const struct rp__unwind_entry *b)
{
	/* Of what has no caller, the rest means nothing. */
	if (a->type != b->type || a->type <= RP__UNWIND_END_OF_STACK)
		return a->type == b->type;
	if (a->sp_reg != b->sp_reg || a->sp_offset != b->sp_offset)
		return false;
	if (a->type == RP__UNWIND_SIGNAL_FRAME)
		return true;
	return a->exact == b->exact && a->bp_reg == b->bp_reg &&
	       (!a->bp_reg || a->bp_offset == b->bp_offset);
}

static void look_up(const struct rp_unwind_table *table, uint64_t address,
		    struct rp__unwind_entry *ret)
{
	static const struct rp__unwind_entry none;

	/* Before the first entry nothing is known, as in a gap. */
	if (rp__unwind_lookup(table, address, ret))
		*ret = none;
}

static void print(const char *name, const struct rp__unwind_entry *entry)
{
	printf("# %s: type %u, sp %u%+d, bp %u%+d%s\n", name, entry->type,
	       entry->sp_reg, entry->sp_offset, entry->bp_reg,
	       entry->bp_offset, entry->exact ? ", exact" : "");
}

static void compare(const struct rp_unwind_table *a,
		    const struct rp_unwind_table *b, uint64_t address)
{
	struct rp__unwind_entry of_a, of_b;

	look_up(a, address, &of_a);
	look_up(b, address, &of_b);
	compared++;
	if (is_same(&of_a, &of_b))
		return;
	if (differences++ < 10) {
		printf("# %#llx\n", (unsigned long long)address);
		print("A", &of_a);
		print("B", &of_b);
	}
}

int main(int argc, char **argv)
{
	struct rp_unwind_table *a, *b;

	if (argc != 3 || rp_unwind_table_open(argv[1], &a) ||
	    rp_unwind_table_open(argv[2], &b))
		return 99;
	for (uint32_t i = 0; i < a->nr; i++)
		compare(a, b, rp__unwind_address(a, i));
	for (uint32_t i = 0; i < b->nr; i++)
		compare(a, b, rp__unwind_address(b, i));
	printf("%lu addresses, %lu differences\n", compared, differences);
	rp_unwind_table_close(a);
	rp_unwind_table_close(b);
	return differences || !compared;
}
