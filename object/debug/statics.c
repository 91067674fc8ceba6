/* SPDX-License-Identifier: MIT */
/* Static variables of functions: which function declares what is at a place. */
#include "internal.h"

#include "../grow.h"

#include <stdlib.h>
#include <string.h>

struct rp_debug_static {
	uint64_t address;
	const char *function;
	const char *name;
	uint32_t rank;		/* which one of that name in that function */
	uint32_t line;
};

struct walk {
	struct rp_debug_info *info;
	struct rp_debug_statics *ret;
	const char *function;
	size_t first;		/* of @ret, of this function */
	size_t budget;
};

/* The address that a location is, if it is one. */
static bool address_of(Dwarf_Die *die, uint64_t *ret)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *op;
	size_t n;

	if (!dwarf_attr(die, DW_AT_location, &attribute) ||
	    dwarf_getlocation(&attribute, &op, &n) || n != 1 ||
	    op->atom != DW_OP_addr)
		return false;
	*ret = op->number;
	return true;
}

static bool add(struct walk *w, Dwarf_Die *die)
{
	struct rp_debug_statics *s = w->ret;
	struct rp_debug_static it = { .function = w->function ?: "" };
	int line = 0;

	it.name = dwarf_diename(die);
	if (!dwarf_decl_line(die, &line) && line > 0)
		it.line = line;
	if (!it.name || !address_of(die, &it.address))
		return true;
	for (size_t i = w->first; w->function && i < s->n; i++)
		it.rank += !strcmp(s->v[i].name, it.name);
	if (rp_grow(&s->v, &s->room, s->n + 1, sizeof(*s->v)))
		return false;
	s->v[s->n++] = it;
	return true;
}

static bool walk(struct walk *w, Dwarf_Die *parent, int depth);

static bool visit(struct walk *w, Dwarf_Die *die, int depth)
{
	const char *function = w->function;
	size_t first = w->first;

	switch (dwarf_tag(die)) {
	case DW_TAG_variable:
		return add(w, die);
	case DW_TAG_subprogram:
		w->function = dwarf_diename(die);
		w->first = w->ret->n;
		break;
	case DW_TAG_lexical_block:
	case DW_TAG_namespace:
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_inlined_subroutine:
		break;
	default:
		return true;
	}
	bool more = walk(w, die, depth + 1);
	w->function = function;
	w->first = first;
	return more;
}

// Blocks in blocks: damaged ones nest without end.
#define MAX_DEPTH	256

static bool walk(struct walk *w, Dwarf_Die *parent, int depth)
{
	Dwarf_Die child;

	if (depth > MAX_DEPTH || dwarf_child(parent, &child))
		return true;
	do {
		if (!w->budget)
			return false;
		w->budget--;
		if (!visit(w, &child, depth))
			return false;
	} while (!dwarf_siblingof(&child, &child));
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct rp_debug_static *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static void read_statics(struct rp_debug_info *info)
{
	struct walk w = { .info = info, .ret = &info->statics,
			  .budget = info->image.size };
	struct rp_debug_unit unit = { .next = 0 };
	struct rp_diag ignored;

	while (rp_debug_unit_next(info, &unit, &ignored) > 0) {
		if (dwarf_tag(&unit.die) == DW_TAG_compile_unit &&
		    !walk(&w, &unit.die, 0))
			break;
	}
	if (info->statics.n)
		qsort(info->statics.v, info->statics.n,
		      sizeof(*info->statics.v), by_address);
}

static bool is_type(int tag)
{
	return tag == DW_TAG_base_type || tag == DW_TAG_pointer_type ||
	       tag == DW_TAG_structure_type || tag == DW_TAG_typedef;
}

bool rp_debug_has_types(struct rp_debug_info *info)
{
	struct rp_debug_unit unit = { .next = 0 };
	size_t budget = info->image.size;
	struct rp_diag ignored;
	Dwarf_Die child;

	while (rp_debug_unit_next(info, &unit, &ignored) > 0) {
		if (dwarf_child(&unit.die, &child))
			continue;
		do {
			if (is_type(dwarf_tag(&child)))
				return true;
		} while (budget-- && !dwarf_siblingof(&child, &child));
	}
	return false;
}

bool rp_debug_static(struct rp_debug_info *info, uint32_t section,
		     uint64_t offset, struct rp_static_variable *ret)
{
	struct rp_debug_static key, *found;

	if (section >= info->obj->nsections || !info->image.bases[section])
		return false;
	if (!info->has_statics) {
		info->has_statics = true;
		read_statics(info);
	}
	key.address = info->image.bases[section] + offset;
	found = info->statics.n ? bsearch(&key, info->statics.v,
		info->statics.n, sizeof(key), by_address) : NULL;
	if (!found)
		return false;
	*ret = (struct rp_static_variable){ found->function, found->name,
					    found->rank, found->line };
	return true;
}
