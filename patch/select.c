/* SPDX-License-Identifier: MIT */
/* What a payload holds: what changed, and what that needs and is nowhere. */
#include "patch_internal.h"

#include "../object/grow.h"
#include "names.h"

#include <stdlib.h>
#include <string.h>

bool rp_patch_is_picked(const struct rp_patch *p, uint32_t unit, uint32_t atom)
{
	return p->picks[unit][atom].picked;
}

int rp_patch_pick(struct rp_patch *p, uint32_t unit, uint32_t atom)
{
	if (p->picks[unit][atom].picked)
		return 0;
	if (rp_grow(&p->queue, &p->queue_room, p->nqueue + 1,
		    sizeof(*p->queue)))
		return rp_diag_nomem(p->diag);
	p->picks[unit][atom].picked = true;
	p->queue[p->nqueue++] = (struct rp_node){ unit, atom };
	return 0;
}

/*
 * Nobody may be sent from a function's old address to a new body that takes
 * other parameters. Without debug information a clone is assumed to.
 */
static bool is_signature_changed(const struct rp_unit *unit, uint32_t atom)
{
	struct rp_unit *u = (struct rp_unit *)unit;
	const char *o = rp_atom_name(&unit->old_side.atoms,
				     unit->new_side.twin[atom]);
	const char *n = rp_atom_name(&unit->new_side.atoms, atom);
	struct rp_debug_info *old_info = rp_side_debug(&u->old_side);
	struct rp_debug_info *new_info = rp_side_debug(&u->new_side);
	char text[200];

	return old_info && new_info &&
	       rp_debug_prototype_changed(old_info, new_info, o, n, text,
					  sizeof(text)) == 1;
}

/*
 * Who calls it and did not change calls the new body with the same code as the
 * old one: what the source passes was propagated, or is not used.
 */
static bool is_called_as_before(const struct rp_unit *u, uint32_t atom)
{
	const struct rp_atoms *atoms = &u->new_side.atoms;

	for (uint32_t i = 1; i < atoms->n; i++) {
		const struct rp_atom *a = &atoms->v[i];

		if (rp_atom_is_code(a) && rp_atom_refers(a, atom) &&
		    u->change[rp_atom_root(atoms, i)].fate == RP_FATE_SAME)
			return true;
	}
	return false;
}

bool rp_patch_is_overridden(const struct rp_patch *p, const struct rp_unit *u,
			    uint32_t twin)
{
	const struct rp_match *m = u->matched ? rp_unit_match(u, twin) : NULL;
	uint32_t symbol = u->old_side.atoms.v[twin].symbol;

	return m && m->state == RP_MATCH_DIFFERS && m->symbol != UINT32_MAX &&
	       u->old_side.obj.symbols[symbol].bind == STB_WEAK &&
	       rp_binary_symbol(p->binary, m->symbol)->bind == STB_GLOBAL;
}

static bool has_detour(const struct rp_patch *p, const struct rp_unit *u,
		       uint32_t atom)
{
	uint32_t twin = u->new_side.twin[atom];

	if (u->change[atom].fate != RP_FATE_CHANGED || !twin ||
	    u->new_side.atoms.v[atom].kind != RP_ATOM_FUNCTION)
		return false;
	// Only its function leads there.
	if (u->new_side.atoms.v[atom].flags & RP_ATOM_COLD)
		return false;
	if ((u->matched && rp_unit_match(u, twin)->state == RP_MATCH_UNKNOWN) ||
	    rp_patch_is_overridden(p, u, twin))
		return false;
	// Other objects call a global one; where that code changed it is replaced.
	return (u->new_side.atoms.v[atom].flags & RP_ATOM_GLOBAL) ||
	       !is_signature_changed(u, atom) || is_called_as_before(u, atom);
}

/* Asked for each reference, and again when it is written: decided once. */
bool rp_patch_has_detour(const struct rp_patch *p, uint32_t unit, uint32_t atom)
{
	struct rp_change *change = &p->units[unit].change[atom];

	if (!change->detour)
		change->detour = 1 + has_detour(p, &p->units[unit], atom);
	return change->detour == 2;
}

/* Entries themselves are written apart; what they refer to is needed. */
static int pick_referred(struct rp_patch *p, uint32_t unit, uint32_t entry,
			 size_t first)
{
	const struct rp_atom *a = &p->units[unit].new_side.atoms.v[entry];
	int rc = 0;

	for (size_t i = first; i < a->nrefs && rc >= 0; i++) {
		struct rp_target target;

		rc = rp_patch_resolve(p, unit, entry, &a->refs[i], &target);
	}
	return rc < 0 ? rc : 0;
}

static int pick_described(struct rp_patch *p, const struct rp_node *node)
{
	const struct rp_side *side = &p->units[node->unit].new_side;
	uint32_t record = side->records[node->atom];
	uint32_t fde = side->fde[node->atom];
	int rc = 0;

	for (; record && !rc; record = side->next_record[record])
		rc = rp_patch_pick(p, node->unit, record);
	// An FDE begins with the function; a CIE has the personality routine.
	if (fde && !rc)
		rc = pick_referred(p, node->unit, fde, 1);
	if (fde && !rc)
		rc = pick_referred(p, node->unit,
				   rp_patch_cie_of(side, fde), 0);
	return rc;
}

/*
 * Markers are for us and not for the payload. Other records are of Repoint's
 * tables: the library reads them when the payload is applied.
 */
static bool is_marker(const struct rp_side *side, uint32_t atom)
{
	const char *name =
		side->obj.sections[side->atoms.v[atom].section].name;

	return !strncmp(name, "rp_livepatch_", 13);
}

static int follow(struct rp_patch *p, const struct rp_node *node)
{
	const struct rp_side *side = &p->units[node->unit].new_side;
	const struct rp_atom *atom = &side->atoms.v[node->atom];
	int rc = 0;

	if (atom->kind == RP_ATOM_RECORD && is_marker(side, node->atom))
		return 0;
	for (size_t i = 0; i < atom->nrefs && rc >= 0; i++) {
		struct rp_target target;

		rc = rp_patch_resolve(p, node->unit, node->atom,
				      &atom->refs[i], &target);
	}
	return rc < 0 ? rc : pick_described(p, node);
}

static int pick_changed(struct rp_patch *p, uint32_t unit)
{
	const struct rp_unit *u = &p->units[unit];
	int rc = 0;

	for (uint32_t i = 1; i < u->new_side.atoms.n && !rc; i++) {
		// What the binary lacks, or who has another signature now, comes
		// along if something that is replaced calls it.
		if (rp_patch_has_detour(p, unit, i) &&
		    rp_patch_canonical(p, unit, i).unit == unit)
			rc = rp_patch_pick(p, unit, i);
	}
	return rc;
}

int rp_patch_select(struct rp_patch *p)
{
	int rc = 0;

	for (size_t i = 0; i < p->nunits && !rc; i++)
		rc = pick_changed(p, i);
	while (p->handled < p->nqueue && !rc) {
		const struct rp_node node = p->queue[p->handled++];

		rc = follow(p, &node);
	}
	return rc;
}
