/* SPDX-License-Identifier: MIT */
/*
 * Lines of the source for places in objects.
 *
 * Of relocatable objects object/debug/lines.c knows them. Linked files have
 * addresses: their units are sorted by what they cover.
 */
#include "check_lines.h"
#include "../../object/grow.h"

#include <elfutils/libdw.h>
#include <string.h>

struct unit_range {
	uint64_t low, high;
	Dwarf_Off die;
};

struct rp_check_lines {
	struct rp_debug_info *info;
	Elf *elf;
	Dwarf *dwarf;
	struct unit_range *units;
	size_t n, room;
};

static bool add_ranges(struct rp_check_lines *lines, Dwarf_Die *die)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &low, &high)) > 0) {
		if (rp_grow(&lines->units, &lines->room, lines->n + 1,
			    sizeof(*lines->units)))
			return false;
		lines->units[lines->n++] = (struct unit_range){
			low, high, dwarf_dieoffset(die) };
	}
	return true;
}

static int by_low(const void *a, const void *b)
{
	const struct unit_range *x = a, *y = b;

	return (x->low > y->low) - (x->low < y->low);
}

static void read_units(struct rp_check_lines *lines)
{
	Dwarf_Off at = 0, next;
	size_t size;

	while (!dwarf_nextcu(lines->dwarf, at, &next, &size, NULL, NULL,
			     NULL) && next > at) {
		Dwarf_Die die;

		if (dwarf_offdie(lines->dwarf, at + size, &die) &&
		    !add_ranges(lines, &die))
			break;
		at = next;
	}
	if (lines->n)
		qsort(lines->units, lines->n, sizeof(*lines->units), by_low);
}

static void open_linked(struct rp_check_lines *lines,
			const struct rp_relobj *obj)
{
	elf_version(EV_CURRENT);
	lines->elf = elf_memory((char *)obj->image, obj->size);
	if (lines->elf)
		lines->dwarf = dwarf_begin_elf(lines->elf, DWARF_C_READ, NULL);
	if (lines->dwarf)
		read_units(lines);
}

static struct rp_check_lines *open_lines(const struct rp_relobj *obj)
{
	struct rp_check_lines *lines = calloc(1, sizeof(*lines));
	struct rp_diag diag;

	if (!lines)
		return NULL;
	if (obj->linked)
		open_linked(lines, obj);
	else if (rp_debug_lines_open(&lines->info, obj, &diag))
		lines->info = NULL;	// damaged: no line is known
	return lines;
}

static const struct unit_range *find_unit(const struct rp_check_lines *lines,
					  uint64_t address)
{
	size_t low = 0, high = lines->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (lines->units[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < lines->units[low - 1].high ?
	       &lines->units[low - 1] : NULL;
}

static bool find_linked(const struct rp_check_lines *lines, uint64_t address,
			struct rp_source_line *ret)
{
	const struct unit_range *unit = find_unit(lines, address);
	Dwarf_Die die;
	int number;

	if (!unit || !dwarf_offdie(lines->dwarf, unit->die, &die))
		return false;
	Dwarf_Line *line = dwarf_getsrc_die(&die, address);
	const char *file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
	if (!file || dwarf_lineno(line, &number) || number <= 0)
		return false;
	ret->file = file;
	ret->line = number;
	return true;
}

bool rp_check_lines_find(struct rp_check_lines **lines,
			 const struct rp_relobj *obj, uint32_t section,
			 uint64_t offset, struct rp_source_line *ret)
{
	if (!section || !rp_section_is_text(&obj->sections[section]))
		return false;
	if (!*lines)
		*lines = open_lines(obj);
	if (!*lines)
		return false;
	if ((*lines)->dwarf)
		return find_linked(*lines, obj->sections[section].hdr.sh_addr +
				   offset, ret);
	return (*lines)->info &&
	       rp_debug_line((*lines)->info, section, offset, ret);
}

void rp_check_lines_close(struct rp_check_lines *lines)
{
	if (!lines)
		return;
	if (lines->info)
		rp_debug_info_close(lines->info);
	if (lines->dwarf)
		dwarf_end(lines->dwarf);
	if (lines->elf)
		elf_end(lines->elf);
	free(lines->units);
	free(lines);
}
