/* SPDX-License-Identifier: MIT */
/* Anonymous atoms: strings, constants, jump tables, records, unwind entries. */
#include "../bytes.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#include <repoint/abi.h>
#include <repoint/livepatch.h>

static const struct {
	const char *name;
	uint32_t size;
} record_sections[] = {
	{ "rp_static_call_keys", sizeof(int32_t) },
	{ "rp_static_call_sites", sizeof(struct rp_static_call_site) },
	{ "rp_static_key_sites", sizeof(struct rp_static_key_site) },
	{ "rp_alternatives", sizeof(struct rp_alternative) },
	{ "rp_op_sites", sizeof(struct rp_op_site) },
	{ "rp_patchlets", sizeof(struct rp_patchlet) },
	{ "rp_ops_tables", sizeof(struct rp_ops_table) },
	{ "rp_features", sizeof(struct rp_feature) },
	{ "rp_op_members", sizeof(struct rp_op_member) },
	{ "rp_op_patchlets", sizeof(struct rp_op_patchlet) },
	{ "rp_livepatch_hooks", sizeof(struct rp_livepatch_hook) },
	{ "rp_livepatch_data", sizeof(struct rp_livepatch_data) },
};

uint32_t rp_atoms_record_size(const struct rp_section *section)
{
	if (section->hdr.sh_flags & SHF_EXECINSTR)
		return 0;
	for (size_t i = 0; i < sizeof(record_sections) /
			       sizeof(*record_sections); i++) {
		if (!strcmp(section->name, record_sections[i].name))
			return record_sections[i].size;
	}
	return 0;
}

static bool is_eh_frame(const struct rp_section *section)
{
	return !strcmp(section->name, ".eh_frame");
}

/* What is left of one section between named atoms. */
struct rest {
	struct rp_atoms_builder *b;
	uint32_t section;
	uint64_t start, end;
	const struct rp_split *splits;	/* of this section, by offset */
	size_t nsplits;
};

static struct rp_atom anonymous(const struct rest *rest, uint64_t start,
				uint64_t end)
{
	const struct rp_section *s = &rest->b->obj->sections[rest->section];
	struct rp_atom atom = {
		.section = rest->section, .offset = start, .size = end - start,
		.kind = rp_section_is_const(s) ? RP_ATOM_LITERAL : RP_ATOM_DATA,
	};

	if (s->hdr.sh_flags & SHF_TLS)
		atom.flags |= RP_ATOM_TLS;
	if (s->hdr.sh_type == SHT_NOBITS)
		atom.flags |= RP_ATOM_ZERO;
	if (s->group)
		atom.flags |= RP_ATOM_COMDAT;
	return atom;
}

static int add_piece(const struct rest *rest, uint64_t start, uint64_t end,
		     uint8_t kind)
{
	struct rp_atom atom = anonymous(rest, start, end);

	if (kind)
		atom.kind = kind;
	return rp_atoms_add(rest->b, &atom);
}

/* Pieces of equal size; the last one may be shorter. */
static int add_equal(const struct rest *rest, uint64_t size, uint8_t kind)
{
	int rc = 0;

	for (uint64_t at = rest->start; at < rest->end && !rc; at += size)
		rc = add_piece(rest, at, rest->end - at < size ?
			       rest->end : at + size, kind);
	return rc;
}

static uint64_t string_end(const uint8_t *data, uint64_t at, uint64_t end,
			   uint64_t width)
{
	static const uint8_t zero[8];

	for (; end - at >= width; at += width) {
		if (!memcmp(data + at, zero, width))
			return at + width;
	}
	return end;
}

static int add_strings(const struct rest *rest, uint64_t width)
{
	const uint8_t *data = rp_section_data(rest->b->obj, rest->section);
	uint64_t at = rest->start;
	int rc = 0;

	while (at < rest->end && !rc) {
		uint64_t end = string_end(data, at, rest->end, width);

		rc = add_piece(rest, at, end, 0);
		at = end;
	}
	return rc;
}

static bool is_zero(const struct rest *rest, uint64_t start, uint64_t end)
{
	const uint8_t *data = rp_section_data(rest->b->obj, rest->section);

	for (; data && start < end; start++) {
		if (data[start])
			return false;
	}
	return true;
}

static bool has_refs(const struct rest *rest, uint64_t start, uint64_t end)
{
	const struct rp_raw_section *s = &rest->b->sections[rest->section];
	size_t low = 0, high = s->nrelocs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->refs[middle].offset < start)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->nrelocs && s->refs[low].offset < end;
}

/* At each place that something refers to; zeros that nothing needs are fill. */
static int add_split_pieces(const struct rest *rest)
{
	uint64_t at = rest->start;
	bool wanted = false;
	size_t i = 0;
	int rc = 0;

	while (i < rest->nsplits && rest->splits[i].offset < at)
		i++;
	while (at < rest->end && !rc) {
		while (i < rest->nsplits && rest->splits[i].offset == at) {
			wanted = true;
			i++;
		}
		uint64_t end = i < rest->nsplits &&
			       rest->splits[i].offset < rest->end ?
			       rest->splits[i].offset : rest->end;

		if (wanted || has_refs(rest, at, end) ||
		    !is_zero(rest, at, end))
			rc = add_piece(rest, at, end, 0);
		at = end;
		wanted = false;
	}
	return rc;
}

static int bad_entry(const struct rest *rest, uint64_t at)
{
	return rp_diag_set_at(rest->b->diag, RP_DIAG_EH_FRAME, ".eh_frame", at,
			      "an unwind entry that reaches beyond the section");
}

/* Length, then 0 for a CIE or the distance to it for an FDE. */
static int add_unwind(const struct rest *rest)
{
	const uint8_t *data = rp_section_data(rest->b->obj, rest->section);
	uint64_t at = rest->start;
	int rc = 0;

	while (rest->end - at >= 4 && !rc) {
		uint32_t length = rp_load_le32(data + at);

		if (!length) {
			at += 4;
			continue;
		}
		// 64-bit lengths are for sections that no compiler writes.
		if (length < 4 || length > rest->end - at - 4)
			return bad_entry(rest, at);
		rc = add_piece(rest, at, at + 4 + length,
			       rp_load_le32(data + at + 4) ? RP_ATOM_FDE :
							     RP_ATOM_CIE);
		at += 4 + length;
	}
	return rc;
}

static bool is_type_info(const struct rest *rest, const struct rp_raw_ref *ref)
{
	const struct rp_relobj *obj = rest->b->obj;
	const struct rp_symbol *symbol = &obj->symbols[ref->symbol];

	if (ref->type != R_X86_64_64)
		return false;
	if (symbol->type == STT_SECTION)
		return symbol->section != RP_SECTION_NONE &&
		       strstr(obj->sections[symbol->section].name, "._ZTI");
	return !strncmp(symbol->name, "_ZTI", 4);
}

/*
 * Pointers to type information that exception tables refer to: clang does not
 * name them, and has them in .data. Nobody writes them.
 */
static bool is_type_stubs(const struct rest *rest)
{
	const struct rp_raw_section *s = &rest->b->sections[rest->section];
	uint64_t at = rest->start;

	for (size_t i = 0; i < s->nrelocs; i++) {
		if (s->refs[i].offset < rest->start ||
		    s->refs[i].offset >= rest->end)
			continue;
		if (s->refs[i].offset != at || !is_type_info(rest, &s->refs[i]))
			return false;
		at += 8;
	}
	return at == rest->end;
}

static int add_rest(const struct rest *rest)
{
	const struct rp_section *s = &rest->b->obj->sections[rest->section];
	uint32_t record = rp_atoms_record_size(s);
	uint64_t entsize = s->hdr.sh_entsize;
	bool in_file = s->hdr.sh_type != SHT_NOBITS;

	if (record)
		return add_equal(rest, record, RP_ATOM_RECORD);
	if (is_eh_frame(s) && in_file)
		return add_unwind(rest);
	if ((s->hdr.sh_flags & SHF_MERGE) && entsize && in_file) {
		if (!(s->hdr.sh_flags & SHF_STRINGS))
			return add_equal(rest, entsize, 0);
		if (entsize <= 8)
			return add_strings(rest, entsize);
	}
	if (in_file && is_type_stubs(rest))
		return add_equal(rest, 8, RP_ATOM_LITERAL);
	return add_split_pieces(rest);
}

static int by_place(const void *a, const void *b)
{
	const struct rp_split *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Data that points to data: vectors of strings, vtables, LSDAs. */
static int split_by_data(struct rp_atoms_builder *b, uint32_t section)
{
	const struct rp_raw_section *s = &b->sections[section];
	bool unwind = is_eh_frame(&b->obj->sections[section]);
	int rc = 0;

	for (size_t i = 0; i < s->nrelocs && !rc; i++) {
		const struct rp_raw_ref *ref = &s->refs[i];
		const struct rp_symbol *symbol = &b->obj->symbols[ref->symbol];
		uint32_t to = symbol->section;
		int64_t at = symbol->value;

		if (!to || to == RP_SECTION_NONE ||
		    rp_section_is_text(&b->obj->sections[to]))
			continue;
		// The base that a distance in a table counts from is not known yet.
		if (rp_reloc_is_relative(ref->type) && !unwind)
			continue;
		if (symbol->type == STT_SECTION)
			at = rp_wrap_add(at, ref->addend);
		if (at >= 0 && (uint64_t)at < b->obj->sections[to].hdr.sh_size)
			rc = rp_atoms_add_split(b, to, at);
	}
	return rc;
}

static int collect_splits(struct rp_atoms_builder *b)
{
	int rc = 0;

	for (uint32_t i = 1; i < b->obj->nsections && !rc; i++) {
		if (rp_atoms_wants(b->obj, i) &&
		    !rp_section_is_text(&b->obj->sections[i]))
			rc = split_by_data(b, i);
	}
	for (size_t i = 1; i < b->obj->nsymbols && !rc; i++) {
		const struct rp_symbol *s = &b->obj->symbols[i];

		if (s->section && s->section != RP_SECTION_NONE && !s->size &&
		    s->type != STT_SECTION && s->type != STT_FILE)
			rc = rp_atoms_add_split(b, s->section, s->value);
	}
	if (b->nsplits)
		qsort(b->splits, b->nsplits, sizeof(*b->splits), by_place);
	return rc;
}

struct cursor {
	size_t named;		/* of the atoms that there were */
	size_t nnamed;
	size_t split;
};

static int split_section(struct rp_atoms_builder *b, uint32_t section,
			 struct cursor *c)
{
	struct rest rest = { .b = b, .section = section };
	uint64_t at = 0, end = b->obj->sections[section].hdr.sh_size;
	int rc = 0;

	while (c->split < b->nsplits && b->splits[c->split].section < section)
		c->split++;
	size_t first = c->split;
	while (c->split < b->nsplits && b->splits[c->split].section == section)
		c->split++;
	rest.splits = b->splits ? b->splits + first : NULL;
	rest.nsplits = c->split - first;
	while (!rc && c->named < c->nnamed &&
	       b->atoms->v[c->named].section == section) {
		const struct rp_atom *atom = &b->atoms->v[c->named++];

		rest.start = at;
		rest.end = atom->offset;
		at = atom->offset + atom->size;
		if (rest.start < rest.end)
			rc = add_rest(&rest);
	}
	rest.start = at;
	rest.end = end;
	return !rc && at < end ? add_rest(&rest) : rc;
}

int rp_atoms_split(struct rp_atoms_builder *b)
{
	struct cursor c = { .named = 1, .nnamed = b->atoms->n };
	int rc = collect_splits(b);

	// Code without a name was added behind the functions.
	qsort(b->atoms->v + 1, b->atoms->n - 1, sizeof(*b->atoms->v),
	      rp_atoms_by_place);
	for (uint32_t i = 1; i < b->obj->nsections && !rc; i++) {
		bool text = rp_section_is_text(&b->obj->sections[i]);

		while (c.named < c.nnamed && (b->atoms->v[c.named].section < i ||
		       (text && b->atoms->v[c.named].section == i)))
			c.named++;
		if (rp_atoms_wants(b->obj, i) && !text)
			rc = split_section(b, i, &c);
	}
	return rc;
}
