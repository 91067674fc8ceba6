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

bool rp_patch_has_detour(const struct rp_patch *p, uint32_t unit, uint32_t atom)
{
	const struct rp_unit *u = &p->units[unit];
	uint32_t twin = u->new_side.twin[atom];

	if (u->change[atom].fate != RP_FATE_CHANGED || !twin ||
	    u->new_side.atoms.v[atom].kind != RP_ATOM_FUNCTION)
		return false;
	// Only its function leads there.
	if (u->new_side.atoms.v[atom].flags & RP_ATOM_COLD)
		return false;
	if (u->matched && rp_unit_match(u, twin)->state == RP_MATCH_UNKNOWN)
		return false;
	return !is_signature_changed(u, atom);
}

static int pick_described(struct rp_patch *p, const struct rp_node *node)
{
	const struct rp_side *side = &p->units[node->unit].new_side;
	uint32_t record = side->records[node->atom];
	uint32_t fde = side->fde[node->atom];
	int rc = 0;

	for (; record && !rc; record = side->next_record[record])
		rc = rp_patch_pick(p, node->unit, record);
	// Entries themselves are written apart; what they refer to is needed.
	for (size_t i = 1; fde && i < side->atoms.v[fde].nrefs && !rc; i++) {
		struct rp_target target;

		rc = rp_patch_resolve(p, node->unit, fde,
				      &side->atoms.v[fde].refs[i], &target);
	}
	return rc < 0 ? rc : 0;
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
		if (u->change[i].fate == RP_FATE_CHANGED &&
		    rp_atom_is_code(&u->new_side.atoms.v[i]) &&
		    !(u->new_side.atoms.v[i].flags & RP_ATOM_COLD) &&
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
