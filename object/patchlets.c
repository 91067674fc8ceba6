/* SPDX-License-Identifier: MIT */
/*
 * Patchlets in a relocatable object.
 *
 * First all records are read, then they are sorted and compared, and only then
 * is code decoded: patchlets share no bytes, so the work is bounded by the size
 * of the object.
 */
#include "patchlets.h"
#include "effects.h"
#include "places.h"
#include "relobj_internal.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <repoint/abi.h>

#define RECORD_SIZE	sizeof(struct rp_patchlet)
#define SYMBOL_PREFIX	"rp_patchlet__"
#define NAME_MAX_SHOWN	40

struct patchlet {
	uint32_t section;
	uint32_t clobbers;
	uint64_t start;
	uint64_t end;
	char name[NAME_MAX_SHOWN + 1];
};

struct checker {
	const struct rp_relobj *obj;
	struct rp_places names;
	struct patchlet *v;
	size_t n;
	struct rp_relocs relocs;	/* of @relocs_of, by offset */
	uint32_t relocs_of;
	struct rp_diag *diag;
};

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

static int bad_record(struct checker *c, uint32_t table, size_t index,
		      const char *what)
{
	struct rp_where where;

	rp_where_section(&where, c->obj, table);
	return rp_diag_set_at(c->diag, RP_DIAG_PATCHLET_RECORD, where.text,
		index * RECORD_SIZE, "%s; write patchlets with RP_PATCHLET() "
		"and RP_PATCHLET_END()", what);
}

static void name_patchlet(struct checker *c, struct patchlet *p)
{
	const size_t prefix = sizeof(SYMBOL_PREFIX) - 1;
	const struct rp_place *place;
	const char *name = "without a name";

	place = rp_places_at(&c->names, p->section, p->start);
	if (place)
		name = c->obj->symbols[place->symbol].name;
	if (!strncmp(name, SYMBOL_PREFIX, prefix))
		name += prefix;
	snprintf(p->name, sizeof(p->name), "%.*s", NAME_MAX_SHOWN, name);
}

/* Which field of which record a relocation belongs to; false if to none. */
static bool place_end(const struct checker *c, const struct rp_reloc *r,
		      struct end *ends)
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

static uint32_t read_word(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return le32toh(word);
}

static int add_record(struct checker *c, uint32_t table, size_t index,
		      const struct end *ends)
{
	const uint8_t *record = rp_section_data(c->obj, table) +
				index * RECORD_SIZE;
	struct patchlet *p = &c->v[c->n];

	if (!ends[0].section || !ends[1].section)
		return bad_record(c, table, index, "the record has no "
				  "relocation for its start or its end");
	if (ends[0].section != ends[1].section)
		return bad_record(c, table, index, "start and end are in "
				  "different sections");
	if (!rp_section_is_text(&c->obj->sections[ends[0].section]))
		return bad_record(c, table, index, "start and end are not in "
				  "code");
	if (read_word(record + offsetof(struct rp_patchlet, flags)))
		return bad_record(c, table, index, "the record has unknown "
				  "flags");
	*p = (struct patchlet){
		.section = ends[0].section, .start = ends[0].offset,
		.end = ends[1].offset, .clobbers =
		read_word(record + offsetof(struct rp_patchlet, clobbers)) };
	name_patchlet(c, p);
	c->n++;
	return 0;
}

static int place_ends(struct checker *c, uint32_t table, uint32_t rela,
		      struct end *ends)
{
	uint64_t size = c->obj->sections[table].hdr.sh_size;
	struct rp_relocs relocs;

	int rc = rp_relobj_relocs(c->obj, rela, &relocs, c->diag);
	for (size_t i = 0; i < relocs.n && !rc; i++) {
		uint64_t offset = relocs.v[i].offset;

		if (relocs.v[i].type == R_X86_64_NONE)
			continue;
		if (offset >= size || !place_end(c, &relocs.v[i], ends))
			rc = bad_record(c, table, offset / RECORD_SIZE,
				"a relocation that is not that of a start or "
				"end in this file");
	}
	rp_relocs_deinit(&relocs);
	return rc;
}

static int read_table(struct checker *c, uint32_t table)
{
	const struct rp_section *section = &c->obj->sections[table];
	size_t n = section->hdr.sh_size / RECORD_SIZE;
	struct patchlet *v;
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

static int report(struct checker *c, const struct patchlet *p,
		  enum rp_diag_id id, const char *what)
{
	char where[64];

	snprintf(where, sizeof(where), "patchlet %s", p->name);
	return rp_diag_set(c->diag, id, where, "%s", what);
}

/* About the instruction at @at, which counts from the section's beginning. */
static int report_insn(struct checker *c, const struct patchlet *p,
		       uint64_t at, enum rp_diag_id id, const char *what)
{
	const uint8_t *code = rp_section_data(c->obj, p->section);
	char where[64], text[64];

	snprintf(where, sizeof(where), "patchlet %s", p->name);
	rp_effects_text(code + at, p->end - at, text, sizeof(text));
	return rp_diag_set_at(c->diag, id, where, at - p->start, "\"%s\" %s",
			      text, what);
}

static const char *const bit_names[] = {
	"RAX", "RCX", "RDX", "RBX", NULL, "RBP", "RSI", "RDI",
	"R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15",
	"FLAGS", "VECTOR", "MASK", "X87",
};

static void list_bits(uint32_t bits, char *text, size_t size)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(bit_names) / sizeof(*bit_names); i++) {
		if (!(bits & 1u << i) || !bit_names[i] || at >= size)
			continue;
		at += snprintf(text + at, size - at, "%sRP_CLOBBER_%s",
			       at ? " | " : "", bit_names[i]);
	}
}

static int report_undeclared(struct checker *c, const struct patchlet *p,
			     uint64_t at, uint32_t missing)
{
	char bits[96], what[200];

	list_bits(missing, bits, sizeof(bits));
	snprintf(what, sizeof(what), "changes what is not declared; add %s to "
		 "RP_PATCHLET(%s, ...)", bits, p->name);
	return report_insn(c, p, at, RP_DIAG_PATCHLET_UNDECLARED, what);
}

/* ---- bounds ---- */

static int check_bounds(struct checker *c, const struct patchlet *p)
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

static int by_start(const void *a, const void *b)
{
	const struct patchlet *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return (x->start > y->start) - (x->start < y->start);
}

static int check_overlap(struct checker *c)
{
	for (size_t i = 1; i < c->n; i++) {
		const struct patchlet *p = &c->v[i], *before = p - 1;
		char what[96];

		if (p->section != before->section || p->start >= before->end)
			continue;
		snprintf(what, sizeof(what), "begins inside of patchlet %s",
			 before->name);
		return report(c, p, RP_DIAG_PATCHLET_BOUNDS, what);
	}
	return 0;
}

/* ---- instructions ---- */

static int check_effects(struct checker *c, const struct patchlet *p,
			 uint64_t at, const struct rp_effects *e)
{
	if (e->flow == RP_FLOW_CALL &&
	    (p->clobbers & RP_CLOBBERS_C) != RP_CLOBBERS_C)
		return report_insn(c, p, at, RP_DIAG_PATCHLET_CALL,
			"calls a function, which may change RP_CLOBBERS_C; "
			"declare that, or do without");
	if (e->flow == RP_FLOW_AWAY)
		return report_insn(c, p, at, RP_DIAG_PATCHLET_FLOW,
			"leaves the patchlet; it has to come out at its end, "
			"without ret");
	if (e->stack)
		return report_insn(c, p, at, RP_DIAG_PATCHLET_STACK,
			"changes %rsp, which its surroundings count on; keep "
			"values in registers that are declared");
	if (e->beyond)
		return report_insn(c, p, at, RP_DIAG_PATCHLET_STATE,
			"changes state that a callee has to keep and that "
			"cannot be declared; make it a function");
	if (e->clobbers & ~p->clobbers)
		return report_undeclared(c, p, at, e->clobbers & ~p->clobbers);
	return 0;
}

/* Marks the beginnings of instructions and the end, relative to the start. */
static int check_insns(struct checker *c, const struct patchlet *p,
		       bool *boundary)
{
	const uint8_t *code = rp_section_data(c->obj, p->section);
	struct rp_effects e;
	int rc = 0;

	for (uint64_t at = p->start; at < p->end && !rc; at += e.length) {
		boundary[at - p->start] = true;
		if (rp_effects_decode(code + at, p->end - at, &e))
			return report_insn(c, p, at, RP_DIAG_PATCHLET_DECODE,
				"is no instruction that is known, or its end "
				"is behind the patchlet's");
		rc = check_effects(c, p, at, &e);
	}
	boundary[p->end - p->start] = true;
	return rc;
}

static int by_offset(const void *a, const void *b)
{
	const struct rp_reloc *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static int append_relocs(struct checker *c, uint32_t rela)
{
	struct rp_relocs more;
	struct rp_reloc *v;

	int rc = rp_relobj_relocs(c->obj, rela, &more, c->diag);
	if (rc || !more.n)
		return rc;
	v = reallocarray(c->relocs.v, c->relocs.n + more.n, sizeof(*v));
	if (v) {
		memcpy(v + c->relocs.n, more.v, more.n * sizeof(*v));
		c->relocs.v = v;
		c->relocs.n += more.n;
	} else {
		rc = rp_diag_nomem(c->diag);
	}
	rp_relocs_deinit(&more);
	return rc;
}

static int read_relocs(struct checker *c, uint32_t section)
{
	int rc = 0;

	if (c->relocs_of == section)
		return 0;
	rp_relocs_deinit(&c->relocs);
	c->relocs_of = section;
	for (uint32_t rela = c->obj->sections[section].rela; rela && !rc;
	     rela = c->obj->sections[rela].next_rela)
		rc = append_relocs(c, rela);
	if (!rc && c->relocs.n)
		qsort(c->relocs.v, c->relocs.n, sizeof(*c->relocs.v),
		      by_offset);
	return rc;
}

/*
 * Where the branch at @at goes. A relocation decides for itself; what another
 * file has the last word about is outside.
 */
static uint64_t branch_target(const struct checker *c, const struct patchlet *p,
			      uint64_t at, const struct rp_effects *e)
{
	const struct rp_reloc key = { .offset = at + e->field };
	const struct rp_symbol *symbol;
	const struct rp_reloc *r = NULL;

	if (c->relocs.n)
		r = bsearch(&key, c->relocs.v, c->relocs.n, sizeof(key),
			    by_offset);
	if (!r)
		return at + e->length + (uint64_t)e->displacement;
	symbol = &c->obj->symbols[r->symbol];
	if (symbol->section != p->section)
		return UINT64_MAX;
	return symbol->value + (uint64_t)r->addend + e->length - e->field;
}

static int check_branch(struct checker *c, const struct patchlet *p,
			uint64_t at, const struct rp_effects *e,
			const bool *boundary)
{
	uint64_t target = branch_target(c, p, at, e);

	if (target < p->start || target > p->end)
		return report_insn(c, p, at, RP_DIAG_PATCHLET_FLOW,
			"branches out of the patchlet; it has to come out at "
			"its end");
	if (!boundary[target - p->start])
		return report_insn(c, p, at, RP_DIAG_PATCHLET_TARGET,
			"branches into the middle of an instruction");
	return 0;
}

static int check_branches(struct checker *c, const struct patchlet *p,
			  const bool *boundary)
{
	const uint8_t *code = rp_section_data(c->obj, p->section);
	struct rp_effects e;

	int rc = read_relocs(c, p->section);
	for (uint64_t at = p->start; at < p->end && !rc; at += e.length) {
		rp_effects_decode(code + at, p->end - at, &e);
		if (e.flow == RP_FLOW_BRANCH)
			rc = check_branch(c, p, at, &e, boundary);
	}
	return rc;
}

static int check_code(struct checker *c, const struct patchlet *p)
{
	bool boundary[RP_PATCHLET_SIZE_MAX + 1] = { false };
	int rc = check_insns(c, p, boundary);

	return rc ? rc : check_branches(c, p, boundary);
}

static int check_all(struct checker *c)
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
	for (size_t i = 0; i < c->n && !rc; i++)
		rc = check_code(c, &c->v[i]);
	return rc;
}

static bool has_table(const struct rp_relobj *obj)
{
	for (size_t i = 1; i < obj->nsections; i++) {
		if (is_table(&obj->sections[i]))
			return true;
	}
	return false;
}

int rp_patchlets_check(const struct rp_relobj *obj, struct rp_diag *diag)
{
	struct checker c = { .obj = obj, .diag = diag };
	int rc;

	if (!has_table(obj))
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
