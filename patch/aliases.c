/* SPDX-License-Identifier: MIT */
/*
 * Several names for one thing: written aliases, and functions that a compiler or
 * a linker found equal and made one. A jump at one of them is a jump at all.
 */
#include "patch_internal.h"

#include <stdlib.h>
#include <string.h>

struct name {
	const char *name;
	uint32_t symbol;
};

struct names {
	struct name *v;
	size_t n;
};

static int by_name(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool is_name(const struct rp_symbol *s)
{
	return s->section && s->section != RP_SECTION_NONE && *s->name &&
	       s->bind != STB_LOCAL && s->type != STT_SECTION &&
	       s->type != STT_FILE;
}

static int list_names(struct names *names, const struct rp_relobj *obj)
{
	names->n = 0;
	names->v = calloc(obj->nsymbols + 1, sizeof(*names->v));
	if (!names->v)
		return -1;
	for (size_t i = 1; i < obj->nsymbols; i++) {
		if (is_name(&obj->symbols[i]))
			names->v[names->n++] = (struct name){
				obj->symbols[i].name, i };
	}
	if (names->n)
		qsort(names->v, names->n, sizeof(*names->v), by_name);
	return 0;
}

/* The atom of a symbol, and how far inside; RP_ATOM_NONE if it starts none. */
static uint32_t atom_of(const struct rp_side *side, uint32_t symbol,
			uint64_t *offset)
{
	const struct rp_symbol *s = &side->obj.symbols[symbol];
	uint32_t atom = rp_atom_at(&side->atoms, s->section, s->value);

	*offset = atom ? s->value - side->atoms.v[atom].offset : 0;
	return atom;
}

/* Does a name stand for something else? @a, @b: what it was, what it is */
static bool is_other(const struct rp_unit *u, uint32_t old_symbol,
		     uint32_t new_symbol, uint32_t *a, uint32_t *b)
{
	const struct rp_side *o = &u->old_side, *n = &u->new_side;
	uint64_t x, y;

	*a = atom_of(o, old_symbol, &x);
	*b = atom_of(n, new_symbol, &y);
	// What it is itself named by was compared under that name.
	return *a && *b && (o->twin[*a] != *b || (!x && y)) &&
	       o->atoms.v[*a].symbol != old_symbol;
}

static int check_name(struct rp_patch *p, const struct rp_unit *u,
		      uint32_t old_symbol, uint32_t new_symbol)
{
	const struct rp_side *o = &u->old_side, *n = &u->new_side;
	const char *name = o->obj.symbols[old_symbol].name;
	uint32_t a, b;

	if (!is_other(u, old_symbol, new_symbol, &a, &b))
		return 0;
	return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_ALIAS, name,
		"was another name of %.90s, and is %.90s now: in the running "
		"program they are one; leave them what they were",
		rp_atom_name(&o->atoms, a), rp_atom_name(&n->atoms, b));
}

static uint32_t find(const struct names *names, const struct rp_symbol *s)
{
	const struct name key = { s->name, 0 };
	const struct name *found = is_name(s) && names->n ?
		bsearch(&key, names->v, names->n, sizeof(key), by_name) : NULL;

	return found ? found->symbol : 0;
}

static int check_unit(struct rp_patch *p, const struct rp_unit *u)
{
	const struct rp_relobj *obj = &u->old_side.obj;
	struct names names;
	int rc = 0;

	if (list_names(&names, &u->new_side.obj))
		return rp_diag_nomem(p->diag);
	for (size_t i = 1; i < obj->nsymbols && !rc; i++) {
		uint32_t symbol = find(&names, &obj->symbols[i]);

		if (symbol)
			rc = check_name(p, u, i, symbol);
	}
	free(names.v);
	return rc;
}

bool rp_unit_has_other_aliases(const struct rp_unit *u)
{
	const struct rp_relobj *obj = &u->old_side.obj;
	struct names names;
	bool other = false;

	if (list_names(&names, &u->new_side.obj))
		return true;
	for (size_t i = 1; i < obj->nsymbols && !other; i++) {
		uint32_t symbol = find(&names, &obj->symbols[i]), a, b;

		other = symbol && is_other(u, i, symbol, &a, &b);
	}
	free(names.v);
	return other;
}

/* Has the old object a name for this place? */
static bool has_name(const struct rp_side *side, uint32_t atom,
		     const char *name)
{
	const struct rp_atom *a = &side->atoms.v[atom];

	for (size_t i = 1; i < side->obj.nsymbols; i++) {
		const struct rp_symbol *s = &side->obj.symbols[i];

		if (s->section == a->section && s->value == a->offset &&
		    !strcmp(s->name, name))
			return true;
	}
	return false;
}

int rp_patch_check_folded(struct rp_patch *p, const struct rp_unit *u,
			  uint32_t twin)
{
	const struct rp_match *m = rp_unit_match(u, twin);
	const char *name = rp_atom_name(&u->old_side.atoms, twin);
	size_t n;
	const uint32_t *v = rp_binary_all_at(p->binary, m->address, &n);

	for (size_t i = 0; i < n; i++) {
		const struct rp_binary_symbol *s = rp_binary_symbol(p->binary,
								    v[i]);

		if (v[i] == m->symbol || s->type != STT_FUNC ||
		    has_name(&u->old_side, twin, s->name))
			continue;
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_ALIAS, name,
			"is one with %.100s in the binary, which has the same "
			"code: a jump at its start would be for both; link "
			"without --icf", s->name);
	}
	return 0;
}

int rp_patch_check_aliases(struct rp_patch *p)
{
	int rc = 0;

	for (size_t i = 0; i < p->nunits && !rc; i++) {
		if (p->units[i].old_side.present && p->units[i].new_side.present)
			rc = check_unit(p, &p->units[i]);
	}
	return rc;
}
