/* SPDX-License-Identifier: MIT */
/*
 * What changed between two versions of an object, by meaning: references are
 * compared by what they refer to, literals by what they contain.
 */
#include "compare.h"

#include "../object/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Literals in literals; compilers make two or three. */
#define MAX_DEPTH	1000

void rp_compare_why(struct rp_compare *c, const char *fmt, ...)
{
	va_list args;

	if (c->why[0])
		return;
	va_start(args, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, args);
	va_end(args);
}

/* Types that differ in what a linker may do with them only. */
static uint32_t type_class(uint32_t type)
{
	switch (type) {
	case R_X86_64_PLT32:
	case R_X86_64_PC8:
		return R_X86_64_PC32;
	case R_X86_64_GOTPCRELX:
	case R_X86_64_REX_GOTPCRELX:
		return R_X86_64_GOTPCREL;
	default:
		return type;
	}
}

static const char *symbol_name(const struct rp_side *side,
			       const struct rp_ref *ref)
{
	return side->obj.symbols[ref->symbol].name;
}

static bool is_global(const struct rp_side *side, const struct rp_ref *ref)
{
	return side->obj.symbols[ref->symbol].bind != STB_LOCAL;
}

/* At least one of the two is not in a section of its object. */
static enum rp_verdict compare_symbols(struct rp_compare *c,
				       const struct rp_ref *o,
				       const struct rp_ref *n)
{
	const char *x = symbol_name(rp_side_old(c), o);
	const char *y = symbol_name(rp_side_new(c), n);

	if (!strcmp(x, y) && o->place == n->place &&
	    (is_global(rp_side_old(c), o) || !o->atom) &&
	    (is_global(rp_side_new(c), n) || !n->atom))
		return RP_SAME;
	rp_compare_why(c, "refers to %.100s instead of %.100s", *y ? y : "data",
		       *x ? x : "data");
	return RP_DIFFERENT;
}

/* Is the atom the code that is being compared, or its other part? */
static bool is_ours(const struct rp_side *side, uint32_t code, uint32_t atom)
{
	return rp_atom_root(&side->atoms, atom) ==
	       rp_atom_root(&side->atoms, code);
}

static enum rp_verdict compare_places(struct rp_compare *c,
				      const struct rp_ref *o,
				      const struct rp_ref *n)
{
	const struct rp_steps *x, *y;
	char buffer[64];

	if (o->place == n->place)
		return RP_SAME;
	if (rp_atom_is_code(&rp_side_old(c)->atoms.v[o->atom]) &&
	    is_ours(rp_side_old(c), c->old_code, o->atom) &&
	    is_ours(rp_side_new(c), c->new_code, n->atom)) {
		x = rp_compare_steps(c, false, o->atom);
		y = rp_compare_steps(c, true, n->atom);
		if (x && y && x->whole && y->whole && o->place >= 0 &&
		    n->place >= 0 && rp_step_at(x, o->place) ==
		    rp_step_at(y, n->place))
			return RP_SAME;
	}
	rp_compare_why(c, "refers to another place in %.100s",
		       rp_atom_label(&rp_side_new(c)->atoms, n->atom, buffer,
				     sizeof(buffer)));
	return RP_DIFFERENT;
}

/* Records and unwind entries have no twins: they are compared with their code. */
static bool is_meta(const struct rp_atoms *atoms, uint32_t atom)
{
	const struct rp_atom *a = &atoms->v[atom];

	return a->kind == RP_ATOM_RECORD || rp_atom_is_unwind(a);
}

static enum rp_verdict compare_atoms(struct rp_compare *c,
				     const struct rp_ref *o,
				     const struct rp_ref *n)
{
	const struct rp_atoms *x = &rp_side_old(c)->atoms;
	const struct rp_atoms *y = &rp_side_new(c)->atoms;
	char was[64], is[64];

	if (rp_atom_is_content(x, o->atom) && rp_atom_is_content(y, n->atom))
		return rp_compare_literals(c, o->atom, o->place, n->atom,
					   n->place);
	if (rp_side_old(c)->twin[o->atom] == n->atom)
		return compare_places(c, o, n);
	if (is_meta(x, o->atom) && is_meta(y, n->atom) &&
	    x->v[o->atom].offset == y->v[n->atom].offset &&
	    o->place == n->place)
		return RP_SAME;
	rp_compare_why(c, "refers to %.100s instead of %.100s",
		       rp_atom_label(y, n->atom, is, sizeof(is)),
		       rp_atom_label(x, o->atom, was, sizeof(was)));
	return RP_DIFFERENT;
}

enum rp_verdict rp_compare_refs(struct rp_compare *c, uint32_t old_atom,
				const struct rp_ref *o, uint32_t new_atom,
				const struct rp_ref *n)
{
	(void)old_atom;
	(void)new_atom;
	if (type_class(o->type) != type_class(n->type)) {
		rp_compare_why(c, "refers to %.100s in another way",
			       symbol_name(rp_side_new(c), n));
		return RP_DIFFERENT;
	}
	if (!o->atom || !n->atom)
		return compare_symbols(c, o, n);
	return compare_atoms(c, o, n);
}

static bool is_string(const struct rp_side *side, uint32_t atom)
{
	const struct rp_atom *a = &side->atoms.v[atom];
	const uint8_t *bytes = rp_atom_bytes(&side->atoms, atom);

	return bytes && !a->nrefs && a->size && !bytes[a->size - 1] &&
	       strlen((const char *)bytes) == a->size - 1;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The source file's name, without directories; "" if it is not known. */
static const char *source_name(struct rp_compare *c)
{
	struct rp_debug_info *info = rp_side_debug(rp_side_new(c));
	const char *path = info ? rp_debug_source(info) : "";
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool names_source(struct rp_compare *c, const char *string)
{
	const char *name = source_name(c);

	return *name && strstr(string, name);
}

/*
 * A constant that is a line number is beside the file's name: others that grow
 * by as much as the lines did are changes.
 */
static bool may_hold_line(struct rp_compare *c, uint32_t new_atom, uint64_t at)
{
	const struct rp_side *side = rp_side_new(c);
	const struct rp_atom *a = &side->atoms.v[new_atom];

	for (size_t i = 0; i < a->nrefs; i++) {
		uint32_t to = a->refs[i].atom;

		if (at + 8 < a->refs[i].offset || at > a->refs[i].offset + 12)
			continue;
		if (to && is_string(side, to) && !a->refs[i].place &&
		    names_source(c, (const char *)rp_atom_bytes(&side->atoms, to)))
			return true;
	}
	return false;
}

/* Strings that hold line numbers: equal but for numbers that are lines. */
static bool differ_by_lines(struct rp_compare *c, const char *o, const char *n)
{
	const char *const start = n;

	while (*o && *n) {
		if (is_digit(*o) && is_digit(*n)) {
			char *o_end, *n_end;
			unsigned long x = strtoul(o, &o_end, 10);
			unsigned long y = strtoul(n, &n_end, 10);

			// name.c:123
			if (x != y && (n == start || n[-1] != ':' ||
				       x > UINT32_MAX || y > UINT32_MAX ||
				       !rp_lines_anywhere(c, x, y)))
				return false;
			o = o_end;
			n = n_end;
		} else if (*o++ != *n++) {
			return false;
		}
	}
	return *o == *n;
}

static enum rp_verdict compare_strings(struct rp_compare *c, const char *o,
				       const char *n)
{
	if (!strcmp(o, n))
		return RP_SAME;
	if (names_source(c, n) && differ_by_lines(c, o, n))
		return RP_NOISE;
	rp_compare_why(c, "the string \"%.60s%s\" became \"%.60s%s\"", o,
		       strlen(o) > 60 ? "..." : "", n,
		       strlen(n) > 60 ? "..." : "");
	return RP_DIFFERENT;
}

/* Zeros behind the last element of a table are fill before the next one. */
static uint64_t size_without_fill(const struct rp_side *side, uint32_t atom)
{
	const struct rp_atom *a = &side->atoms.v[atom];
	const uint8_t *bytes = rp_atom_bytes(&side->atoms, atom);
	uint64_t size = a->size, least = 0;

	if (a->symbol || (side->obj.sections[a->section].hdr.sh_flags & SHF_MERGE))
		return size;
	if (a->nrefs)
		least = a->refs[a->nrefs - 1].offset +
			rp_reloc_width(a->refs[a->nrefs - 1].type);
	while (bytes && size > least && !bytes[size - 1])
		size--;
	return size;
}

/* A number that is a line, in the constants that describe a place. */
static bool differ_by_line(struct rp_compare *c, const uint8_t *o,
			   const uint8_t *n)
{
	return rp_lines_anywhere(c, rp_load_le32(o), rp_load_le32(n));
}

static enum rp_verdict compare_bytes(struct rp_compare *c, const uint8_t *o,
				     const uint8_t *n, uint64_t from,
				     uint64_t to, uint32_t new_atom)
{
	enum rp_verdict verdict = RP_SAME;

	if (!o || !n) {
		const uint8_t *some = o ? o : n;

		for (uint64_t i = from; some && i < to; i++) {
			if (some[i])
				return RP_DIFFERENT;
		}
		return RP_SAME;
	}
	if (from >= to || !memcmp(o + from, n + from, to - from))
		return RP_SAME;
	for (uint64_t i = from; i < to; i++) {
		uint64_t word = i & ~3ull;

		if (o[i] == n[i])
			continue;
		if (word < from || word + 4 > to ||
		    !may_hold_line(c, new_atom, word) ||
		    !differ_by_line(c, o + word, n + word))
			return RP_DIFFERENT;
		verdict = RP_NOISE;
		i = word + 3;
	}
	return verdict;
}

static enum rp_verdict compare_contents(struct rp_compare *c, uint32_t old_atom,
					uint32_t new_atom, uint64_t size)
{
	const struct rp_atom *o = &rp_side_old(c)->atoms.v[old_atom];
	const struct rp_atom *n = &rp_side_new(c)->atoms.v[new_atom];
	const uint8_t *p = rp_atom_bytes(&rp_side_old(c)->atoms, old_atom);
	const uint8_t *q = rp_atom_bytes(&rp_side_new(c)->atoms, new_atom);
	enum rp_verdict verdict = RP_SAME;
	uint64_t at = 0;

	for (size_t i = 0; i < o->nrefs && verdict != RP_DIFFERENT; i++) {
		if (o->refs[i].offset != n->refs[i].offset)
			return RP_DIFFERENT;
		verdict = rp_worse(verdict, compare_bytes(c, p, q, at,
							  o->refs[i].offset,
							  new_atom));
		verdict = rp_worse(verdict,
			rp_compare_refs(c, old_atom, &o->refs[i], new_atom,
					&n->refs[i]));
		at = o->refs[i].offset + rp_reloc_width(o->refs[i].type);
	}
	return verdict == RP_DIFFERENT ? verdict :
	       rp_worse(verdict, compare_bytes(c, p, q, at, size, new_atom));
}

static enum rp_verdict compare_whole(struct rp_compare *c, uint32_t old_atom,
				     uint32_t new_atom)
{
	uint64_t x = size_without_fill(rp_side_old(c), old_atom);
	uint64_t y = size_without_fill(rp_side_new(c), new_atom);
	enum rp_verdict verdict;

	if (x != y || rp_side_old(c)->atoms.v[old_atom].nrefs !=
		      rp_side_new(c)->atoms.v[new_atom].nrefs)
		verdict = RP_DIFFERENT;
	else
		verdict = compare_contents(c, old_atom, new_atom, x);
	if (verdict == RP_DIFFERENT)
		rp_compare_why(c, "constants or a table that it uses differ");
	return verdict;
}

enum rp_verdict rp_compare_literals(struct rp_compare *c, uint32_t old_atom,
				    int64_t old_place, uint32_t new_atom,
				    int64_t new_place)
{
	const struct rp_side *o = rp_side_old(c), *n = rp_side_new(c);
	enum rp_verdict verdict;

	if (is_string(o, old_atom) && is_string(n, new_atom) &&
	    old_place >= 0 && new_place >= 0 &&
	    (uint64_t)old_place < o->atoms.v[old_atom].size &&
	    (uint64_t)new_place < n->atoms.v[new_atom].size)
		return compare_strings(c,
			(const char *)rp_atom_bytes(&o->atoms, old_atom) + old_place,
			(const char *)rp_atom_bytes(&n->atoms, new_atom) + new_place);
	if (old_place != new_place) {
		rp_compare_why(c, "refers to another place in a table");
		return RP_DIFFERENT;
	}
	if (c->verified[old_atom].atom == new_atom + 1) {
		if (c->verified[old_atom].verdict == RP_DIFFERENT)
			rp_compare_why(c, "a table that it uses differs");
		return c->verified[old_atom].verdict;
	}
	if (c->depth == MAX_DEPTH) {
		rp_compare_why(c, "tables refer to each other too deeply");
		return RP_DIFFERENT;
	}
	// Literals that refer to each other are equal unless something differs.
	c->verified[old_atom].atom = new_atom + 1;
	c->verified[old_atom].verdict = RP_SAME;
	c->depth++;
	verdict = compare_whole(c, old_atom, new_atom);
	c->depth--;
	c->verified[old_atom].verdict = verdict;
	return verdict;
}

enum rp_verdict rp_compare_data(struct rp_compare *c, uint32_t old_atom,
				uint32_t new_atom)
{
	const struct rp_atom *o = &rp_side_old(c)->atoms.v[old_atom];
	const struct rp_atom *n = &rp_side_new(c)->atoms.v[new_atom];

	if (o->size != n->size) {
		rp_compare_why(c, "its size changed from %llu to %llu bytes",
			       (unsigned long long)o->size,
			       (unsigned long long)n->size);
		return RP_DIFFERENT;
	}
	if (o->kind != n->kind || ((o->flags ^ n->flags) & RP_ATOM_TLS)) {
		rp_compare_why(c, "it moved from section %.60s to %.60s",
			rp_side_old(c)->obj.sections[o->section].name,
			rp_side_new(c)->obj.sections[n->section].name);
		return RP_DIFFERENT;
	}
	if (o->nrefs != n->nrefs ||
	    compare_contents(c, old_atom, new_atom, o->size) == RP_DIFFERENT) {
		rp_compare_why(c, "its contents differ");
		return RP_DIFFERENT;
	}
	return RP_SAME;
}

/* Start afresh; strings and offsets of the last comparison are forgotten. */
static void next(struct rp_compare *c, uint32_t old_code, uint32_t new_code)
{
	c->old_code = old_code;
	c->new_code = new_code;
	c->why[0] = '\0';
	c->has_offset = false;
	c->only_constants = false;
}

static void note_change(struct rp_compare *c, uint32_t new_atom)
{
	struct rp_change *change = &c->unit->change[new_atom];
	char *why = strdup(c->why);

	if (!why) {
		c->nomem = true;
		return;
	}
	rp_unit_mark(c->unit, new_atom, why);
	change->offset = c->offset;
	change->has_offset = c->has_offset;
	change->only_constants = c->only_constants;
}

static void compare_all_code(struct rp_compare *c)
{
	struct rp_unit *u = c->unit;

	for (uint32_t i = 1; i < u->new_side.atoms.n && !c->nomem; i++) {
		uint32_t twin = u->new_side.twin[i];

		if (!rp_atom_is_code(&u->new_side.atoms.v[i]) || !twin)
			continue;
		next(c, twin, i);
		enum rp_verdict verdict = rp_compare_code(c, twin, i);

		if (verdict == RP_DIFFERENT)
			note_change(c, i);
		u->change[i].line_only = verdict == RP_NOISE;
	}
}

static void compare_all_data(struct rp_compare *c)
{
	struct rp_unit *u = c->unit;

	for (uint32_t i = 1; i < u->new_side.atoms.n && !c->nomem; i++) {
		const struct rp_atom *atom = &u->new_side.atoms.v[i];
		uint32_t twin = u->new_side.twin[i];

		if ((atom->kind != RP_ATOM_DATA && atom->kind != RP_ATOM_CONST) ||
		    !twin)
			continue;
		next(c, 0, 0);
		if (rp_compare_data(c, twin, i) == RP_DIFFERENT)
			note_change(c, i);
	}
}

/* A function and its cold part are replaced together. */
static void join_cold(struct rp_compare *c)
{
	struct rp_unit *u = c->unit;

	for (uint32_t i = 1; i < u->new_side.atoms.n && !c->nomem; i++) {
		const struct rp_atom *atom = &u->new_side.atoms.v[i];

		if (!(atom->flags & RP_ATOM_COLD))
			continue;
		uint32_t parent = atom->parent;
		if (u->change[i].fate != RP_FATE_SAME &&
		    u->change[parent].fate == RP_FATE_SAME)
			rp_unit_mark(u, parent, strdup(u->change[i].why ?
				u->change[i].why : "its cold part differs"));
	}
}

static void mark_new(struct rp_unit *u)
{
	for (uint32_t i = 1; i < u->new_side.atoms.n; i++) {
		if (!u->new_side.twin[i])
			u->change[i].fate = RP_FATE_NEW;
	}
}

static void free_compare(struct rp_compare *c)
{
	for (size_t i = 0; c->old_steps && i < rp_side_old(c)->atoms.n; i++)
		free(c->old_steps[i].v);
	for (size_t i = 0; c->new_steps && i < rp_side_new(c)->atoms.n; i++)
		free(c->new_steps[i].v);
	free(c->old_steps);
	free(c->new_steps);
	free(c->verified);
	free(c->lines);
}

int rp_unit_compare(struct rp_unit *unit, struct rp_diag *diag)
{
	struct rp_compare c = { .unit = unit, .diag = diag };

	mark_new(unit);
	if (!unit->old_side.present || !unit->new_side.present)
		return 0;
	c.old_steps = calloc(unit->old_side.atoms.n, sizeof(*c.old_steps));
	c.new_steps = calloc(unit->new_side.atoms.n, sizeof(*c.new_steps));
	c.verified = calloc(unit->old_side.atoms.n, sizeof(*c.verified));
	c.nomem = !c.old_steps || !c.new_steps || !c.verified;
	if (!c.nomem)
		compare_all_code(&c);
	if (!c.nomem)
		join_cold(&c);
	if (!c.nomem)
		compare_all_data(&c);
	free_compare(&c);
	return c.nomem ? rp_diag_nomem(diag) : 0;
}
