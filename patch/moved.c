/* SPDX-License-Identifier: MIT */
/*
 * What a fix moves from one object to another is new in the one and gone from
 * the other, and still the same thing in the running program.
 *
 * Variables that moved are bound to where they are. Functions that moved are
 * refused: the two objects' versions are not compared with each other.
 */
#include "patch_internal.h"

#include "../object/elf/reloc_form.h"
#include "names.h"

#include <stdlib.h>
#include <string.h>

/* @atom: of the old version; RP_ATOM_NONE: a common symbol, of @size bytes */
struct gone {
	const char *name;
	uint64_t size;
	uint32_t unit;
	uint32_t atom;
};

struct rp_gone {
	struct gone *v;
	size_t n;
};

static int by_name(const void *a, const void *b)
{
	const struct gone *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : x->unit < y->unit ? -1 : x->unit > y->unit;
}

static bool is_common(const struct rp_symbol *s)
{
	return s->section == RP_SECTION_NONE && s->size &&
	       s->bind != STB_LOCAL &&
	       (s->type == STT_OBJECT || s->type == STT_COMMON);
}

static size_t list_gone(const struct rp_patch *p, struct gone *ret)
{
	size_t n = 0;

	for (uint32_t i = 0; i < p->nunits; i++) {
		const struct rp_side *side = &p->units[i].old_side;

		for (uint32_t k = 1; side->present && k < side->atoms.n; k++) {
			const struct rp_atom *a = &side->atoms.v[k];
			const char *name = rp_atom_name(&side->atoms, k);

			if (side->twin[k] || !*name ||
			    (a->kind != RP_ATOM_FUNCTION &&
			     a->kind != RP_ATOM_DATA && a->kind != RP_ATOM_CONST))
				continue;
			if (ret)
				ret[n] = (struct gone){ name, a->size, i, k };
			n++;
		}
		for (size_t k = 1; side->present && k < side->obj.nsymbols; k++) {
			const struct rp_symbol *s = &side->obj.symbols[k];

			if (!is_common(s))
				continue;
			if (ret)
				ret[n] = (struct gone){ s->name, s->size, i,
							RP_ATOM_NONE };
			n++;
		}
	}
	return n;
}

int rp_patch_index_gone(struct rp_patch *p)
{
	struct rp_gone *gone = calloc(1, sizeof(*gone));

	if (!gone)
		return rp_diag_nomem(p->diag);
	p->gone = gone;
	gone->n = list_gone(p, NULL);
	gone->v = calloc(gone->n + 1, sizeof(*gone->v));
	if (!gone->v)
		return rp_diag_nomem(p->diag);
	list_gone(p, gone->v);
	qsort(gone->v, gone->n, sizeof(*gone->v), by_name);
	return 0;
}

void rp_patch_free_gone(struct rp_patch *p)
{
	if (p->gone)
		free(p->gone->v);
	free(p->gone);
}

static const struct gone *first_gone(const struct rp_patch *p, const char *name)
{
	size_t low = 0, high = p->gone->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(p->gone->v[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->gone->n && !strcmp(p->gone->v[low].name, name) ?
	       &p->gone->v[low] : NULL;
}

/* Where a new global atom was before: a global one of that name. */
static const struct gone *moved_from(const struct rp_patch *p, uint32_t unit,
				     uint32_t atom)
{
	const struct rp_unit *u = &p->units[unit];
	const struct rp_atom *a = &u->new_side.atoms.v[atom];
	const char *name = rp_atom_name(&u->new_side.atoms, atom);
	const struct gone *end = p->gone->v + p->gone->n;

	if (u->extra || u->change[atom].fate != RP_FATE_NEW ||
	    !(a->flags & RP_ATOM_GLOBAL) || !*name)
		return NULL;
	for (const struct gone *g = first_gone(p, name);
	     g && g < end && !strcmp(g->name, name); g++) {
		const struct rp_atoms *atoms = &p->units[g->unit].old_side.atoms;

		if (!g->atom || (atoms->v[g->atom].flags & RP_ATOM_GLOBAL))
			return g;
	}
	return NULL;
}

bool rp_patch_is_moved(const struct rp_patch *p, uint32_t unit, uint32_t atom)
{
	return moved_from(p, unit, atom);
}

static bool is_zero(const uint8_t *bytes, uint64_t size)
{
	for (uint64_t i = 0; bytes && i < size; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

static bool same_value(const struct rp_patch *p, const struct gone *g,
		       const struct rp_side *side, uint32_t atom)
{
	const struct rp_side *other = &p->units[g->unit].old_side;
	const struct rp_atom *n = &side->atoms.v[atom];
	const struct rp_atom *o = &other->atoms.v[g->atom];
	const uint8_t *x = rp_atom_bytes(&side->atoms, atom), *y;

	if (!g->atom)
		return is_zero(x, n->size) && !n->nrefs;
	y = rp_atom_bytes(&other->atoms, g->atom);
	if (n->nrefs != o->nrefs || n->kind != o->kind)
		return false;
	return x && y ? !memcmp(x, y, n->size) :
	       is_zero(x, n->size) && is_zero(y, n->size);
}

static const char *target_name(const struct rp_side *side,
			       const struct rp_ref *ref)
{
	return ref->atom ? rp_atom_name(&side->atoms, ref->atom) :
	       side->obj.symbols[ref->symbol].name;
}

/* Both are nothing but content, and it is the same. */
static bool same_literal(const struct rp_side *o, const struct rp_ref *x,
			 const struct rp_side *n, const struct rp_ref *y)
{
	const struct rp_atom *a = &o->atoms.v[x->atom];
	const struct rp_atom *b = &n->atoms.v[y->atom];

	return a->kind == RP_ATOM_LITERAL && b->kind == RP_ATOM_LITERAL &&
	       a->size == b->size && !a->nrefs && !b->nrefs &&
	       !memcmp(rp_atom_bytes(&o->atoms, x->atom),
		       rp_atom_bytes(&n->atoms, y->atom), a->size);
}

/* Equal bytes, and references to the same names: it only moved. */
static bool same_code(const struct rp_side *o, uint32_t old_atom,
		      const struct rp_side *n, uint32_t new_atom)
{
	const struct rp_atom *a = &o->atoms.v[old_atom];
	const struct rp_atom *b = &n->atoms.v[new_atom];
	const uint8_t *x = rp_atom_bytes(&o->atoms, old_atom);
	const uint8_t *y = rp_atom_bytes(&n->atoms, new_atom);
	uint64_t at = 0;

	if (a->size != b->size || a->nrefs != b->nrefs || !x || !y)
		return false;
	for (size_t i = 0; i < a->nrefs; i++) {
		const struct rp_ref *r = &a->refs[i], *s = &b->refs[i];

		if (r->offset != s->offset || r->offset < at ||
		    r->place != s->place || memcmp(x + at, y + at, r->offset - at))
			return false;
		if (strcmp(target_name(o, r), target_name(n, s)) ||
		    (!*target_name(o, r) && !same_literal(o, r, n, s)))
			return false;
		at = r->offset + rp_reloc_width(r->type);
	}
	return at >= a->size || !memcmp(x + at, y + at, a->size - at);
}

static int check_moved(struct rp_patch *p, uint32_t unit, uint32_t atom,
		       const struct gone *g)
{
	const struct rp_unit *u = &p->units[unit];
	const struct rp_atom *a = &u->new_side.atoms.v[atom];
	const char *name = rp_atom_name(&u->new_side.atoms, atom);
	const char *from = p->units[g->unit].name;

	if (rp_atom_is_code(a) && g->atom &&
	    same_code(&p->units[g->unit].old_side, g->atom, &u->new_side, atom))
		return 0;
	if (rp_atom_is_code(a))
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_MOVED, name,
			"was in %.100s; a function that moves to another object "
			"is not compared with what it was: leave it there", from);
	if (a->size != g->size)
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_LAYOUT, name,
			"had %llu bytes in %.100s and has %llu; make a new "
			"variable", (unsigned long long)g->size, from,
			(unsigned long long)a->size);
	if (same_value(p, g, &u->new_side, atom))
		return 0;
	return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_DATA, name,
		"its initial value is not what it was in %.100s; leave it there, "
		"and say what is meant with RP_LIVEPATCH_KEEP(%.60s) or "
		"RP_LIVEPATCH_SET(%.60s)", from, name, name);
}

/* Was it another name of something, in the same object? */
static bool was_alias(const struct rp_side *side, const char *name)
{
	for (size_t i = side->obj.first_global; i < side->obj.nsymbols; i++) {
		const struct rp_symbol *s = &side->obj.symbols[i];

		if (s->section && s->section != RP_SECTION_NONE &&
		    !strcmp(s->name, name))
			return true;
	}
	return false;
}

/* New in an object that is linked, and known to the binary all the same. */
static bool is_elsewhere(const struct rp_patch *p, uint32_t unit, uint32_t atom)
{
	const struct rp_unit *u = &p->units[unit];
	const struct rp_atom *a = &u->new_side.atoms.v[atom];

	const char *name = rp_atom_name(&u->new_side.atoms, atom);

	return !u->extra && u->old_side.present && a->symbol &&
	       !was_alias(&u->old_side, name) &&
	       u->change[atom].fate == RP_FATE_NEW &&
	       (a->flags & RP_ATOM_GLOBAL) && !(a->flags & RP_ATOM_COMDAT) &&
	       rp_patch_has_name(p, name);
}

/* A static variable that is gone from one object and new in another. */
static int check_static(struct rp_patch *p, uint32_t unit, uint32_t atom)
{
	const struct rp_unit *u = &p->units[unit];
	const char *name = rp_atom_name(&u->new_side.atoms, atom);
	size_t length = rp_name_source_length(name);

	for (size_t i = 0; i < p->gone->n; i++) {
		const struct gone *g = &p->gone->v[i];
		const struct rp_atoms *atoms = &p->units[g->unit].old_side.atoms;

		if (g->unit == unit || !g->atom ||
		    atoms->v[g->atom].kind != RP_ATOM_DATA ||
		    rp_name_source_length(g->name) != length ||
		    memcmp(g->name, name, length))
			continue;
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_PAIRING, name,
			"is new, and %.80s is gone from %.100s, which has a "
			"value in the running program; give a new variable a "
			"name of its own, and leave the old one where it is",
			g->name, p->units[g->unit].name);
	}
	return 0;
}

static int check_atom(struct rp_patch *p, uint32_t unit, uint32_t atom)
{
	const struct rp_unit *u = &p->units[unit];
	const struct gone *g = moved_from(p, unit, atom);

	if (g)
		return check_moved(p, unit, atom, g);
	if (is_elsewhere(p, unit, atom))
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_MOVED,
			rp_atom_name(&u->new_side.atoms, atom), "is new here, "
			"and the binary has it from another object; give it "
			"another name, or change it where it is");
	if (u->new_side.atoms.v[atom].kind == RP_ATOM_DATA && !u->extra &&
	    u->change[atom].fate == RP_FATE_NEW &&
	    u->new_side.atoms.v[atom].symbol &&
	    rp_patch_is_picked(p, unit, atom))
		return check_static(p, unit, atom);
	return 0;
}

/* Common symbols are in no section, and so in no atom. */
static int check_common(struct rp_patch *p, const struct rp_unit *u)
{
	int rc = 0;

	for (size_t i = 1; u->old_side.present && i < u->new_side.obj.nsymbols &&
	     !rc; i++) {
		const struct rp_symbol *s = &u->new_side.obj.symbols[i];
		const struct gone *g = is_common(s) ?
				       first_gone(p, s->name) : NULL;

		if (g && !g->atom && g->size != s->size)
			rc = rp_patch_refuse(p, u->name, RP_DIAG_PATCH_LAYOUT,
				s->name, "its size changed from %llu to %llu "
				"bytes, and the program has the old one in "
				"memory; make a new variable",
				(unsigned long long)g->size,
				(unsigned long long)s->size);
	}
	return rc;
}

int rp_patch_check_moved(struct rp_patch *p)
{
	int rc = 0;

	for (uint32_t i = 0; i < p->nunits && !rc; i++) {
		rc = check_common(p, &p->units[i]);
		for (uint32_t k = 1; k < p->units[i].new_side.atoms.n && !rc; k++)
			rc = check_atom(p, i, k);
	}
	return rc;
}
