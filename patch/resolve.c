/* SPDX-License-Identifier: MIT */
/*
 * What a reference in the payload refers to: to something in the payload, or to
 * what the process has.
 *
 *   Calls of a function that is replaced go to its new body. Its address, where
 *   it is taken, stays the old one: programs compare addresses of handlers, and
 *   the detour leads to the new body anyway.
 */
#include "patch_internal.h"

#include "../object/insn/insn.h"

#include <stdlib.h>
#include <string.h>

struct global {
	const char *name;
	struct rp_node node;
};

struct rp_globals {
	struct global *v;
	size_t n;
};

static int by_name(const void *a, const void *b)
{
	const struct global *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order)
		return order;
	return x->node.unit < y->node.unit ? -1 : x->node.unit > y->node.unit;
}

static size_t count_globals(const struct rp_patch *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->nunits; i++)
		n += p->units[i].new_side.obj.nsymbols;
	return n;
}

int rp_patch_index_globals(struct rp_patch *p)
{
	struct rp_globals *g = calloc(1, sizeof(*g));

	if (!g)
		return rp_diag_nomem(p->diag);
	p->globals = g;
	g->v = calloc(count_globals(p) + 1, sizeof(*g->v));
	if (!g->v)
		return rp_diag_nomem(p->diag);
	for (uint32_t i = 0; i < p->nunits; i++) {
		const struct rp_side *side = &p->units[i].new_side;

		for (size_t k = side->obj.first_global;
		     side->present && k < side->obj.nsymbols; k++) {
			const struct rp_symbol *s = &side->obj.symbols[k];
			uint32_t atom = s->section && s->section !=
				RP_SECTION_NONE ? rp_atom_at(&side->atoms,
				s->section, s->value) : RP_ATOM_NONE;

			if (atom && side->atoms.v[atom].offset == s->value)
				g->v[g->n++] = (struct global){ s->name,
					{ i, atom } };
		}
	}
	qsort(g->v, g->n, sizeof(*g->v), by_name);
	return 0;
}

void rp_patch_free_globals(struct rp_patch *p)
{
	if (p->globals)
		free(p->globals->v);
	free(p->globals);
}

static const struct global *first_global(const struct rp_patch *p,
					 const char *name)
{
	size_t low = 0, high = p->globals->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(p->globals->v[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->globals->n && !strcmp(p->globals->v[low].name, name) ?
	       &p->globals->v[low] : NULL;
}

static const struct rp_node *find_global(const struct rp_patch *p,
					 const char *name)
{
	const struct global *first = first_global(p, name);

	return first ? &first->node : NULL;
}

/*
 * Of several copies, the one that tells what became of the binary's: it changed;
 * it is the same; it is new, where it was inlined before.
 */
static int worth_of(const struct rp_patch *p, const struct rp_node *node)
{
	const struct rp_unit *u = &p->units[node->unit];
	uint32_t twin;

	if (u->extra)
		return -1;
	twin = u->new_side.twin[node->atom];
	if (!twin)
		return 0;
	return (u->change[node->atom].fate == RP_FATE_CHANGED ? 2 : 1) +
	       (rp_patch_is_found(u, twin) ? 2 : 0);
}

static bool is_branch(const struct rp_ref *ref)
{
	return ref->branch == RP_INSN_CALL || ref->branch == RP_INSN_JMP ||
	       ref->branch == RP_INSN_JCC;
}

static bool is_through_table(const struct rp_ref *ref)
{
	switch (ref->type) {
	case R_X86_64_PLT32:
	case R_X86_64_GOTPCREL:
	case R_X86_64_GOTPCRELX:
	case R_X86_64_REX_GOTPCRELX:
		return true;
	}
	return false;
}

static int in_payload(struct rp_patch *p, const struct rp_node *node,
		      struct rp_target *ret)
{
	*ret = (struct rp_target){ .in_payload = true, .node = *node };
	return rp_patch_pick(p, node->unit, node->atom);
}

/* Does the atom describe code, or belong to it: its tables, its records? */
static bool is_part_of(const struct rp_side *side, uint32_t atom,
		       uint32_t code)
{
	const struct rp_atom *a = &side->atoms.v[atom];

	if (rp_atom_is_code(a))
		return rp_atom_root(&side->atoms, atom) ==
		       rp_atom_root(&side->atoms, code);
	return a->kind == RP_ATOM_RECORD || a->kind == RP_ATOM_FDE;
}

/* A place in a switch's table, which is not the function's address. */
static bool is_label(const struct rp_side *side, uint32_t atom,
		     const struct rp_ref *ref)
{
	const struct rp_atom *a = &side->atoms.v[atom];

	return ref->place || (a->kind == RP_ATOM_LITERAL &&
			      ref->type == R_X86_64_PC32);
}

static int resolve_code(struct rp_patch *p, const struct rp_node *from,
			const struct rp_ref *ref, const struct rp_node *to,
			struct rp_target *ret)
{
	struct rp_unit *u = &p->units[to->unit];
	const struct rp_side *side = &u->new_side;
	uint32_t root = rp_atom_root(&side->atoms, to->atom);
	bool own = from->unit == to->unit &&
		   (is_part_of(side, from->atom, to->atom) ||
		    is_label(side, from->atom, ref));

	if (root == to->atom && rp_patch_is_moved(p, to->unit, root))
		return rp_patch_bind_name(p, to->unit,
			rp_atom_name(&side->atoms, root), false, is_branch(ref),
			ret);
	if (u->change[root].fate == RP_FATE_NEW || u->extra ||
	    u->change[to->atom].fate == RP_FATE_NEW)
		return in_payload(p, to, ret);
	if (u->change[root].fate == RP_FATE_CHANGED &&
	    ((is_branch(ref) && !ref->place) || (own && is_label(side,
	     from->atom, ref)) || side->atoms.v[from->atom].kind ==
	     RP_ATOM_RECORD || side->atoms.v[from->atom].kind == RP_ATOM_FDE ||
	     root != to->atom || !rp_patch_has_detour(p, to->unit, root)))
		return in_payload(p, to, ret);
	return rp_patch_bind_twin(p, to->unit, side->twin[to->atom],
				  ref->place, ret);
}

static bool is_preemptible(const struct rp_patch *p, const struct rp_side *side,
			   const struct rp_ref *ref, const struct rp_node *to)
{
	const struct rp_atom *atom = &side->atoms.v[to->atom];
	const char *name = side->obj.symbols[ref->symbol].name;

	return (atom->flags & RP_ATOM_GLOBAL) &&
	       (is_through_table(ref) || ref->type == R_X86_64_64) &&
	       *name && rp_binary_is_preemptible(p->binary, name);
}

struct rp_node rp_patch_canonical(const struct rp_patch *p, uint32_t unit,
				  uint32_t atom)
{
	const struct rp_side *side = &p->units[unit].new_side;
	const struct rp_atom *a = &side->atoms.v[atom];
	const struct rp_node itself = { unit, atom };
	const char *name = rp_atom_name(&side->atoms, atom);
	const struct global *end = p->globals->v + p->globals->n;
	struct rp_node best = itself;
	int most = -1;

	if (!(a->flags & RP_ATOM_GLOBAL) ||
	    side->obj.symbols[a->symbol].bind == STB_GLOBAL)
		return itself;
	for (const struct global *g = first_global(p, name);
	     g && g < end && !strcmp(g->name, name); g++) {
		int worth = worth_of(p, &g->node);

		if (worth > most) {
			most = worth;
			best = g->node;
		}
	}
	return best;
}

/*
 * A table of labels, for computed gotos, belongs to the function that it leads
 * into: the old one has the places of the old body.
 */
bool rp_patch_holds_labels(const struct rp_unit *u, uint32_t atom)
{
	const struct rp_atoms *atoms = &u->new_side.atoms;
	const struct rp_atom *a = &atoms->v[atom];

	for (size_t i = 0; i < a->nrefs; i++) {
		uint32_t to = a->refs[i].atom;

		if (to && a->refs[i].place && rp_atom_is_code(&atoms->v[to]) &&
		    u->change[rp_atom_root(atoms, to)].fate != RP_FATE_SAME)
			return true;
	}
	return false;
}

/* A variable that any object may bring, and that the program has already. */
static bool is_shared(const struct rp_patch *p, const struct rp_side *side,
		      uint32_t atom, uint8_t fate)
{
	const struct rp_atom *a = &side->atoms.v[atom];

	return fate == RP_FATE_NEW && (a->flags & RP_ATOM_GLOBAL) &&
	       side->obj.symbols[a->symbol].bind != STB_GLOBAL &&
	       strncmp(rp_atom_name(&side->atoms, atom), "_ZTI", 4) &&
	       strncmp(rp_atom_name(&side->atoms, atom), "_ZTS", 4) &&
	       rp_patch_has_name(p, rp_atom_name(&side->atoms, atom));
}

static int resolve_atom(struct rp_patch *p, const struct rp_node *from,
			const struct rp_ref *ref, const struct rp_node *it,
			struct rp_target *ret)
{
	const struct rp_node one = rp_patch_canonical(p, it->unit, it->atom);
	const struct rp_node *to = &one;
	struct rp_unit *u = &p->units[to->unit];
	const struct rp_side *side = &u->new_side;
	const struct rp_atom *atom = &side->atoms.v[to->atom];
	uint8_t fate = u->change[to->atom].fate;

	if (rp_atom_is_content(&side->atoms, to->atom) || u->extra)
		return in_payload(p, to, ret);
	if (fate != RP_FATE_NEW &&
	    is_preemptible(p, &p->units[from->unit].new_side, ref, to))
		return rp_patch_bind_name(p, to->unit,
			p->units[from->unit].new_side.obj.symbols[ref->symbol].name,
			false, is_branch(ref), ret);
	if (rp_atom_is_code(atom))
		return resolve_code(p, from, ref, to, ret);
	if (rp_patch_is_moved(p, to->unit, to->atom) ||
	    is_shared(p, side, to->atom, fate))
		return rp_patch_bind_name(p, to->unit,
			rp_atom_name(&side->atoms, to->atom), false, false, ret);
	if (fate == RP_FATE_NEW || (atom->kind == RP_ATOM_CONST &&
	    fate == RP_FATE_CHANGED) || rp_patch_holds_labels(u, to->atom))
		return in_payload(p, to, ret);
	// What cannot be found may be copied, if nobody can tell.
	if (atom->kind == RP_ATOM_CONST && !(atom->flags & RP_ATOM_GLOBAL) &&
	    !rp_patch_is_found(u, side->twin[to->atom]))
		return in_payload(p, to, ret);
	return rp_patch_bind_twin(p, to->unit, side->twin[to->atom], 0, ret);
}

static int resolve_name(struct rp_patch *p, const struct rp_node *from,
			const struct rp_ref *ref, struct rp_target *ret)
{
	const struct rp_side *side = &p->units[from->unit].new_side;
	const struct rp_symbol *symbol = &side->obj.symbols[ref->symbol];
	const struct rp_node *to = *symbol->name && symbol->bind != STB_LOCAL ?
				   find_global(p, symbol->name) : NULL;

	// Of what comes with Repoint the program's own is better.
	if (to && p->units[to->unit].extra && !p->units[from->unit].extra &&
	    rp_patch_has_name(p, symbol->name))
		to = NULL;
	if (to && (to->unit != from->unit))
		return resolve_atom(p, from, ref, to, ret);
	return rp_patch_bind_name(p, from->unit, symbol->name,
				  symbol->bind == STB_WEAK,
				  is_branch(ref) || ref->branch, ret);
}

static int refuse_none(struct rp_patch *p, uint32_t unit, uint32_t atom,
		       const struct rp_ref *ref)
{
	const struct rp_unit *u = &p->units[unit];
	const struct rp_symbol *s = &u->new_side.obj.symbols[ref->symbol];
	char label[64];

	return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_UNBOUND,
		rp_atom_label(&u->new_side.atoms, atom, label, sizeof(label)),
		"refers to section %.80s, which holds nothing that could be "
		"named", s->section && s->section != RP_SECTION_NONE ?
		u->new_side.obj.sections[s->section].name : "?") ?: 1;
}

int rp_patch_resolve(struct rp_patch *p, uint32_t unit, uint32_t atom,
		     const struct rp_ref *ref, struct rp_target *ret)
{
	const struct rp_side *side = &p->units[unit].new_side;
	const struct rp_node from = { unit, atom }, to = { unit, ref->atom };
	const struct rp_symbol *symbol = &side->obj.symbols[ref->symbol];

	if (ref->atom)
		return resolve_atom(p, &from, ref, &to, ret);
	if (symbol->section && symbol->section != RP_SECTION_NONE)
		return refuse_none(p, unit, atom, ref);
	return resolve_name(p, &from, ref, ret);
}
