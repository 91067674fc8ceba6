/* SPDX-License-Identifier: MIT */
/* Refusing changes of types whose objects live already. */
#include "patch_internal.h"

#include <stdio.h>
#include <string.h>

static int refuse_type(struct rp_patch *p, const struct rp_unit *u,
		       const struct rp_type_change *change)
{
	char where[300];

	if (rp_patch_listed(p->options->allow_layout, change->type))
		return rp_patch_find(p, RP_FINDING_NOTE, u->name,
			RP_DIAG_PATCH_LAYOUT, change->type,
			"its layout changed, which is allowed by --allow-layout");
	if (change->member[0])
		snprintf(where, sizeof(where), "%s.%s", change->type,
			 change->member);
	else
		snprintf(where, sizeof(where), "%s", change->type);
	if (change->kind == RP_TYPE_ENUMERATOR)
		return rp_patch_find(p, RP_FINDING_WARNING, u->name,
			RP_DIAG_PATCH_ENUM, where, "%s; values that are stored "
			"already keep their old meaning", change->text);
	if (change->kind == RP_TYPE_VIRTUAL)
		return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_VTABLE, where,
			"%s; objects that live have the old table", change->text);
	return rp_patch_refuse(p, u->name, RP_DIAG_PATCH_LAYOUT, where,
		"%s; objects of this type may live already in the old layout "
		"(attach new members as shadow variables, see "
		"<repoint/livepatch.h>; if no object of it outlives the change: "
		"--allow-layout='%.100s')", change->text, change->type);
}

/*
 * Members behind the first one that moved have moved as well, in every object
 * that knows the type: the first one tells it all.
 */
static bool is_told(const struct rp_patch *p,
		    const struct rp_type_changes *changes, size_t i)
{
	const struct rp_type_change *it = &changes->v[i];
	size_t n = strlen(it->type);

	if (it->kind == RP_TYPE_ENUMERATOR)
		return false;
	for (size_t k = 0; k < i; k++) {
		if (changes->v[k].kind != RP_TYPE_ENUMERATOR &&
		    !strcmp(changes->v[k].type, it->type))
			return true;
	}
	for (size_t k = 0; k < p->report->nfindings; k++) {
		const struct rp_diag *d = &p->report->findings[k].diag;

		if ((d->id == RP_DIAG_PATCH_LAYOUT ||
		     d->id == RP_DIAG_PATCH_VTABLE) &&
		    !strncmp(d->where, it->type, n) &&
		    (!d->where[n] || d->where[n] == '.'))
			return true;
	}
	return false;
}

/*
 * A type that a function declares for itself, if that function is replaced: its
 * objects are on the stack of that function, which is in no call of it when it
 * is replaced.
 */
static bool is_in_replaced(const struct rp_unit *u, const char *type)
{
	const char *end = strstr(type, "()::"), *start = end;
	const struct rp_atoms *atoms = &u->new_side.atoms;

	if (!end)
		return false;
	while (start > type && start[-1] != ' ' && start[-1] != ':')
		start--;
	for (uint32_t i = 1; i < atoms->n; i++) {
		const char *name = rp_atom_name(atoms, i);
		size_t n = end - start;

		if (u->change[i].fate == RP_FATE_CHANGED &&
		    rp_atom_is_code(&atoms->v[i]) && !strncmp(name, start, n) &&
		    (!name[n] || name[n] == '.'))
			return true;
	}
	return false;
}

static int check_unit(struct rp_patch *p, struct rp_unit *u)
{
	struct rp_debug_info *old_info = rp_side_debug(&u->old_side);
	struct rp_debug_info *new_info = rp_side_debug(&u->new_side);
	struct rp_type_changes changes;
	int rc;

	if (!old_info || !new_info || !rp_debug_has_types(old_info) ||
	    !rp_debug_has_types(new_info))
		return rp_patch_find(p, RP_FINDING_WARNING, u->name,
			RP_DIAG_PATCH_LAYOUT, NULL, "no debug information of "
			"types: whether a type's layout changed cannot be seen; compile "
			"with -g");
	rc = rp_debug_types_compare(old_info, new_info, &changes, p->diag);
	if (rc)
		return rc;
	for (size_t i = 0; i < changes.n && !rc; i++) {
		if (!is_told(p, &changes, i) &&
		    !is_in_replaced(u, changes.v[i].type))
			rc = refuse_type(p, u, &changes.v[i]);
	}
	rp_type_changes_deinit(&changes);
	return rc;
}

int rp_patch_check_types(struct rp_patch *p)
{
	int rc = 0;

	for (size_t i = 0; i < p->nunits && !rc; i++) {
		struct rp_unit *u = &p->units[i];

		if (u->changed && u->old_side.present && u->new_side.present) {
			p->culprit = u->new_side.path;
			rc = check_unit(p, u);
		}
	}
	return rc;
}
