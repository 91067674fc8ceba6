/* SPDX-License-Identifier: MIT */
/* What a field of a record refers to. */
#include "place.h"

static bool linked_place(const struct rp_records *table, uint64_t offset,
			 struct rp_check_place *ret)
{
	if (!rp_records_field(table, offset, 4))
		return false;
	struct rp_spot spot = rp_records_target(table, offset);
	ret->section = spot.section;
	ret->offset = spot.offset;
	return ret->section != 0;
}

bool rp_check_place(const struct rp_records *table, uint64_t offset,
		    struct rp_check_place *ret)
{
	const struct rp_relobj *obj = table->obj;

	*ret = (struct rp_check_place){ 0 };
	if (obj->linked)
		return linked_place(table, offset, ret);
	const struct rp_reloc *r = rp_records_reloc(table, offset);
	if (!r || !r->symbol)
		return false;
	const struct rp_symbol *symbol = &obj->symbols[r->symbol];
	ret->symbol = r->symbol;
	ret->type = r->type;
	if (symbol->section != RP_SECTION_NONE) {
		ret->section = symbol->section;
		ret->offset = symbol->value + (uint64_t)r->addend;
	}
	return true;
}
