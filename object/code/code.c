/* SPDX-License-Identifier: MIT */
/* The model of an object's code: its storage, and where things are in it. */
#include "../grow.h"
#include "../printable.h"
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int rp_code_add_span(struct rp_span **v, size_t *n, size_t *room,
		     struct rp_span span)
{
	if (rp_grow(v, room, *n + 1, sizeof(**v)))
		return -ENOMEM;
	(*v)[(*n)++] = span;
	return 0;
}

int rp_code_add_edge(struct rp_code_build *b, uint32_t from, uint32_t to,
		     enum rp_edge_kind kind)
{
	struct rp_code *code = b->code;

	if (rp_grow(&code->edges, &b->edge_room, code->nedges + 1,
		    sizeof(*code->edges)))
		return rp_diag_nomem(b->diag);
	code->edges[code->nedges++] = (struct rp_edge){ from, to, kind };
	return 0;
}

static size_t block_count(const struct rp_relobj *obj, uint32_t section)
{
	return obj->sections[section].hdr.sh_size / RP_BLOCK_SIZE + 1;
}

static void fill_blocks(struct rp_code *code, uint32_t section)
{
	uint32_t *block = code->index->blocks + code->index->block_first[section];
	size_t n = block_count(code->obj, section);
	uint32_t at = code->section_first[section];

	for (size_t i = 0; i < n; i++) {
		while (at < code->section_first[section + 1] &&
		       code->insns[at].offset + code->insns[at].length <=
		       i * RP_BLOCK_SIZE)
			at++;
		block[i] = at;
	}
}

int rp_code_index_insns(struct rp_code_build *b)
{
	struct rp_code *code = b->code;
	struct rp_code_index *index = code->index;
	size_t n = 0;

	for (uint32_t i = 0; i < b->obj->nsections; i++) {
		index->block_first[i] = n;
		if (rp_code_has(code, i))
			n += block_count(b->obj, i);
	}
	index->blocks = calloc(n + 1, sizeof(*index->blocks));
	if (!index->blocks)
		return rp_diag_nomem(b->diag);
	for (uint32_t i = 1; i < b->obj->nsections; i++) {
		if (rp_code_has(code, i))
			fill_blocks(code, i);
	}
	return 0;
}

// The first instruction that ends behind an offset; or the one behind the
// section's last.
static uint32_t ends_behind(const struct rp_code *code, uint32_t section,
			    uint64_t offset)
{
	const struct rp_code_index *index = code->index;
	uint32_t end = code->section_first[section + 1];

	if (offset >= code->obj->sections[section].hdr.sh_size)
		return end;
	uint32_t i = index->blocks[index->block_first[section] +
				   offset / RP_BLOCK_SIZE];
	while (i < end && code->insns[i].offset + code->insns[i].length <= offset)
		i++;
	return i;
}

uint32_t rp_code_lower(const struct rp_code *code, uint32_t section,
		       uint64_t offset)
{
	if (!rp_code_has(code, section))
		return section < code->obj->nsections ?
			code->section_first[section] : 0;
	uint32_t i = ends_behind(code, section, offset);

	// It may have begun before.
	return i < code->section_first[section + 1] &&
	       code->insns[i].offset < offset ? i + 1 : i;
}

uint32_t rp_code_around(const struct rp_code *code, uint32_t section,
			uint64_t offset)
{
	if (!rp_code_has(code, section))
		return 0;
	uint32_t i = ends_behind(code, section, offset);

	return i < code->section_first[section + 1] &&
	       code->insns[i].offset <= offset ? i : 0;
}

uint32_t rp_code_at(const struct rp_code *code, uint32_t section,
		    uint64_t offset)
{
	uint32_t i = rp_code_around(code, section, offset);

	return i && code->insns[i].offset == offset ? i : 0;
}

static bool is_in_section(const struct rp_code *code, uint32_t insn,
			  uint32_t section)
{
	return insn >= code->section_first[section] &&
	       insn < code->section_first[section + 1];
}

uint32_t rp_code_section(const struct rp_code *code, uint32_t insn)
{
	uint32_t low = 0, high = code->obj->nsections;

	// Nearly always that of its function.
	uint32_t section = code->functions ?
		code->functions[code->insns[insn].function].section : 0;
	if (section && is_in_section(code, insn, section))
		return section;
	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (code->section_first[mid] <= insn)
			low = mid;
		else
			high = mid;
	}
	return low;
}

uint32_t rp_code_next(const struct rp_code *code, uint32_t insn)
{
	if (insn + 1 >= code->ninsns)
		return 0;
	uint32_t function = code->insns[insn].function;
	if (function && code->insns[insn + 1].function == function &&
	    code->insns[insn + 1].offset > code->insns[insn].offset)
		return insn + 1;
	return insn + 1 < code->section_first[rp_code_section(code, insn) + 1] ?
		insn + 1 : 0;
}

const uint8_t *rp_code_bytes(const struct rp_code *code, uint32_t insn)
{
	return rp_section_data(code->obj, rp_code_section(code, insn)) +
	       code->insns[insn].offset;
}

bool rp_code_is_table(const struct rp_code *code, uint32_t section,
		      const char *name)
{
	const struct rp_section *s = &code->obj->sections[section];

	return s->hdr.sh_type == SHT_PROGBITS && !strcmp(s->name, name) &&
	       !(s->hdr.sh_flags & SHF_COMPRESSED);
}

/* Arrays of records that are sorted by their first member, an instruction. */
static inline uint32_t insn_of(const void *v, size_t i, size_t size)
{
	uint32_t insn;

	memcpy(&insn, (const char *)v + i * size, sizeof(insn));
	return insn;
}

_Static_assert(!offsetof(struct rp_edge, from) &&
	       !offsetof(struct rp_alt, from) &&
	       !offsetof(struct rp_member, insn), "see insn_of()");

// The first one of @insn, or @n.
static inline size_t find_first(const void *v, size_t n, size_t size,
				uint32_t insn)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (insn_of(v, mid, size) < insn)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n && insn_of(v, low, size) == insn ? low : n;
}

static inline size_t count_from(const void *v, size_t n, size_t size,
				uint32_t insn, size_t first)
{
	size_t end = first;

	while (end < n && insn_of(v, end, size) == insn)
		end++;
	return end - first;
}

const struct rp_edge *rp_code_edges(const struct rp_code *code, uint32_t insn,
				    size_t *n)
{
	const size_t size = sizeof(*code->edges);
	size_t first = find_first(code->edges, code->nedges, size, insn);

	*n = count_from(code->edges, code->nedges, size, insn, first);
	return *n ? code->edges + first : NULL;
}

const struct rp_alt *rp_code_alts(const struct rp_code *code, uint32_t insn,
				  size_t *n)
{
	const size_t size = sizeof(*code->alts);
	size_t first = find_first(code->alts, code->nalts, size, insn);

	*n = count_from(code->alts, code->nalts, size, insn, first);
	return *n ? code->alts + first : NULL;
}

uint32_t rp_code_group_at(const struct rp_code *code, uint32_t insn)
{
	const struct rp_code_index *index = code->index;
	size_t first = find_first(index->members, index->nmembers,
				  sizeof(*index->members), insn);

	return first < index->nmembers ? index->members[first].group : 0;
}

const char *rp_function_name(const struct rp_code *code, uint32_t function)
{
	uint32_t symbol = code->functions[function].symbol;

	return symbol ? code->obj->symbols[symbol].name : "";
}

// The last function that begins at or before a place, if it reaches there.
static uint32_t function_around(const struct rp_code *code, uint32_t section,
				uint64_t offset)
{
	uint32_t insn = rp_code_around(code, section, offset);
	uint32_t function = insn ? code->insns[insn].function : 0;

	return function && code->functions[function].section == section &&
	       code->functions[function].offset <= offset ? function : 0;
}

void rp_code_place(const struct rp_code *code, uint32_t section, uint64_t offset,
		   char *ret, size_t size)
{
	const char *where = section && section < code->obj->nsections ?
		code->obj->sections[section].name : "?";
	uint32_t function = function_around(code, section, offset);
	uint32_t whole = rp_function_whole(code, function);

	if (function && *rp_function_name(code, function))
		snprintf(ret, size, "%.100s+0x%" PRIx64 " (%.60s+0x%" PRIx64 ")",
			 rp_function_name(code, function),
			 offset - code->functions[function].offset, where, offset);
	else if (function && *rp_function_name(code, whole))
		snprintf(ret, size, "%.100s, part (%.60s+0x%" PRIx64 ")",
			 rp_function_name(code, whole), where, offset);
	else
		snprintf(ret, size, "%.60s+0x%" PRIx64, where, offset);
	rp_make_printable(ret);
}

static void index_deinit(struct rp_code_index *index)
{
	if (!index)
		return;
	free(index->blocks);
	free(index->block_first);
	free(index->symbols);
	free(index->reach);
	free(index->noreturn);
	free(index->stubs);
	free(index->members);
	rp_relocs_deinit(&index->dynamic);
	free(index);
}

void rp_code_deinit(struct rp_code *code)
{
	index_deinit(code->index);
	free(code->insns);
	free(code->functions);
	free(code->edges);
	free(code->alts);
	free(code->groups);
	free(code->hints);
	free(code->relocs);
	free(code->ops);
	free(code->section_first);
	memset(code, 0, sizeof(*code));
}
