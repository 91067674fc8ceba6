/* SPDX-License-Identifier: MIT */
/* Rows of line tables, one by one: several may start at one instruction. */
#include "internal.h"

static size_t first_row(const struct rp_debug_rows *rows, uint64_t address)
{
	size_t low = 0, high = rows->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rows->v[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t rp_debug_line_rows(struct rp_debug_info *info, uint32_t section,
			  uint64_t offset, uint64_t size,
			  struct rp_line_row *ret, size_t room)
{
	struct rp_source_line line;
	size_t n = 0;

	// Reads the table, if that was not done yet.
	rp_debug_line(info, section, offset, &line);
	if (section >= info->obj->nsections || !info->image.bases[section])
		return 0;
	uint64_t base = info->image.bases[section];
	for (size_t i = first_row(&info->rows, base + offset);
	     i < info->rows.n && info->rows.v[i].address - base < offset + size;
	     i++) {
		const struct rp_debug_row *row = &info->rows.v[i];

		if (!row->line)
			continue;
		if (n < room)
			ret[n] = (struct rp_line_row){ row->address - base,
						       row->line };
		n++;
	}
	return n;
}

/* Calls that were inlined, and where their functions' bodies are. */
static bool starts_at(Dwarf_Die *die, uint64_t address)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &start, &end)) > 0) {
		if (start == address)
			return true;
	}
	return false;
}

static bool find_in_unit(Dwarf_Die *unit, uint64_t address, Dwarf_Die *ret)
{
	if (dwarf_child(unit, ret))
		return false;
	do {
		if (dwarf_tag(ret) == DW_TAG_subprogram &&
		    starts_at(ret, address))
			return true;
	} while (!dwarf_siblingof(ret, ret));
	return false;
}

static bool find_function(struct rp_debug_info *info, uint64_t address,
			  Dwarf_Die *ret)
{
	struct rp_debug_unit unit = { .next = 0 };
	struct rp_diag ignored;

	while (rp_debug_unit_next(info, &unit, &ignored) > 0) {
		if (dwarf_tag(&unit.die) == DW_TAG_compile_unit &&
		    find_in_unit(&unit.die, address, ret))
			return true;
	}
	return false;
}

/* @budget: entries to look at: no object has more than it has bytes. */
struct calls {
	uint32_t *lines;
	size_t room, n;
	size_t budget;
};

static void add_call(struct calls *calls, Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Word line = 0;

	if (!dwarf_attr(die, DW_AT_call_line, &attribute) ||
	    dwarf_formudata(&attribute, &line))
		line = 0;
	if (calls->n < calls->room)
		calls->lines[calls->n] = line;
	calls->n++;
}

// Bodies of blocks in blocks: hostile ones nest without end.
#define MAX_DEPTH	256

static void list_calls(Dwarf_Die *die, struct calls *calls, int depth)
{
	Dwarf_Die child;

	if (depth > MAX_DEPTH || dwarf_child(die, &child))
		return;
	do {
		int tag = dwarf_tag(&child);

		// Damaged ones may refer to each other for ever.
		if (!calls->budget)
			return;
		calls->budget--;
		if (tag == DW_TAG_inlined_subroutine)
			add_call(calls, &child);
		if (tag == DW_TAG_inlined_subroutine ||
		    tag == DW_TAG_lexical_block)
			list_calls(&child, calls, depth + 1);
	} while (!dwarf_siblingof(&child, &child));
}

size_t rp_debug_call_lines(struct rp_debug_info *info, uint32_t section,
			   uint64_t offset, uint32_t *ret, size_t room)
{
	struct calls calls = { .lines = ret, .room = room,
			       .budget = info->image.size };
	Dwarf_Die function;

	if (section >= info->obj->nsections || !info->image.bases[section] ||
	    !find_function(info, info->image.bases[section] + offset, &function))
		return 0;
	list_calls(&function, &calls, 0);
	return calls.n;
}
