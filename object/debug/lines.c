// SPDX-License-Identifier: MIT
/* Lines of code: all units' line tables in one array, sorted by address. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static bool add_row(struct rp_debug_rows *rows, struct rp_debug_row row)
{
	if (rows->n == rows->room) {
		size_t room = rows->room ? 2 * rows->room : 1024;
		void *v = reallocarray(rows->v, room, sizeof(*rows->v));

		if (!v)
			return false;
		rows->v = v;
		rows->room = room;
	}
	row.order = (uint32_t)rows->n;
	rows->v[rows->n++] = row;
	return true;
}

const char *rp_file_as_written(const char *file, const char *dir)
{
	size_t length = dir ? strlen(dir) : 0;

	if (length && !strncmp(file, dir, length) && file[length] == '/')
		return file + length + 1;
	return file;
}

static bool add_line(struct rp_debug_rows *rows, Dwarf_Line *line,
		     const char *dir)
{
	struct rp_debug_row row = { .file = "" };
	bool end;
	int number;

	if (dwarf_lineaddr(line, &row.address) ||
	    dwarf_lineendsequence(line, &end) || dwarf_lineno(line, &number))
		return true;
	const char *file = dwarf_linesrc(line, NULL, NULL);
	if (end)
		row.file = NULL;
	else if (file && number > 0) {
		row.file = rp_file_as_written(file, dir);
		row.line = (uint32_t)number;
	}
	return add_row(rows, row);
}

static bool add_unit(struct rp_debug_rows *rows, Dwarf_Die *unit)
{
	const char *dir = rp_die_string(unit, DW_AT_comp_dir);
	Dwarf_Lines *lines;
	size_t n;

	if (dwarf_getsrclines(unit, &lines, &n))
		return true;	// a unit without lines; one with damaged ones
	for (size_t i = 0; i < n; i++)
		if (!add_line(rows, dwarf_onesrcline(lines, i), dir))
			return false;
	return true;
}

static int compare_rows(const void *a, const void *b)
{
	const struct rp_debug_row *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	// The end of one sequence may be where another one starts.
	if (!x->file != !y->file)
		return x->file ? 1 : -1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void sort_rows(struct rp_debug_rows *rows)
{
	for (size_t i = 1; i < rows->n; i++)
		if (compare_rows(&rows->v[i - 1], &rows->v[i]) > 0) {
			qsort(rows->v, rows->n, sizeof(*rows->v), compare_rows);
			return;
		}
}

static void read_rows(struct rp_debug_info *info)
{
	struct rp_debug_unit unit = { .next = 0 };
	struct rp_diag diag;

	// Units were checked when the information was opened.
	while (rp_debug_unit_next(info, &unit, &diag) > 0)
		if (dwarf_tag(&unit.die) != DW_TAG_type_unit &&
		    !add_unit(&info->rows, &unit.die))
			break;
	sort_rows(&info->rows);
}

/* The last row that is not behind @address, or NULL. */
static const struct rp_debug_row *find_row(const struct rp_debug_rows *rows,
					   uint64_t address)
{
	size_t low = 0, high = rows->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (rows->v[mid].address <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? &rows->v[low - 1] : NULL;
}

bool rp_debug_line(struct rp_debug_info *info, uint32_t section,
		   uint64_t offset, struct rp_source_line *ret)
{
	const struct rp_relobj *obj = info->obj;

	if (!section || section >= obj->nsections ||
	    !(obj->sections[section].hdr.sh_flags & SHF_ALLOC) ||
	    !info->image.bases[section] ||
	    offset >= obj->sections[section].hdr.sh_size)
		return false;
	if (!info->has_lines) {
		info->has_lines = true;
		read_rows(info);
	}
	const struct rp_debug_row *row =
		find_row(&info->rows, info->image.bases[section] + offset);
	if (!row || !row->line)
		return false;
	// A sequence without an end must not run into the next section.
	if (row->address < info->image.bases[section])
		return false;
	ret->file = row->file;
	ret->line = row->line;
	return true;
}
