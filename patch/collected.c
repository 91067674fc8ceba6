/* SPDX-License-Identifier: MIT */
/*
 * Tables that the linker makes of what all objects have in one section: who
 * walks from __start_NAME to __stop_NAME refers to no entry.
 */
#include "patch_internal.h"

#include <ctype.h>

static bool is_identifier(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	while (isalnum((unsigned char)*name) || *name == '_')
		name++;
	return !*name;
}

bool rp_patch_is_collected(const struct rp_side *side, uint32_t atom)
{
	const struct rp_atom *a = &side->atoms.v[atom];

	return (a->kind == RP_ATOM_DATA || a->kind == RP_ATOM_CONST ||
		a->kind == RP_ATOM_LITERAL) &&
	       is_identifier(side->obj.sections[a->section].name);
}

int rp_patch_check_collected(struct rp_patch *p, const struct rp_unit *u,
			     uint32_t atom)
{
	const struct rp_side *side = &u->new_side;
	const char *section =
		side->obj.sections[side->atoms.v[atom].section].name;
	char label[64];

	if (u->extra || !u->old_side.present || !rp_patch_is_collected(side, atom) ||
	    u->change[atom].fate != RP_FATE_NEW ||
	    side->atoms.v[atom].kind == RP_ATOM_LITERAL)
		return 0;
	return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_INIT,
		rp_atom_label(&side->atoms, atom, label, sizeof(label)),
		"a new entry of the table %.80s, which the linker collected when "
		"the program was linked; enter it in a hook, see "
		"<repoint/livepatch.h>", section);
}
