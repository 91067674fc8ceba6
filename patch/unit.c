/* SPDX-License-Identifier: MIT */
/* Opening object pairs. */
#define _GNU_SOURCE
#include "unit.h"

#include "../object/elf/mapped_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void link_described(struct rp_side *side)
{
	const struct rp_atoms *atoms = &side->atoms;

	// From the last to the first, so that lists are in the order of the file.
	for (uint32_t i = atoms->n; --i > 0;) {
		const struct rp_atom *atom = &atoms->v[i];

		if (atom->kind == RP_ATOM_FDE && atom->parent)
			side->fde[atom->parent] = i;
		if (atom->kind == RP_ATOM_RECORD && atom->parent) {
			side->next_record[i] = side->records[atom->parent];
			side->records[atom->parent] = i;
		}
	}
}

static int open_side(struct rp_side *side, struct rp_diag *diag)
{
	int rc = rp_relobj_open(&side->obj, side->image, side->size, diag);

	side->present = true;
	if (rc)
		return rc;
	if (side->obj.lto == RP_LTO_SLIM)
		return rp_diag_set(diag, RP_DIAG_PATCH_LTO, NULL,
			"compiled with -flto: the object holds no machine code; "
			"compile it with -fno-lto");
	rc = rp_atoms_init(&side->atoms, &side->obj, diag);
	if (rc)
		return rc;
	side->twin = calloc(side->atoms.n, sizeof(*side->twin));
	side->fde = calloc(side->atoms.n, sizeof(*side->fde));
	side->records = calloc(side->atoms.n, sizeof(*side->records));
	side->next_record = calloc(side->atoms.n, sizeof(*side->next_record));
	if (!side->twin || !side->fde || !side->records || !side->next_record)
		return rp_diag_nomem(diag);
	link_described(side);
	return 0;
}

static int open_path(struct rp_side *side, const char *path,
		     struct rp_diag *diag)
{
	side->path = strdup(path);
	if (!side->path)
		return rp_diag_nomem(diag);
	int rc = rp_file_map(path, &side->image, &side->size, diag);
	if (!rc && !side->image)
		rc = rp_diag_set(diag, RP_DIAG_NOT_ELF, NULL, "empty file");
	return rc ? rc : open_side(side, diag);
}

static int start(struct rp_unit *unit, const char *name, struct rp_diag *diag)
{
	memset(unit, 0, sizeof(*unit));
	unit->name = strdup(name);
	return unit->name ? 0 : rp_diag_nomem(diag);
}

static int finish(struct rp_unit *unit, struct rp_diag *diag)
{
	unit->change = calloc(unit->new_side.atoms.n + 1,
			      sizeof(*unit->change));
	return unit->change ? 0 : rp_diag_nomem(diag);
}

int rp_unit_open(struct rp_unit *unit, const char *name, const char *old_path,
		 const char *new_path, const char **culprit,
		 struct rp_diag *diag)
{
	int rc = start(unit, name, diag);

	*culprit = old_path ? old_path : new_path;
	if (!rc && old_path)
		rc = open_path(&unit->old_side, old_path, diag);
	if (!rc && new_path) {
		*culprit = new_path;
		rc = open_path(&unit->new_side, new_path, diag);
	}
	return rc ? rc : finish(unit, diag);
}

int rp_unit_open_image(struct rp_unit *unit, const char *name, const void *image,
		       size_t size, struct rp_diag *diag)
{
	int rc = start(unit, name, diag);

	if (rc)
		return rc;
	unit->extra = true;
	unit->new_side.image = (void *)image;
	unit->new_side.size = size;
	rc = open_side(&unit->new_side, diag);
	return rc ? rc : finish(unit, diag);
}

int rp_unit_open_images(struct rp_unit *unit, const char *name,
			const void *old_image, size_t old_size,
			const void *new_image, size_t new_size,
			struct rp_diag *diag)
{
	int rc = start(unit, name, diag);

	if (rc)
		return rc;
	unit->old_side.image = (void *)old_image;
	unit->old_side.size = old_size;
	unit->new_side.image = (void *)new_image;
	unit->new_side.size = new_size;
	rc = open_side(&unit->old_side, diag);
	if (!rc)
		rc = open_side(&unit->new_side, diag);
	return rc ? rc : finish(unit, diag);
}

static void close_side(struct rp_side *side)
{
	if (side->debug)
		rp_debug_info_close(side->debug);
	rp_atoms_deinit(&side->atoms);
	if (side->present)
		rp_relobj_close(&side->obj);
	free(side->twin);
	free(side->fde);
	free(side->records);
	free(side->next_record);
	if (side->path)
		rp_file_unmap(side->image, side->size);
	free(side->path);
}

void rp_unit_close(struct rp_unit *unit)
{
	for (size_t i = 0; unit->change && i < unit->new_side.atoms.n; i++)
		free(unit->change[i].why);
	free(unit->change);
	if (unit->matched)
		rp_matches_deinit(&unit->matches);
	close_side(&unit->old_side);
	close_side(&unit->new_side);
	free(unit->name);
	memset(unit, 0, sizeof(*unit));
}

struct rp_debug_info *rp_side_debug(struct rp_side *side)
{
	struct rp_diag ignored;

	// Without it less is known; the objects are as good as before.
	if (!side->debug_looked && side->present &&
	    rp_debug_info_open(&side->debug, &side->obj, &ignored))
		side->debug = NULL;
	side->debug_looked = true;
	return side->debug;
}

void rp_unit_mark(struct rp_unit *unit, uint32_t atom, char *why)
{
	struct rp_change *change = &unit->change[atom];

	if (change->fate == RP_FATE_SAME)
		change->fate = RP_FATE_CHANGED;
	if (change->why)
		free(why);
	else
		change->why = why;
	unit->changed = true;
}

const char *rp_atom_label(const struct rp_atoms *atoms, uint32_t atom,
			  char *buffer, size_t size)
{
	const struct rp_atom *a = &atoms->v[atom];

	if (!atom)
		return "nothing";
	if (*rp_atom_name(atoms, atom))
		return rp_atom_name(atoms, atom);
	snprintf(buffer, size, "%s+0x%llx",
		 atoms->obj->sections[a->section].name,
		 (unsigned long long)a->offset);
	return buffer;
}
