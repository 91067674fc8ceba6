/* SPDX-License-Identifier: MIT */
/*
 * A constant whose content changed stays as it is for the code that runs; its
 * new content is in the payload. So whatever uses it has to be replaced as well,
 * or some of the program would go by the old one.
 */
#include "patch_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *reason(const struct rp_unit *unit, uint32_t used)
{
	char label[64], text[200];

	snprintf(text, sizeof(text), "uses %.120s, which changed",
		 rp_atom_label(&unit->new_side.atoms, used, label,
			       sizeof(label)));
	return strdup(text);
}

/* Does it use something constant that changed? */
static uint32_t uses_changed(const struct rp_unit *unit, uint32_t atom,
			     const bool *differs)
{
	const struct rp_atom *a = &unit->new_side.atoms.v[atom];

	for (size_t i = 0; i < a->nrefs; i++) {
		uint32_t to = a->refs[i].atom;

		if (to != atom && differs[to])
			return to;
	}
	return RP_ATOM_NONE;
}

static int refuse_data(struct rp_patch *p, const struct rp_unit *unit,
		       uint32_t atom, uint32_t used)
{
	char a[64], b[64];

	return rp_patch_refuse(p, unit->name, RP_DIAG_PATCH_CONST,
		rp_atom_label(&unit->new_side.atoms, atom, a, sizeof(a)),
		"refers to the constant %.100s, whose content changed; running "
		"code finds the old one through it: set it in a hook, or leave "
		"the constant and make a new one",
		rp_atom_label(&unit->new_side.atoms, used, b, sizeof(b)));
}

static int spread_once(struct rp_patch *p, struct rp_unit *unit, bool *differs,
		       bool *again)
{
	const struct rp_atoms *atoms = &unit->new_side.atoms;
	int rc = 0;

	*again = false;
	for (uint32_t i = 1; i < atoms->n && !rc; i++) {
		const struct rp_atom *a = &atoms->v[i];
		uint32_t used;

		if (differs[i] || a->kind == RP_ATOM_FDE ||
		    a->kind == RP_ATOM_CIE || a->kind == RP_ATOM_RECORD)
			continue;
		used = uses_changed(unit, i, differs);
		if (!used)
			continue;
		if (rp_atom_is_code(a) && !rp_atom_is_content(atoms, i)) {
			uint32_t root = rp_atom_root(atoms, i);

			rp_unit_mark(unit, i, reason(unit, used));
			if (unit->change[root].fate == RP_FATE_SAME)
				rp_unit_mark(unit, root, reason(unit, used));
		} else if (a->kind == RP_ATOM_DATA) {
			if (unit->new_side.twin[i])
				rc = refuse_data(p, unit, i, used);
		} else {
			if (a->kind == RP_ATOM_CONST)
				rp_unit_mark(unit, i, reason(unit, used));
			differs[i] = true;
			*again = true;
		}
	}
	return rc;
}

static int spread(struct rp_patch *p, struct rp_unit *unit, uint32_t number)
{
	const struct rp_atoms *atoms = &unit->new_side.atoms;
	bool *differs = calloc(atoms->n + 1, sizeof(*differs));
	bool again = false;
	int rc = 0;

	if (!differs)
		return rp_diag_nomem(p->diag);
	for (uint32_t i = 1; i < atoms->n; i++) {
		differs[i] = atoms->v[i].kind == RP_ATOM_CONST &&
			     unit->change[i].fate == RP_FATE_CHANGED &&
			     !rp_patch_is_intended(p, number, i);
		again |= differs[i];
	}
	while (again && !rc)
		rc = spread_once(p, unit, differs, &again);
	free(differs);
	return rc;
}

int rp_patch_spread(struct rp_patch *p)
{
	int rc = 0;

	for (size_t i = 0; i < p->nunits && !rc; i++) {
		if (p->units[i].changed)
			rc = spread(p, &p->units[i], i);
	}
	return rc;
}
