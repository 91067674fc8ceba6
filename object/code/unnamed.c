/* SPDX-License-Identifier: MIT */
/*
 * Functions that no symbol names: of stripped files, from .eh_frame; and code
 * that nothing describes.
 */
#include "../grow.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/*
 * A function is entered with the return address on top of the stack. What
 * begins otherwise was split off another one.
 */
static bool is_part(const struct rp_frame_rows *rows,
		    const struct rp_frame_fde *fde)
{
	const struct rp_frame_row *row =
		rp_frame_row_at(rows, fde->section, fde->start);

	return row && !fde->signal &&
	       !(row->cfa == RP_ROW_CFA_REG && row->cfa_reg == RP_RSP &&
		 row->cfa_offset == 8);
}

static bool is_named(const struct rp_code *code, uint32_t section,
		     uint64_t offset)
{
	uint32_t insn = rp_code_around(code, section, offset);

	return !insn || code->insns[insn].function;
}

/* The instructions have their functions as far as symbols name them. */
int rp_code_add_described(struct rp_code_build *b)
{
	const struct rp_code *code = b->code;
	int rc = 0;

	for (size_t i = 0; b->rows && i < b->rows->nfdes && !rc; i++) {
		const struct rp_frame_fde *fde = &b->rows->fdes[i];
		struct rp_function f = {
			.section = fde->section, .offset = fde->start,
			.size = fde->end - fde->start,
			.flags = RP_FUNCTION_UNNAMED,
		};

		if (!rp_code_has(code, fde->section) ||
		    fde->start >= fde->end ||
		    rp_code_is_stub_section(code, fde->section) ||
		    !rp_code_at(code, fde->section, fde->start) ||
		    is_named(code, fde->section, fde->start))
			continue;
		if (is_part(b->rows, fde))
			f.flags |= RP_FUNCTION_COLD;
		rc = rp_code_add_function(b, &f);
	}
	return rc;
}

// Stubs are functions of their own.
static uint64_t stub_size(const struct rp_code *code, uint32_t section)
{
	uint64_t size = code->obj->sections[section].hdr.sh_entsize;

	if (!rp_code_is_stub_section(code, section))
		return 0;
	return size >= 8 && size <= 64 ? size : 16;
}

static bool ends_here(const struct rp_code *code, uint32_t first, uint32_t i,
		      uint64_t stub)
{
	const struct rp_code_insn *insns = code->insns;

	return insns[i].function ||
	       insns[i].offset != insns[i - 1].offset + insns[i - 1].length ||
	       (stub && insns[i].offset / stub != insns[first].offset / stub);
}

// @first is no padding. What the next one's alignment needs is not counted.
static int add_gap(struct rp_code_build *b, uint32_t section, uint32_t first,
		   uint32_t end, bool called)
{
	const struct rp_code_insn *insns = b->code->insns;
	struct rp_function f = {
		.section = section, .offset = insns[first].offset,
		.symbol = rp_code_symbol_at(b->code, section,
					    insns[first].offset),
		.flags = RP_FUNCTION_UNTYPED,
	};

	while (end > first + 1 && rp_code_is_fill(&insns[end - 1]))
		end--;
	f.size = insns[end - 1].offset + insns[end - 1].length - f.offset;
	if (!f.symbol)
		f.flags |= RP_FUNCTION_UNNAMED;
	// Of a stripped file: where its functions begin is not known.
	if (!f.symbol && !called && b->obj->linked && f.size >= RP_CODE_LARGE)
		f.flags |= RP_FUNCTION_IGNORE;
	return rp_code_add_function(b, &f);
}

// Is the place, or one before it that @next has passed, where a call goes to?
static bool is_start(const struct rp_starts *s, size_t *next, uint32_t section,
		     uint64_t offset)
{
	while (*next < s->n && s->v[*next].section == section &&
	       s->v[*next].offset < offset)
		++*next;
	return *next < s->n && s->v[*next].section == section &&
	       s->v[*next].offset == offset;
}

static int fill_section(struct rp_code_build *b, const struct rp_starts *s,
			uint32_t section)
{
	const struct rp_code *code = b->code;
	uint32_t i = code->section_first[section];
	uint32_t end = code->section_first[section + 1];
	uint64_t stub = stub_size(code, section);
	size_t next = rp_starts_behind(s, section - 1, UINT64_MAX);
	int rc = 0;

	while (i < end && !rc) {
		uint32_t first = i;
		bool called = is_start(s, &next, section,
				       code->insns[i].offset);

		if (code->insns[i].function ||
		    (rp_code_is_fill(&code->insns[i]) && !called)) {
			i++;
			continue;
		}
		while (++i < end && !ends_here(code, first, i, stub) &&
		       !is_start(s, &next, section, code->insns[i].offset))
			;
		rc = add_gap(b, section, first, i, called);
	}
	return rc;
}

int rp_code_add_gaps(struct rp_code_build *b, const struct rp_starts *s)
{
	int rc = 0;

	for (uint32_t i = 1; i < b->obj->nsections && !rc; i++) {
		if (rp_code_has(b->code, i) &&
		    strcmp(b->obj->sections[i].name,
			   b->code->abi->replacements))
			rc = fill_section(b, s, i);
	}
	return rc;
}

/* struct gap - [@start, @end) of @section, between functions; @next: of these the
 * first behind it. */
struct gap {
	uint32_t section;
	uint64_t start, end;
	size_t next;
};

// The gap in front of the first function that begins behind a place.
static void find_gap(const struct rp_code *code, const struct rp_span *bad,
		     struct gap *gap)
{
	const struct rp_function *f = code->functions;

	if (gap->section != bad->section)
		gap->start = 0;
	gap->section = bad->section;
	for (; gap->next < code->nfunctions &&
	     (f[gap->next].section < bad->section ||
	      (f[gap->next].section == bad->section &&
	       f[gap->next].offset <= bad->start)); gap->next++) {
		const struct rp_function *g = &f[gap->next];

		if (g->section == bad->section &&
		    g->offset + g->size > gap->start)
			gap->start = g->offset + g->size;
	}
	gap->end = code->obj->sections[bad->section].hdr.sh_size;
	if (gap->next < code->nfunctions &&
	    f[gap->next].section == bad->section)
		gap->end = f[gap->next].offset;
}

/*
 * Where a function that is called ends, at the latest: behind the last instruction
 * before @bad that does not go on.
 */
static uint64_t called_end(const struct rp_code *code, uint32_t section,
			   uint64_t start, uint64_t bad)
{
	uint32_t first = rp_code_lower(code, section, start);

	for (uint32_t i = rp_code_lower(code, section, bad); i-- > first;) {
		if (rp_code_ends_flow(&code->insns[i]))
			return code->insns[i].offset + code->insns[i].length;
	}
	return start;
}

// Of a gap, what is around @bad and between functions that are called.
static struct rp_span narrow(const struct rp_code *code, const struct gap *gap,
			     const struct rp_starts *s, uint64_t bad)
{
	struct rp_span span = { gap->start, gap->end, gap->section, true };
	size_t i = rp_starts_behind(s, gap->section, bad);

	if (i < s->n && s->v[i].section == span.section &&
	    s->v[i].offset < span.end)
		span.end = s->v[i].offset;
	if (i && s->v[i - 1].section == span.section &&
	    s->v[i - 1].offset >= span.start)
		span.start = called_end(code, span.section,
					s->v[i - 1].offset, bad);
	return span;
}

/*
 * Hand-written assembly has its constants among the code, without symbols. What
 * lies between functions and is not all code is taken for data, as a whole.
 */
int rp_code_guess_data(struct rp_code_build *b, const struct rp_starts *s)
{
	struct gap gap = { .next = 1 };

	for (size_t i = 0; i < b->nbad; i++) {
		struct rp_span span;

		find_gap(b->code, &b->bad[i], &gap);
		if (b->bad[i].start < gap.start || gap.start >= gap.end)
			continue;
		span = narrow(b->code, &gap, s, b->bad[i].start);
		if (rp_code_add_span(&b->found, &b->nfound, &b->found_room,
				     span))
			return rp_diag_nomem(b->diag);
		// One of them is enough.
		while (i + 1 < b->nbad && b->bad[i + 1].section == span.section &&
		       b->bad[i + 1].start < span.end)
			i++;
	}
	return 0;
}
