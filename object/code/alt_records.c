/* SPDX-License-Identifier: MIT */
/*
 * Records of alternatives, in the formats that there are; and what is among the
 * replacements of a linked file without being one.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

// Bit 15 of the feature says "not" where there are no flags.
static void split_feature(struct rp_alt_record *r)
{
	r->flags = r->feature >> 15;
	r->feature &= 0x7fff;
}

void rp_alt_record_read(const struct rp_records *t, const struct rp_abi *abi,
			uint64_t at, struct rp_alt_record *r)
{
	memset(r, 0, sizeof(*r));
	r->table = t->section;
	r->at = at;
	r->site = rp_records_target(t, at);
	r->feature = rp_records_field(t, at + 8, 2);
	switch (abi->kind) {
	case RP_ABI_LINUX_6_1:
		split_feature(r);
		r->length = rp_records_field(t, at + 10, 1);
		r->replacement_length = rp_records_field(t, at + 11, 1);
		break;
	case RP_ABI_LINUX_6_12:
		r->flags = rp_records_field(t, at + 10, 2);
		r->length = rp_records_field(t, at + 12, 1);
		r->replacement_length = rp_records_field(t, at + 13, 1);
		break;
	default:
		r->flags = rp_records_field(t, at + 10, 2);
		r->length = rp_records_field(t, at + 12, 2);
		r->replacement_length = rp_records_field(t, at + 14, 2);
	}
	if (r->replacement_length)
		r->replacement = rp_records_target(t, at + 4);
}

/* struct ranges - replacements of a file. */
struct ranges {
	struct rp_span *v;
	size_t n, room;
};

static int add_ranges(struct rp_code_build *b, uint32_t table,
		      struct ranges *ranges)
{
	size_t size = b->code->abi->alternative_size;
	struct rp_records t;

	int rc = rp_records_init(&t, b->obj, table, b->diag);
	for (uint64_t at = 0; !rc && t.size - at >= size; at += size) {
		struct rp_alt_record r;

		rp_alt_record_read(&t, b->code->abi, at, &r);
		if (r.replacement.section && rp_code_add_span(&ranges->v,
		    &ranges->n, &ranges->room, (struct rp_span){
			r.replacement.offset,
			r.replacement.offset + r.replacement_length,
			r.replacement.section, false }))
			rc = rp_diag_nomem(b->diag);
	}
	rp_records_deinit(&t);
	return rc;
}

// What a word, relative to itself, refers to; 0: nothing in the file.
static uint64_t word_target(const struct rp_relobj *obj, uint32_t section,
			    uint64_t offset)
{
	struct rp_records words = {
		.data = rp_section_data(obj, section),
		.size = obj->sections[section].hdr.sh_size,
	};
	uint64_t to = rp_relobj_address(obj, section, offset) +
		(uint64_t)(int32_t)rp_records_field(&words, offset, 4);
	uint64_t at;

	return rp_relobj_section_at(obj, to, &at) ? to : 0;
}

/*
 * Files in assembly refer to what registers the records, by a word among the
 * replacements. All else that no record names is code, and its loss an error.
 */
static int add_words(struct rp_code_build *b, uint32_t section, uint64_t start,
		     uint64_t end)
{
	uint64_t to = word_target(b->obj, section, start);

	if (start >= end || (end - start) % 4 || !to)
		return 0;
	for (uint64_t at = start; at < end; at += 4) {
		if (word_target(b->obj, section, at) != to)
			return 0;
	}
	return rp_code_add_span(&b->data, &b->ndata, &b->data_room,
				(struct rp_span){ start, end, section, false }) ?
		rp_diag_nomem(b->diag) : 0;
}

// Looks at the gaps between the ranges of one section, which are sorted.
static int add_gaps(struct rp_code_build *b, uint32_t section,
		    const struct rp_span *v, size_t n)
{
	uint64_t covered = 0;
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++) {
		rc = add_words(b, section, covered, v[i].start);
		if (v[i].end > covered)
			covered = v[i].end;
	}
	return rc ? rc : add_words(b, section, covered,
				   b->obj->sections[section].hdr.sh_size);
}

static int by_start(const void *a, const void *b)
{
	const struct rp_span *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return (x->start > y->start) - (x->start < y->start);
}

static int add_all_gaps(struct rp_code_build *b, const struct ranges *ranges)
{
	const struct rp_span *v = ranges->v;
	size_t end;
	int rc = 0;

	for (size_t i = 0; i < ranges->n && !rc; i = end) {
		for (end = i; end < ranges->n &&
		     v[end].section == v[i].section; end++)
			;
		if (rp_section_is_text(&b->obj->sections[v[i].section]) &&
		    !strcmp(b->obj->sections[v[i].section].name,
			    b->code->abi->replacements))
			rc = add_gaps(b, v[i].section, v + i, end - i);
	}
	return rc;
}

int rp_code_list_replacement_data(struct rp_code_build *b)
{
	struct ranges ranges = { 0 };
	int rc = 0;

	if (!b->obj->linked || rp_code_is_kernel(b->code))
		return 0;
	for (uint32_t i = 1; i < b->obj->nsections && !rc; i++) {
		if (rp_code_is_table(b->code, i, b->code->abi->alternatives))
			rc = add_ranges(b, i, &ranges);
	}
	if (ranges.n)
		qsort(ranges.v, ranges.n, sizeof(*ranges.v), by_start);
	if (!rc)
		rc = add_all_gaps(b, &ranges);
	free(ranges.v);
	return rc;
}
