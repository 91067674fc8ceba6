/* SPDX-License-Identifier: MIT */
/*
 * Finding twins: which atom of the new version is which of the old one.
 *
 *   1 by name, where a name means one thing in each version
 *   2 what compilers number (x.1234, f.part.0): by who uses it, and in which
 *     order, as far as code is equal but for that; what is paired so is asked
 *     in turn. Of what is left, variables by the function that declares them,
 *     if debug information says so; else by the order of uses in code that
 *     changed
 *   3 what is left of a name, if one is left on each side, or as many of equal
 *     content
 *   4 anonymous code and data: by section and order
 *
 * Literals have no twins: they are what they contain.
 */
#include "correlate.h"

#include "../object/elf/reloc_form.h"
#include "names.h"

#include <stdlib.h>
#include <string.h>

static uint8_t class_of(const struct rp_atom *atom)
{
	if (rp_atom_is_code(atom))
		return 0;
	return atom->flags & RP_ATOM_TLS ? 2 : 1;
}

static bool has_twins(const struct rp_atom *atom)
{
	return rp_atom_is_code(atom) || atom->kind == RP_ATOM_DATA ||
	       atom->kind == RP_ATOM_CONST;
}

static int compare_key(const struct rp_named *x, const struct rp_named *y)
{
	int order = strcmp(x->name, y->name);

	return order ? order : (int)x->class - (int)y->class;
}

static int by_name(const void *a, const void *b)
{
	const struct rp_named *x = a, *y = b;
	int order = compare_key(x, y);

	return order ? order : x->atom < y->atom ? -1 : x->atom > y->atom;
}

static int list_names(struct rp_correlation *c, int which)
{
	const struct rp_side *side = rp_correlation_side(c, which);
	struct rp_names *names = &c->of[which];

	names->v = calloc(side->atoms.n, sizeof(*names->v));
	names->by_atom = calloc(side->atoms.n, sizeof(*names->by_atom));
	names->uses = calloc(side->atoms.n, sizeof(*names->uses));
	if (!names->v || !names->by_atom || !names->uses)
		return -1;
	for (uint32_t i = 1; i < side->atoms.n; i++) {
		const struct rp_atom *atom = &side->atoms.v[i];
		const char *name = rp_atom_name(&side->atoms, i);
		struct rp_named *named = &names->v[names->n];
		size_t length, digits;

		if (!has_twins(atom) || !*name ||
		    rp_atom_is_content(&side->atoms, i))
			continue;
		*named = (struct rp_named){ .atom = i, .symbol = name, .class = class_of(atom),
			.global = atom->flags & RP_ATOM_GLOBAL };
		named->name = malloc(strlen(name) + 1);
		if (!named->name)
			return -1;
		names->n++;
		if (named->global && !rp_name_is_numbered_cxx(name))
			strcpy(named->name, name);
		else
			named->numbered = rp_name_canonical(name, named->name);
		if (rp_correlation_is_by_line(side, i, &length, &digits)) {
			memmove(named->name + length - digits,
				named->name + length,
				strlen(named->name + length) + 1);
			named->numbered = true;
		}
	}
	qsort(names->v, names->n, sizeof(*names->v), by_name);
	return 0;
}

static void index_numbered(struct rp_names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		if (names->v[i].numbered)
			names->by_atom[names->v[i].atom] = &names->v[i];
	}
}

void rp_correlation_pair(struct rp_correlation *c, uint32_t old_atom, uint32_t new_atom)
{
	uint32_t *old_twin = &c->unit->old_side.twin[old_atom];
	uint32_t *new_twin = &c->unit->new_side.twin[new_atom];

	if (*old_twin || *new_twin)
		return;
	*old_twin = new_atom;
	*new_twin = old_atom;
	c->queue[c->queued++] = old_atom;
}

static const struct rp_atom *atom_of(const struct rp_correlation *c, int which,
				     uint32_t atom)
{
	return &rp_correlation_side(c, which)->atoms.v[atom];
}

/*
 * The first static variable of a name that a function has goes without a number
 * with clang: beside numbered ones, it may be any of them.
 */
static void number_first(const struct rp_correlation *c, int which, size_t from,
			 size_t to)
{
	struct rp_named *v = c->of[which].v;

	for (size_t i = from; i < to; i++) {
		const char *name = rp_atom_name(
			&rp_correlation_side(c, which)->atoms, v[i].atom);

		if (v[i].class && ((!v[i].global && *name &&
				    strchr(name + 1, '.')) ||
				   !strncmp(name, "_ZZ", 3) ||
				   !strncmp(name, "_ZGVZ", 5)))
			v[i].numbered = true;
	}
}

static size_t count_locals(const struct rp_names *names, size_t from, size_t to)
{
	size_t count = 0;

	for (size_t i = from; i < to; i++)
		count += !names->v[i].global && !names->v[i].numbered;
	return count;
}

/* Several locals of a name, of files that ld -r joined: one more or less. */
static void number_unequal(struct rp_names *o, size_t i, size_t i_end,
			   struct rp_names *n, size_t k, size_t k_end)
{
	size_t x = count_locals(o, i, i_end), y = count_locals(n, k, k_end);

	if (x == y || (x < 2 && y < 2))
		return;
	for (; i < i_end; i++)
		o->v[i].numbered |= !o->v[i].global;
	for (; k < k_end; k++)
		n->v[k].numbered |= !n->v[k].global;
}

static bool any_numbered(const struct rp_names *names, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		if (names->v[i].numbered)
			return true;
	}
	return false;
}

/* Names that stand for one thing in each version; gives groups numbers. */
static void pair_unique(struct rp_correlation *c)
{
	struct rp_names *o = &c->of[0], *n = &c->of[1];
	size_t i = 0, k = 0;
	uint32_t group = 0;

	while (i < o->n || k < n->n) {
		size_t i_end = i, k_end = k;
		const struct rp_named *key;

		if (k == n->n || (i < o->n && compare_key(&o->v[i], &n->v[k]) <= 0))
			key = &o->v[i];
		else
			key = &n->v[k];
		group++;
		for (; i_end < o->n && !compare_key(&o->v[i_end], key); i_end++)
			o->v[i_end].group = group;
		for (; k_end < n->n && !compare_key(&n->v[k_end], key); k_end++)
			n->v[k_end].group = group;
		number_unequal(o, i, i_end, n, k, k_end);
		if (any_numbered(o, i, i_end) || any_numbered(n, k, k_end)) {
			number_first(c, 0, i, i_end);
			number_first(c, 1, k, k_end);
		}
		for (size_t a = i; a < i_end; a++) {
			for (size_t b = k; b < k_end; b++) {
				if (!o->v[a].numbered && !n->v[b].numbered)
					rp_correlation_pair(c, o->v[a].atom, n->v[b].atom);
			}
		}
		i = i_end;
		k = k_end;
	}
}

static int by_group(const void *a, const void *b)
{
	const struct rp_named *x = *(struct rp_named *const *)a;
	const struct rp_named *y = *(struct rp_named *const *)b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Numbered atoms that an atom refers to: by group, in the order of first use. */
static void list_uses(struct rp_correlation *c, int which, uint32_t atom)
{
	const struct rp_atom *a = &rp_correlation_side(c, which)->atoms.v[atom];
	struct rp_names *names = &c->of[which];

	names->nuses = 0;
	for (size_t i = 0; i < a->nrefs; i++) {
		struct rp_named *named = names->by_atom[a->refs[i].atom];

		if (!named || named->asked == atom)
			continue;
		named->asked = atom;
		named->order = names->nuses;
		names->uses[names->nuses++] = named;
	}
	// Asked again, the same atom lists them again.
	for (size_t i = 0; i < names->nuses; i++)
		names->uses[i]->asked = 0;
	qsort(names->uses, names->nuses, sizeof(*names->uses), by_group);
}

static bool alike(const struct rp_correlation *c, const struct rp_named *o,
		  const struct rp_named *n)
{
	const struct rp_atom *x = atom_of(c, 0, o->atom);
	const struct rp_atom *y = atom_of(c, 1, n->atom);

	return rp_atom_is_code(x) ? rp_atom_is_code(y) :
	       x->size == y->size && x->kind == y->kind;
}

static size_t group_end(const struct rp_names *names, size_t i)
{
	uint32_t group = names->uses[i]->group;

	while (i < names->nuses && names->uses[i]->group == group)
		i++;
	return i;
}

/*
 * The k-th of a group in one is the k-th in the other, if they use as many of
 * them. Where the sizes tell otherwise, nothing is concluded.
 */
static void pair_uses(struct rp_correlation *c, uint32_t old_atom,
		      uint32_t new_atom)
{
	struct rp_names *o = &c->of[0], *n = &c->of[1];
	size_t i = 0, k = 0;

	list_uses(c, 0, old_atom);
	list_uses(c, 1, new_atom);
	while (i < o->nuses && k < n->nuses) {
		size_t i_end = group_end(o, i), k_end = group_end(n, k);

		if (o->uses[i]->group < n->uses[k]->group) {
			i = i_end;
			continue;
		}
		if (o->uses[i]->group == n->uses[k]->group) {
			for (size_t j = 0; i_end - i == k_end - k &&
			     i + j < i_end; j++) {
				if (alike(c, o->uses[i + j], n->uses[k + j]))
					rp_correlation_pair(c, o->uses[i + j]->atom,
					     n->uses[k + j]->atom);
			}
			i = i_end;
		}
		k = k_end;
	}
}

/* Equal but for what is referred to: then the order of uses is certain. */
static bool looks_equal(const struct rp_correlation *c, uint32_t o, uint32_t n)
{
	const struct rp_atom *x = atom_of(c, 0, o), *y = atom_of(c, 1, n);
	const uint8_t *p = rp_atom_bytes(&c->unit->old_side.atoms, o);
	const uint8_t *q = rp_atom_bytes(&c->unit->new_side.atoms, n);
	uint64_t at = 0;

	if (x->size != y->size || x->nrefs != y->nrefs || !p || !q)
		return false;
	for (size_t i = 0; i < x->nrefs; i++) {
		uint64_t offset = x->refs[i].offset;

		if (offset != y->refs[i].offset || offset < at ||
		    memcmp(p + at, q + at, offset - at))
			return false;
		at = offset + rp_reloc_width(x->refs[i].type);
	}
	return at >= x->size || !memcmp(p + at, q + at, x->size - at);
}

/* Asks all that is paired, and what that pairs. */
static void ask(struct rp_correlation *c, bool any)
{
	for (size_t i = 0; i < c->queued; i++) {
		uint32_t o = c->queue[i], n = c->unit->old_side.twin[o];

		if (any || looks_equal(c, o, n))
			pair_uses(c, o, n);
	}
}

static void pair_cold_group(struct rp_correlation *c, uint32_t cold, size_t k)
{
	const struct rp_side *o = &c->unit->old_side, *n = &c->unit->new_side;
	uint32_t group = c->of[1].v[k].group;
	uint32_t parent = o->twin[o->atoms.v[cold].parent];

	for (; k < c->of[1].n && c->of[1].v[k].group == group; k++) {
		uint32_t other = c->of[1].v[k].atom;

		if (parent && n->atoms.v[other].parent == parent)
			rp_correlation_pair(c, cold, other);
	}
}

/* A cold part is its function's. Both lists are in the order of groups. */
static void pair_cold(struct rp_correlation *c)
{
	const struct rp_side *o = &c->unit->old_side;
	size_t k = 0;

	for (size_t i = 0; i < c->of[0].n; i++) {
		const struct rp_named *named = &c->of[0].v[i];

		while (k < c->of[1].n && c->of[1].v[k].group < named->group)
			k++;
		if (k == c->of[1].n)
			break;
		if (c->of[1].v[k].group == named->group &&
		    (o->atoms.v[named->atom].flags & RP_ATOM_COLD) &&
		    !o->twin[named->atom])
			pair_cold_group(c, named->atom, k);
	}
}

static bool same_content(const struct rp_correlation *c, uint32_t o, uint32_t n)
{
	const struct rp_atom *x = atom_of(c, 0, o), *y = atom_of(c, 1, n);
	const uint8_t *p = rp_atom_bytes(&c->unit->old_side.atoms, o);
	const uint8_t *q = rp_atom_bytes(&c->unit->new_side.atoms, n);

	return x->size == y->size && x->nrefs == y->nrefs && !p == !q &&
	       (!p || !memcmp(p, q, x->size));
}

static bool same_source(const char *a, const char *b)
{
	size_t n = rp_name_source_length(a);

	return rp_name_source_length(b) == n && !memcmp(a, b, n);
}

#define MAX_USERS	64	/* to compare; of more, any may be the same */

static size_t count_users(const struct rp_named *named)
{
	size_t n = 0;

	for (const struct rp_user *u = named->users; u; u = u->next)
		n++;
	return n;
}

/* Do functions of one name in the source use both? */
static bool share_user(const struct rp_correlation *c, const struct rp_named *o,
		       const struct rp_named *n)
{
	size_t x = count_users(o), y = count_users(n);

	if (rp_atom_is_code(atom_of(c, 0, o->atom)) || x > MAX_USERS ||
	    y > MAX_USERS || (!x && !y))
		return true;
	for (const struct rp_user *u = o->users; u; u = u->next) {
		const char *name = rp_atom_name(&rp_correlation_side(c, 0)->atoms, u->atom);

		for (const struct rp_user *w = n->users; w; w = w->next) {
			if (same_source(name, rp_atom_name(
					&rp_correlation_side(c, 1)->atoms, w->atom)))
				return true;
		}
	}
	return false;
}

/* What is left unpaired of a group; kept where uses are listed otherwise. */
static size_t collect_left(struct rp_correlation *c, int which, size_t from)
{
	struct rp_names *names = &c->of[which];
	uint32_t group = names->v[from].group;

	names->nuses = 0;
	for (size_t i = from; i < names->n && names->v[i].group == group; i++) {
		if (!rp_correlation_side(c, which)->twin[names->v[i].atom])
			names->uses[names->nuses++] = &names->v[i];
	}
	return names->nuses;
}

/* Code with the same numbers as before: none was added or taken away. */
static bool same_clones(const struct rp_correlation *c, size_t count)
{
	for (size_t j = 0; j < count; j++) {
		uint32_t o = c->of[0].uses[j]->atom, n = c->of[1].uses[j]->atom;

		if (!rp_atom_is_code(atom_of(c, 0, o)) ||
		    strcmp(rp_atom_name(&c->unit->old_side.atoms, o),
			   rp_atom_name(&c->unit->new_side.atoms, n)))
			return false;
	}
	return true;
}

static int by_symbol_name(const void *a, const void *b)
{
	const struct rp_named *x = *(struct rp_named *const *)a;
	const struct rp_named *y = *(struct rp_named *const *)b;

	return strcmp(x->symbol, y->symbol);
}

static void pair_left_group(struct rp_correlation *c, size_t i, size_t k)
{
	struct rp_named **o = c->of[0].uses, **n = c->of[1].uses;
	size_t count = collect_left(c, 0, i);

	if (!count || collect_left(c, 1, k) != count)
		return;
	qsort(o, count, sizeof(*o), by_symbol_name);
	qsort(n, count, sizeof(*n), by_symbol_name);
	if (same_clones(c, count)) {
		for (size_t j = 0; j < count; j++)
			rp_correlation_pair(c, o[j]->atom, n[j]->atom);
		return;
	}
	for (size_t j = 0; j < count; j++) {
		if (!share_user(c, o[j], n[j]) ||
		    (count > 1 && !same_content(c, o[j]->atom, n[j]->atom)))
			return;
	}
	for (size_t j = 0; j < count; j++)
		rp_correlation_pair(c, o[j]->atom, n[j]->atom);
}

static void pair_left(struct rp_correlation *c)
{
	size_t i = 0, k = 0;

	while (i < c->of[0].n && k < c->of[1].n) {
		uint32_t group = c->of[0].v[i].group;

		if (c->of[1].v[k].group < group) {
			k++;
			continue;
		}
		if (c->of[1].v[k].group == group)
			pair_left_group(c, i, k);
		while (i < c->of[0].n && c->of[0].v[i].group == group)
			i++;
	}
}

static int list_users(struct rp_correlation *c, int which)
{
	const struct rp_atoms *atoms = &rp_correlation_side(c, which)->atoms;
	struct rp_names *names = &c->of[which];
	size_t n = 0;

	names->users = calloc(atoms->nrefs + 1, sizeof(*names->users));
	if (!names->users)
		return -1;
	for (uint32_t i = 1; i < atoms->n; i++) {
		const struct rp_atom *a = &atoms->v[i];

		for (size_t k = 0; rp_atom_is_code(a) && k < a->nrefs; k++) {
			struct rp_named *used = names->by_atom[a->refs[k].atom];
			struct rp_user *user = &names->users[n];

			if (!used || a->refs[k].atom == i ||
			    (used->users && used->users->atom == i))
				continue;
			*user = (struct rp_user){ used->users, i };
			used->users = user;
			n++;
		}
	}
	return 0;
}

/* Anonymous atoms: the k-th of a section that has the same name. */
static bool is_anonymous(const struct rp_side *side, uint32_t atom)
{
	const struct rp_atom *a = &side->atoms.v[atom];

	return has_twins(a) && !*rp_atom_name(&side->atoms, atom) &&
	       !rp_atom_is_content(&side->atoms, atom);
}

static uint32_t find_section(const struct rp_side *side,
			     const struct rp_side *other, uint32_t section)
{
	const struct rp_relobj *obj = &other->obj;

	// Most sections keep their number, or nearly.
	for (size_t i = 0; i < obj->nsections; i++) {
		uint32_t at = (section + i) % obj->nsections;

		if (at && obj->sections[at].name && !strcmp(obj->sections[at].name,
		    side->obj.sections[section].name))
			return at;
	}
	return 0;
}

static void pair_anonymous(struct rp_correlation *c)
{
	const struct rp_side *o = &c->unit->old_side, *n = &c->unit->new_side;
	uint32_t section = 0, at = 0, end = 0;

	for (uint32_t i = 1; i < o->atoms.n; i++) {
		if (!is_anonymous(o, i))
			continue;
		if (o->atoms.v[i].section != section) {
			section = o->atoms.v[i].section;
			uint32_t other = find_section(o, n, section);

			at = n->atoms.section_first[other];
			end = n->atoms.section_first[other + 1];
		}
		while (at < end && !is_anonymous(n, at))
			at++;
		if (at < end)
			rp_correlation_pair(c, i, at++);
	}
}

static void free_names(struct rp_names *names)
{
	for (size_t i = 0; names->v && i < names->n; i++)
		free(names->v[i].name);
	free(names->v);
	free(names->by_atom);
	free(names->uses);
	free(names->users);
}

static int run(struct rp_correlation *c)
{
	bool known;

	c->queue = calloc(c->unit->old_side.atoms.n + 1, sizeof(*c->queue));
	if (!c->queue || list_names(c, 0) || list_names(c, 1))
		return -1;
	pair_unique(c);
	index_numbered(&c->of[0]);
	index_numbered(&c->of[1]);
	if (list_users(c, 0) || list_users(c, 1))
		return -1;
	pair_anonymous(c);
	pair_cold(c);
	ask(c, false);
	if (rp_correlation_declared(c, &known))
		return -1;
	ask(c, !known);
	pair_left(c);
	pair_cold(c);
	ask(c, !known);
	return 0;
}

int rp_unit_correlate(struct rp_unit *unit, struct rp_diag *diag)
{
	struct rp_correlation c = { .unit = unit };

	if (!unit->old_side.present || !unit->new_side.present)
		return 0;
	int rc = run(&c) ? rp_diag_nomem(diag) : 0;
	free_names(&c.of[0]);
	free_names(&c.of[1]);
	free(c.queue);
	return rc;
}
