/* SPDX-License-Identifier: MIT */
/*
 * Where instructions have to end, because something else begins: data, a function
 * of the symbols, one of .eh_frame. And what lies between functions as fill: some
 * linkers fill with zero bytes, of any number, which would be taken for the first
 * bytes of what is behind them.
 */
#include "internal.h"

#include <elf.h>

// Passes symbols up to @at. The next function's start behind it, or @end.
static uint64_t next_symbol(const struct rp_code *code, struct rp_bounds *c,
			    uint64_t at, uint64_t end)
{
	const struct rp_code_index *index = code->index;

	for (; c->symbol < index->nsymbols; c->symbol++) {
		const struct rp_symbol *s =
			&code->obj->symbols[index->symbols[c->symbol]];

		if (s->section > c->section)
			break;
		if (s->section == c->section && s->value > at &&
		    s->type == STT_FUNC && s->size)
			return s->value < end ? s->value : end;
		if (s->section == c->section && s->value <= at &&
		    index->reach[c->symbol] > c->covered)
			c->covered = index->reach[c->symbol];
	}
	return end;
}

// Within a function that has a name no other one begins. A handler's frame begins
// before what returns to it: inside of fill.
static bool is_start(const struct rp_code *code, const struct rp_frame_fde *fde)
{
	return !fde->signal && !rp_code_named(code, fde->section, fde->start);
}

// The same of .eh_frame.
static uint64_t next_fde(const struct rp_code_build *b, struct rp_bounds *c,
			 uint64_t at, uint64_t end)
{
	const struct rp_frame_rows *rows = b->rows;

	for (; rows && c->fde < rows->nfdes; c->fde++) {
		const struct rp_frame_fde *fde = &rows->fdes[c->fde];

		if (fde->section > c->section)
			break;
		if (fde->section != c->section)
			continue;
		if (fde->start > at)
			return fde->start < end && is_start(b->code, fde) ?
				fde->start : end;
		if (fde->end > c->covered)
			c->covered = fde->end;
	}
	return end;
}

// Passes data. Where the next begins, or @end.
static uint64_t next_data(const struct rp_code_build *b, struct rp_bounds *c,
			  uint64_t *at, uint64_t end)
{
	while (c->data < b->ndata &&
	       (b->data[c->data].section < c->section ||
		(b->data[c->data].section == c->section &&
		 b->data[c->data].start <= *at))) {
		if (b->data[c->data].section == c->section &&
		    b->data[c->data].end > *at)
			*at = b->data[c->data].end;
		c->data++;
	}
	if (c->data < b->ndata && b->data[c->data].section == c->section &&
	    b->data[c->data].start < end)
		end = b->data[c->data].start;
	return end;
}

// Between functions: is there nothing but zero bytes up to @end?
static bool is_fill(const struct rp_code_build *b, struct rp_bounds *c,
		    uint64_t at, uint64_t end)
{
	const uint8_t *bytes = rp_section_data(b->obj, c->section);
	uint64_t i = at;

	if (at < c->covered || at < c->not_zero)
		return false;
	while (i < end && !bytes[i])
		i++;
	c->not_zero = i;
	return i == end;
}

static uint64_t align(uint64_t at)
{
	return (at | 15) + 1;
}

// Of a stripped file nobody says where functions begin: zero bytes behind what does
// not go on, to where the next would be aligned.
static bool is_alignment(const struct rp_code_build *b, const struct rp_bounds *c,
			 uint64_t at, uint64_t end)
{
	const uint8_t *bytes = rp_section_data(b->obj, c->section);
	const struct rp_code *code = b->code;

	if (!b->obj->linked || at < c->covered || bytes[at] || align(at) > end ||
	    code->ninsns == code->section_first[c->section] ||
	    !rp_code_ends_flow(&code->insns[code->ninsns - 1]))
		return false;
	for (uint64_t i = at; i < align(at); i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

void rp_bounds_start(struct rp_bounds *c, uint32_t section)
{
	c->section = section;
	c->covered = c->not_zero = 0;
}

uint64_t rp_bounds_end(const struct rp_code_build *b, struct rp_bounds *c,
		       uint64_t *at)
{
	uint64_t end = next_data(b, c, at,
				 b->obj->sections[c->section].hdr.sh_size);

	// The kernel has instructions that functions begin inside of.
	if (rp_code_is_kernel(b->code))
		return end;
	end = next_symbol(b->code, c, *at, end);
	end = next_fde(b, c, *at, end);
	if (*at < end && is_fill(b, c, *at, end))
		*at = end;
	else if (*at < end && is_alignment(b, c, *at, end))
		*at = align(*at);
	return end;
}
