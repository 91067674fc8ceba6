/* SPDX-License-Identifier: MIT */
/* Mutations of .eh_frame: where a row begins, and what it says of the CFA. */
#include "mutant.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { EXTENDED = 0, ADVANCE = 0x40, OFFSET = 0x80, RESTORE = 0xc0 };
enum { ADVANCE1 = 0x02, DEF_CFA = 0x0c, DEF_CFA_REGISTER = 0x0d,
       DEF_CFA_OFFSET = 0x0e };

/* A row that has another CFA than the one before. */
struct row {
	uint8_t *advance;	/* operand of what moved here, in its own byte */
	uint8_t *offset;	/* operand of DW_CFA_def_cfa_offset, or NULL */
	uint32_t section;
	uint64_t at;
};

static uint64_t uleb(uint8_t **p, const uint8_t *end)
{
	uint64_t ret = 0;

	for (unsigned int shift = 0; *p < end; shift += 7) {
		uint8_t byte = *(*p)++;

		ret |= (uint64_t)(byte & 0x7f) << (shift & 63);
		if (!(byte & 0x80))
			break;
	}
	return ret;
}

/* Skips an operation's operands. False: one that compilers do not emit here. */
static bool skip_operands(uint8_t op, uint8_t **p, const uint8_t *end)
{
	uint64_t length;

	switch (op & 0xc0 ? op & 0xc0 : op) {
	case ADVANCE: case RESTORE: case 0x00:	/* nop */
	case 0x0a: case 0x0b:			/* remember, restore state */
		return true;
	case ADVANCE1:
		++*p;
		return true;
	case 0x03:
		*p += 2;
		return true;
	case 0x04:
		*p += 4;
		return true;
	case OFFSET: case 0x06: case 0x07: case 0x08: case DEF_CFA_REGISTER:
	case DEF_CFA_OFFSET: case 0x2e:		/* GNU_args_size */
		uleb(p, end);
		return true;
	case 0x05: case 0x09: case DEF_CFA:
		uleb(p, end);
		uleb(p, end);
		return true;
	case 0x0f:				/* def_cfa_expression */
		length = uleb(p, end);
		*p += length;
		return true;
	case 0x10: case 0x16:			/* expressions */
		uleb(p, end);
		length = uleb(p, end);
		*p += length;
		return true;
	}
	return false;
}

static uint64_t advanced(uint8_t op, const uint8_t *p)
{
	uint32_t delta = 0;

	if ((op & 0xc0) == ADVANCE)
		return op & 0x3f;
	if (op < ADVANCE1 || op > 0x04)
		return 0;
	memcpy(&delta, p, 1u << (op - ADVANCE1));
	return delta;
}

/*
 * Rows of an FDE's instructions that an advance and at once a new CFA begin: if
 * they began elsewhere, the CFA would be wrong at the instruction there.
 */
static bool find_row(uint8_t *p, const uint8_t *end, struct row *row,
		     uint64_t at, size_t *skip)
{
	uint8_t *advance = NULL;

	while (p < end) {
		uint8_t *op = p++, *operand = p;

		if (!skip_operands(*op, &p, end) || p > end)
			return false;
		if (advance && (*op == DEF_CFA || *op == DEF_CFA_OFFSET) &&
		    !(*skip)--) {
			row->advance = advance;
			row->offset = *op == DEF_CFA_OFFSET ? operand : NULL;
			row->at = at;
			return true;
		}
		at += advanced(*op, operand);
		advance = (*op & 0xc0) == ADVANCE ? op : *op == ADVANCE1 ?
							 operand : NULL;
	}
	return false;
}

static uint32_t word(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/*
 * The @i-th such row of all. FDEs as compilers write them: 32 bit addresses,
 * and an augmentation whose length is given.
 */
static bool row_at(const struct mutant *m, size_t i, struct row *row)
{
	uint32_t frames = section_named(m, ".eh_frame");
	uint8_t *start = section_data(m, frames);
	uint8_t *end = start + m->sections[frames].sh_size, *next;

	if (!frames)
		return false;
	for (uint8_t *p = start; p + 8 <= end && word(p); p = next) {
		next = p + 4 + word(p);
		if (next > end)
			return false;
		const Elf64_Rela *rela = relocation_at(m, frames,
						       p + 8 - start);
		uint64_t at;

		if (!word(p + 4) || !rela ||
		    !points_to(m, rela, 0, &row->section, &at))
			continue;
		uint8_t *ops = p + 16;
		uint64_t augmentation = uleb(&ops, next);

		if (find_row(ops + augmentation, next, row, at, &i))
			return true;
	}
	return false;
}

static size_t count_rows(const struct mutant *m)
{
	struct row row;
	size_t n = 0;

	while (row_at(m, n, &row))
		n++;
	return n;
}

static void note_row(struct mutant *m, const struct row *row, const char *what)
{
	snprintf(m->place, sizeof(m->place), "%s+0x%" PRIx64 ": %s",
		 section_name(m, row->section), row->at, what);
}

/* All rows behind it are one byte late as well. */
static bool shift_row(struct mutant *m, size_t i)
{
	struct row row;

	if (!row_at(m, i, &row) || !insn_at(m, row.section, row.at) ||
	    (*row.advance & 0x3f) == 0x3f)
		return false;
	++*row.advance;
	note_row(m, &row, "its CFA comes one byte late");
	return true;
}

static bool change_offset(struct mutant *m, size_t i)
{
	struct row row;

	if (!row_at(m, i, &row) || !row.offset ||
	    !insn_at(m, row.section, row.at) || *row.offset >= 0x78)
		return false;
	*row.offset += 8;
	note_row(m, &row, "8 more to the CFA");
	return true;
}

const struct class frame_classes[] = {
	{ "cfi-shifted", "947", count_rows, shift_row },
	{ "cfi-offset", "947", count_rows, change_offset },
	{ 0 },
};
