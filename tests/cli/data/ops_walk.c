/* SPDX-License-Identifier: MIT */
/*
 * Walks this object's table of ops sites. Every record must name an instruction
 * of its kind and length that goes through the member it says.
 */
#include <repoint/abi.h>

#include <stdio.h>
#include <string.h>

#include "ops.h"

extern const struct rp_op_site __start_rp_op_sites[]
	__attribute__((weak, visibility("hidden")));
extern const struct rp_op_site __stop_rp_op_sites[]
	__attribute__((weak, visibility("hidden")));
extern struct ops same NAMED(same) HIDDEN;

static int is_inside(const void *slot, const struct ops *table)
{
	return (uintptr_t)slot - (uintptr_t)table < sizeof(*table);
}

static int is_bad(const struct rp_op_site *site)
{
	const uint8_t *code = (const uint8_t *)&site->code + site->code;
	const uint8_t *slot = (const uint8_t *)&site->slot + site->slot;
	int prefixes = 0;
	int32_t field;

	while (code[prefixes] == 0x2e)
		prefixes++;
	memcpy(&field, code + prefixes + 2, sizeof(field));
	if (code[prefixes] != 0xff || site->len != prefixes + 6 || site->flags)
		return 1;
	if (code[prefixes + 1] !=
	    (site->kind == RP_OP_SITE_CALL ? 0x15 :
	     site->kind == RP_OP_SITE_JMP ? 0x25 : 0))
		return 1;
	if (slot != code + site->len + field)
		return 1;
	return !is_inside(slot, &data) && !is_inside(slot, &bss) &&
	       !is_inside(slot, &ro) && !is_inside(slot, &same) &&
	       !is_inside(slot, local_table());
}

/* Is there a record for each instruction only once? */
static int is_repeated(const struct rp_op_site *site)
{
	const struct rp_op_site *s = __start_rp_op_sites;

	for (; s < site; s++)
		if ((const uint8_t *)&s->code + s->code ==
		    (const uint8_t *)&site->code + site->code)
			return 1;
	return 0;
}

int walk(void)
{
	const struct rp_op_site *site = __start_rp_op_sites;
	int n = 0, bad = 0, sum;

	fill_tables();
	fill_local();
	sum = all(3);
	for (; site < __stop_rp_op_sites; site++, n++)
		bad += is_bad(site) || is_repeated(site);
	printf("%d sites, %d bad, all(3) = %d\n", n, bad, sum);
	return bad || sum != 48;
}
