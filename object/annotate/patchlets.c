/* SPDX-License-Identifier: MIT */
/*
 * Patchlets in a relocatable object.
 *
 * First all records are read, then they are sorted and compared, and only then
 * is code decoded: patchlets share no bytes, so the work is bounded by the size
 * of the object.
 */
#include "../bytes.h"
#include "../elf/relobj_internal.h"
#include "patchlets.h"
#include "patchlets_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <repoint/abi.h>

#define RECORD_SIZE	sizeof(struct rp_patchlet)
#define SYMBOL_PREFIX	"rp_patchlet__"
#define END_PREFIX	".Lrp_patchlet_end__"
#define CODE_SECTION	"rp_patchlet_code"

/* A place that a field of a record refers to. */
struct end {
	uint32_t section;
	uint64_t offset;
};

/* ---- records ---- */

static bool want_name(const struct rp_relobj *obj,
		      const struct rp_symbol *symbol)
{
	return rp_section_is_text(&obj->sections[symbol->section]) &&
	       symbol->type != STT_SECTION && *symbol->name;
}

static bool is_table(const struct rp_section *section)
{
	return section->hdr.sh_type != SHT_NULL && section->hdr.sh_size &&
	       !strcmp(section->name, RP_PATCHLETS_SECTION);
}

static int bad_record(struct rp_patchlet_checker *c, uint32_t table,
		      size_t index, const char *what)
{
	struct rp_where where;

	rp_where_section(&where, c->obj, table);
	return rp_diag_set_at(c->diag, RP_DIAG_PATCHLET_RECORD, where.text,
		index * RECORD_SIZE, "%s; write patchlets with RP_PATCHLET() "
		"and RP_PATCHLET_END()", what);
}

/* What a macro's symbol is about, or NULL. */
static const char *name_behind(const char *symbol, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(symbol, prefix, n) ? NULL : symbol + n;
}

static void name_patchlet(struct rp_patchlet_checker *c,
			  struct rp_patchlet_range *p)
{
	const struct rp_place *place;
	const char *name = "without a name", *behind;

	place = rp_places_at(&c->names, p->section, p->start);
	if (place)
		name = c->obj->symbols[place->symbol].name;
	behind = name_behind(name, SYMBOL_PREFIX);
	snprintf(p->name, sizeof(p->name), "%.*s",
		 (int)sizeof(p->name) - 1, behind ? behind : name);
}

/* Which field of which record a relocation belongs to; false if to none. */
static bool place_end(const struct rp_patchlet_checker *c,
		      const struct rp_reloc *r, struct end *ends)
{
	const struct rp_symbol *symbol = &c->obj->symbols[r->symbol];
	size_t field = r->offset % RECORD_SIZE;
	struct end *end = &ends[2 * (r->offset / RECORD_SIZE)];

	if (field == offsetof(struct rp_patchlet, end))
		end++;
	else if (field != offsetof(struct rp_patchlet, start))
		return false;
	if (r->type != R_X86_64_PC32 || end->section || !symbol->section ||
	    symbol->section == RP_SECTION_NONE)
		return false;
	end->section = symbol->section;
	end->offset = symbol->value + (uint64_t)r->addend;
	return true;
}

/* The record's name, as far as the relocation of its start says it. */
static void where_record(struct rp_where *where,
			 const struct rp_patchlet_checker *c, uint32_t table,
			 const struct rp_relocs *relocs, uint64_t record)
{
	for (size_t i = 0; i < relocs->n; i++) {
		const char *name = c->obj->symbols[relocs->v[i].symbol].name;

		name = name_behind(name, SYMBOL_PREFIX);
		if (relocs->v[i].offset != record || !name)
			continue;
		snprintf(where->text, sizeof(where->text), "patchlet %s", name);
		return;
	}
	rp_where_section(where, c->obj, table);
}

static int report_missing_end(struct rp_patchlet_checker *c, const char *name)
{
	char where[64];

	snprintf(where, sizeof(where), "patchlet %s", name);
	return rp_diag_set(c->diag, RP_DIAG_PATCHLET_RECORD, where,
		"RP_PATCHLET_END(%s) is missing", name);
}

/* @r is none of what a record is made of: does its symbol tell why? */
static int bad_reloc(struct rp_patchlet_checker *c, uint32_t table,
		     const struct rp_relocs *relocs, const struct rp_reloc *r)
{
	const struct rp_symbol *symbol = &c->obj->symbols[r->symbol];
	size_t field = r->offset % RECORD_SIZE;
	const char *end = name_behind(symbol->name, END_PREFIX);
	struct rp_where where;

	if (!symbol->section && end &&
	    field == offsetof(struct rp_patchlet, end))
		return report_missing_end(c, end);
	if (symbol->section || !*symbol->name ||
	    field != offsetof(struct rp_patchlet, clobbers))
		return bad_record(c, table, r->offset / RECORD_SIZE,
			"a relocation that is not that of a start or end in "
			"this file");
	where_record(&where, c, table, relocs, r->offset - field);
	return rp_diag_set(c->diag, RP_DIAG_PATCHLET_RECORD, where.text,
		"its clobbers name '%s', which is undefined; use RP_CLOBBER_* "
		"of <repoint/abi.h>", symbol->name);
}

static int add_record(struct rp_patchlet_checker *c, uint32_t table,
		      size_t index, const struct end *ends)
{
	const uint8_t *record = rp_section_data(c->obj, table) +
				index * RECORD_SIZE;
	struct rp_patchlet_range *p = &c->v[c->n];

	if (!ends[0].section || !ends[1].section)
		return bad_record(c, table, index, "the record has no "
				  "relocation for its start or its end");
	if (ends[0].section != ends[1].section)
		return bad_record(c, table, index, "start and end are in "
				  "different sections");
	if (!rp_section_is_text(&c->obj->sections[ends[0].section]))
		return bad_record(c, table, index, "start and end are not in "
				  "code");
	if (rp_load_le32(record + offsetof(struct rp_patchlet, flags)))
		return bad_record(c, table, index, "the record has unknown "
				  "flags");
	*p = (struct rp_patchlet_range){
		.section = ends[0].section, .start = ends[0].offset,
		.end = ends[1].offset, .clobbers =
		rp_load_le32(record + offsetof(struct rp_patchlet, clobbers)) };
	name_patchlet(c, p);
	c->n++;
	return 0;
}

static int place_ends(struct rp_patchlet_checker *c, uint32_t table,
		      uint32_t rela, struct end *ends)
{
	uint64_t size = c->obj->sections[table].hdr.sh_size;
	struct rp_relocs relocs;

	int rc = rp_relobj_relocs(c->obj, rela, &relocs, c->diag);
	for (size_t i = 0; i < relocs.n && !rc; i++) {
		uint64_t offset = relocs.v[i].offset;

		if (relocs.v[i].type == R_X86_64_NONE)
			continue;
		if (offset >= size || !place_end(c, &relocs.v[i], ends))
			rc = bad_reloc(c, table, &relocs, &relocs.v[i]);
	}
	rp_relocs_deinit(&relocs);
	return rc;
}

static int read_table(struct rp_patchlet_checker *c, uint32_t table)
{
	const struct rp_section *section = &c->obj->sections[table];
	size_t n = section->hdr.sh_size / RECORD_SIZE;
	struct rp_patchlet_range *v;
	int rc = 0;

	if (section->hdr.sh_type != SHT_PROGBITS ||
	    (section->hdr.sh_flags & SHF_COMPRESSED) ||
	    section->hdr.sh_size % RECORD_SIZE)
		return bad_record(c, table, n, "not a table of patchlets");
	v = reallocarray(c->v, c->n + n, sizeof(*v));
	struct end *ends = calloc(2 * n, sizeof(*ends));
	if (v)
		c->v = v;
	if (!v || !ends)
		rc = rp_diag_nomem(c->diag);
	for (uint32_t rela = section->rela; rela && !rc;
	     rela = c->obj->sections[rela].next_rela)
		rc = place_ends(c, table, rela, ends);
	for (size_t i = 0; i < n && !rc; i++)
		rc = add_record(c, table, i, &ends[2 * i]);
	free(ends);
	return rc;
}

/* ---- messages ---- */

static int report(struct rp_patchlet_checker *c,
		  const struct rp_patchlet_range *p, enum rp_diag_id id,
		  const char *what)
{
	char where[64];

	snprintf(where, sizeof(where), "patchlet %s", p->name);
	return rp_diag_set(c->diag, id, where, "%s", what);
}

/* ---- sequences without a record ---- */

static int by_start(const void *a, const void *b)
{
	const struct rp_patchlet_range *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return (x->start > y->start) - (x->start < y->start);
}

static bool is_sequence(const struct rp_relobj *obj,
			const struct rp_symbol *symbol)
{
	return symbol->section && symbol->section != RP_SECTION_NONE &&
	       name_behind(symbol->name, SYMBOL_PREFIX) &&
	       !strcmp(obj->sections[symbol->section].name, CODE_SECTION);
}

/* @c->v is sorted. */
static int check_recorded(struct rp_patchlet_checker *c)
{
	for (size_t i = 1; i < c->obj->nsymbols; i++) {
		const struct rp_symbol *symbol = &c->obj->symbols[i];
		const struct rp_patchlet_range key = {
			.section = symbol->section, .start = symbol->value };

		if (!is_sequence(c->obj, symbol) ||
		    (c->n && bsearch(&key, c->v, c->n, sizeof(key), by_start)))
			continue;
		return report_missing_end(c, name_behind(symbol->name,
							 SYMBOL_PREFIX));
	}
	return 0;
}

/* ---- bounds ---- */

static int check_bounds(struct rp_patchlet_checker *c,
			const struct rp_patchlet_range *p)
{
	uint64_t size = c->obj->sections[p->section].hdr.sh_size;

	if (p->clobbers & ~(uint32_t)RP_CLOBBERS_ALL)
		return report(c, p, RP_DIAG_PATCHLET_CLOBBERS, "unknown bits "
			"in its clobbers; use RP_CLOBBER_* of <repoint/abi.h>");
	if (p->start >= p->end || p->end > size)
		return report(c, p, RP_DIAG_PATCHLET_BOUNDS,
			"it is empty, or ends before it starts, or outside of "
			"its section");
	if (p->end - p->start > RP_PATCHLET_SIZE_MAX)
		return report(c, p, RP_DIAG_PATCHLET_BOUNDS, "longer than "
			"4096 bytes; make it a function");
	return 0;
}

static int check_overlap(struct rp_patchlet_checker *c)
{
	for (size_t i = 1; i < c->n; i++) {
		const struct rp_patchlet_range *p = &c->v[i], *before = p - 1;
		char what[96];

		if (p->section != before->section || p->start >= before->end)
			continue;
		snprintf(what, sizeof(what), "begins inside of patchlet %s",
			 before->name);
		return report(c, p, RP_DIAG_PATCHLET_BOUNDS, what);
	}
	return 0;
}

static int check_all(struct rp_patchlet_checker *c)
{
	int rc = 0;

	for (size_t i = 1; i < c->obj->nsections && !rc; i++) {
		if (is_table(&c->obj->sections[i]))
			rc = read_table(c, i);
	}
	for (size_t i = 0; i < c->n && !rc; i++)
		rc = check_bounds(c, &c->v[i]);
	if (c->n && !rc) {
		qsort(c->v, c->n, sizeof(*c->v), by_start);
		rc = check_overlap(c);
	}
	if (!rc)
		rc = check_recorded(c);
	for (size_t i = 0; i < c->n && !rc; i++)
		rc = rp_patchlet_check_code(c, &c->v[i]);
	return rc;
}

static bool has_patchlets(const struct rp_relobj *obj)
{
	for (size_t i = 1; i < obj->nsections; i++) {
		if (is_table(&obj->sections[i]) ||
		    !strcmp(obj->sections[i].name, CODE_SECTION))
			return true;
	}
	return false;
}

int rp_patchlets_check(const struct rp_relobj *obj, struct rp_diag *diag)
{
	struct rp_patchlet_checker c = { .obj = obj, .diag = diag };
	int rc;

	if (!has_patchlets(obj))
		return 0;
	if (rp_places_init(&c.names, obj, want_name))
		rc = rp_diag_nomem(diag);
	else
		rc = check_all(&c);
	free(c.v);
	rp_relocs_deinit(&c.relocs);
	rp_places_deinit(&c.names);
	return rc;
}
