/* SPDX-License-Identifier: MIT */
/*
 * Finding twins: which atom of the new version is which of the old one.
 *
 *   1 by name, where a name means one thing in each version
 *   2 what compilers number (x.1234, f.part.0): by who uses it, and in which
 *     order; code that is paired is asked in turn, until nothing new is found
 *   3 what is left of a name, if one is left on each side, or as many of equal
 *     content
 *   4 anonymous code and data: by section and order
 *
 * Literals have no twins: they are what they contain.
 */
#include "names.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

struct named {
	char *name;		/* canonical */
	uint32_t atom;
	uint32_t group;
	uint8_t class;		/* code, data, thread-local data */
	bool numbered;
	bool global;
};

struct names {
	struct named *v;
	size_t n;
	struct named **by_atom;	/* numbered ones; else NULL */
};

struct correlation {
	struct rp_unit *unit;
	struct names of[2];
	uint32_t *queue;	/* paired atoms of the old version */
	size_t queued, asked;
};

static const struct rp_side *side_of(const struct correlation *c, int i)
{
	return i ? &c->unit->new_side : &c->unit->old_side;
}

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

static int compare_key(const struct named *x, const struct named *y)
{
	int order = strcmp(x->name, y->name);

	return order ? order : (int)x->class - (int)y->class;
}

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = compare_key(x, y);

	return order ? order : x->atom < y->atom ? -1 : x->atom > y->atom;
}

static int list_names(struct correlation *c, int which)
{
	const struct rp_side *side = side_of(c, which);
	struct names *names = &c->of[which];

	names->v = calloc(side->atoms.n, sizeof(*names->v));
	names->by_atom = calloc(side->atoms.n, sizeof(*names->by_atom));
	if (!names->v || !names->by_atom)
		return -1;
	for (uint32_t i = 1; i < side->atoms.n; i++) {
		const struct rp_atom *atom = &side->atoms.v[i];
		const char *name = rp_atom_name(&side->atoms, i);
		struct named *named = &names->v[names->n];

		if (!has_twins(atom) || !*name ||
		    rp_atom_is_content(&side->atoms, i))
			continue;
		*named = (struct named){ .atom = i, .class = class_of(atom),
			.global = atom->flags & RP_ATOM_GLOBAL };
		named->name = malloc(strlen(name) + 1);
		if (!named->name)
			return -1;
		names->n++;
		if (named->global)
			strcpy(named->name, name);
		else
			named->numbered = rp_name_canonical(name, named->name);
	}
	qsort(names->v, names->n, sizeof(*names->v), by_name);
	return 0;
}

static void index_numbered(struct names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		if (names->v[i].numbered)
			names->by_atom[names->v[i].atom] = &names->v[i];
	}
}

static void pair(struct correlation *c, uint32_t old_atom, uint32_t new_atom)
{
	uint32_t *old_twin = &c->unit->old_side.twin[old_atom];
	uint32_t *new_twin = &c->unit->new_side.twin[new_atom];

	if (*old_twin || *new_twin)
		return;
	*old_twin = new_atom;
	*new_twin = old_atom;
	c->queue[c->queued++] = old_atom;
}

static const struct rp_atom *atom_of(const struct correlation *c, int which,
				     uint32_t atom)
{
	return &side_of(c, which)->atoms.v[atom];
}

/* Names that stand for one thing in each version; gives groups numbers. */
static void pair_unique(struct correlation *c)
{
	struct names *o = &c->of[0], *n = &c->of[1];
	size_t i = 0, k = 0;
	uint32_t group = 0;

	while (i < o->n || k < n->n) {
		size_t i_end = i, k_end = k;
		const struct named *key;

		if (k == n->n || (i < o->n && compare_key(&o->v[i], &n->v[k]) <= 0))
			key = &o->v[i];
		else
			key = &n->v[k];
		group++;
		for (; i_end < o->n && !compare_key(&o->v[i_end], key); i_end++)
			o->v[i_end].group = group;
		for (; k_end < n->n && !compare_key(&n->v[k_end], key); k_end++)
			n->v[k_end].group = group;
		for (size_t a = i; a < i_end; a++) {
			for (size_t b = k; b < k_end; b++) {
				if (!o->v[a].numbered && !n->v[b].numbered)
					pair(c, o->v[a].atom, n->v[b].atom);
			}
		}
		i = i_end;
		k = k_end;
	}
}

/* Numbered atoms that an atom refers to, in the order of first use. */
struct uses {
	struct named *v[64];
	size_t n;
};

static void list_uses(const struct correlation *c, int which, uint32_t atom,
		      struct uses *ret)
{
	const struct rp_atom *a = atom_of(c, which, atom);

	ret->n = 0;
	for (size_t i = 0; i < a->nrefs; i++) {
		struct named *named = c->of[which].by_atom[a->refs[i].atom];
		size_t k = 0;

		if (!named)
			continue;
		while (k < ret->n && ret->v[k] != named)
			k++;
		if (k == ret->n && ret->n < sizeof(ret->v) / sizeof(*ret->v))
			ret->v[ret->n++] = named;
	}
}

static bool alike(const struct correlation *c, const struct named *o,
		  const struct named *n)
{
	const struct rp_atom *x = atom_of(c, 0, o->atom);
	const struct rp_atom *y = atom_of(c, 1, n->atom);

	return rp_atom_is_code(x) ? rp_atom_is_code(y) :
	       x->size == y->size && x->kind == y->kind;
}

static size_t count_group(const struct uses *uses, uint32_t group)
{
	size_t n = 0;

	for (size_t i = 0; i < uses->n; i++)
		n += uses->v[i]->group == group;
	return n;
}

/*
 * The k-th of a group in one is the k-th in the other, if they use as many of
 * them. Where the sizes tell otherwise, nothing is concluded.
 */
static void pair_uses(struct correlation *c, uint32_t old_atom,
		      uint32_t new_atom)
{
	struct uses o, n;

	list_uses(c, 0, old_atom, &o);
	list_uses(c, 1, new_atom, &n);
	for (size_t i = 0; i < o.n; i++) {
		uint32_t group = o.v[i]->group;
		size_t rank = 0, k = 0;

		if (count_group(&o, group) != count_group(&n, group))
			continue;
		for (size_t j = 0; j < i; j++)
			rank += o.v[j]->group == group;
		for (; k < n.n; k++) {
			if (n.v[k]->group == group && !rank--)
				break;
		}
		if (alike(c, o.v[i], n.v[k]))
			pair(c, o.v[i]->atom, n.v[k]->atom);
	}
}

static bool same_refs_count(const struct correlation *c, uint32_t o, uint32_t n)
{
	const struct rp_atom *x = atom_of(c, 0, o), *y = atom_of(c, 1, n);

	return x->size == y->size && x->nrefs == y->nrefs;
}

/* Those that look unchanged are asked first: their order is certain. */
static void ask(struct correlation *c)
{
	size_t from = c->asked;

	while (c->asked < c->queued) {
		uint32_t o = c->queue[c->asked++];
		uint32_t n = c->unit->old_side.twin[o];

		if (same_refs_count(c, o, n))
			pair_uses(c, o, n);
	}
	for (size_t i = from; i < c->queued; i++)
		pair_uses(c, c->queue[i], c->unit->old_side.twin[c->queue[i]]);
}

static void ask_all(struct correlation *c)
{
	size_t before;

	do {
		before = c->queued;
		ask(c);
	} while (c->queued != before || c->asked < c->queued);
}

static void pair_cold_group(struct correlation *c, uint32_t cold, size_t k)
{
	const struct rp_side *o = &c->unit->old_side, *n = &c->unit->new_side;
	uint32_t group = c->of[1].v[k].group;
	uint32_t parent = o->twin[o->atoms.v[cold].parent];

	for (; k < c->of[1].n && c->of[1].v[k].group == group; k++) {
		uint32_t other = c->of[1].v[k].atom;

		if (parent && n->atoms.v[other].parent == parent)
			pair(c, cold, other);
	}
}

/* A cold part is its function's. Both lists are in the order of groups. */
static void pair_cold(struct correlation *c)
{
	const struct rp_side *o = &c->unit->old_side;
	size_t k = 0;

	for (size_t i = 0; i < c->of[0].n; i++) {
		const struct named *named = &c->of[0].v[i];

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

static bool same_content(const struct correlation *c, uint32_t o, uint32_t n)
{
	const struct rp_atom *x = atom_of(c, 0, o), *y = atom_of(c, 1, n);
	const uint8_t *p = rp_atom_bytes(&c->unit->old_side.atoms, o);
	const uint8_t *q = rp_atom_bytes(&c->unit->new_side.atoms, n);

	return x->size == y->size && x->nrefs == y->nrefs && !p == !q &&
	       (!p || !memcmp(p, q, x->size));
}

/* Does a function use the atom whose source name is that of another's user? */
static bool share_user(const struct correlation *c, uint32_t o, uint32_t n);

struct left {
	uint32_t atoms[2][32];
	size_t n[2];
};

static void collect_left(const struct correlation *c, int which, uint32_t group,
			 size_t from, struct left *left)
{
	const struct names *names = &c->of[which];

	left->n[which] = 0;
	for (size_t i = from; i < names->n && names->v[i].group == group; i++) {
		if (!side_of(c, which)->twin[names->v[i].atom] &&
		    left->n[which] < 32)
			left->atoms[which][left->n[which]++] = names->v[i].atom;
	}
}

static void pair_left_group(struct correlation *c, struct left *left)
{
	bool all = left->n[0] == left->n[1];

	if (left->n[0] == 1 && left->n[1] == 1) {
		if (share_user(c, left->atoms[0][0], left->atoms[1][0]))
			pair(c, left->atoms[0][0], left->atoms[1][0]);
		return;
	}
	for (size_t i = 0; all && i < left->n[0]; i++)
		all = same_content(c, left->atoms[0][i], left->atoms[1][i]) &&
		      share_user(c, left->atoms[0][i], left->atoms[1][i]);
	for (size_t i = 0; all && i < left->n[0]; i++)
		pair(c, left->atoms[0][i], left->atoms[1][i]);
}

static void pair_left(struct correlation *c)
{
	size_t i = 0, k = 0;

	while (i < c->of[0].n && k < c->of[1].n) {
		uint32_t group = c->of[0].v[i].group;
		struct left left;

		if (c->of[1].v[k].group < group) {
			k++;
			continue;
		}
		if (c->of[1].v[k].group == group) {
			collect_left(c, 0, group, i, &left);
			collect_left(c, 1, group, k, &left);
			pair_left_group(c, &left);
		}
		while (i < c->of[0].n && c->of[0].v[i].group == group)
			i++;
	}
}

/* Names of the functions that refer to an atom, as the source has them. */
struct users {
	const char *v[16];
	size_t n;
	bool more;
};

static void list_users(const struct rp_side *side, uint32_t atom,
		       struct users *ret)
{
	ret->n = 0;
	ret->more = false;
	for (uint32_t i = 1; i < side->atoms.n; i++) {
		const struct rp_atom *a = &side->atoms.v[i];
		bool uses = false;

		if (!rp_atom_is_code(a))
			continue;
		for (size_t k = 0; k < a->nrefs && !uses; k++)
			uses = a->refs[k].atom == atom && i != atom;
		if (uses && ret->n < 16)
			ret->v[ret->n++] = rp_atom_name(&side->atoms, i);
		else if (uses)
			ret->more = true;
	}
}

static bool share_user(const struct correlation *c, uint32_t o, uint32_t n)
{
	struct users x, y;

	if (rp_atom_is_code(atom_of(c, 0, o)))
		return true;
	list_users(&c->unit->old_side, o, &x);
	list_users(&c->unit->new_side, n, &y);
	if (x.more || y.more || (!x.n && !y.n))
		return true;
	for (size_t i = 0; i < x.n; i++) {
		size_t length = rp_name_source_length(x.v[i]);

		for (size_t k = 0; k < y.n; k++) {
			if (rp_name_source_length(y.v[k]) == length &&
			    !memcmp(x.v[i], y.v[k], length))
				return true;
		}
	}
	return false;
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

static void pair_anonymous(struct correlation *c)
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
			pair(c, i, at++);
	}
}

static void free_names(struct names *names)
{
	for (size_t i = 0; names->v && i < names->n; i++)
		free(names->v[i].name);
	free(names->v);
	free(names->by_atom);
}

static int run(struct correlation *c)
{
	c->queue = calloc(c->unit->old_side.atoms.n + 1, sizeof(*c->queue));
	if (!c->queue || list_names(c, 0) || list_names(c, 1))
		return -1;
	pair_unique(c);
	index_numbered(&c->of[0]);
	index_numbered(&c->of[1]);
	pair_anonymous(c);
	pair_cold(c);
	ask_all(c);
	pair_left(c);
	pair_cold(c);
	ask_all(c);
	return 0;
}

int rp_unit_correlate(struct rp_unit *unit, struct rp_diag *diag)
{
	struct correlation c = { .unit = unit };

	if (!unit->old_side.present || !unit->new_side.present)
		return 0;
	int rc = run(&c) ? rp_diag_nomem(diag) : 0;
	free_names(&c.of[0]);
	free_names(&c.of[1]);
	free(c.queue);
	return rc;
}
