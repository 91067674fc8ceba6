/* SPDX-License-Identifier: MIT */
/*
 * A unit: one object in its old and its new version, and what became of each
 * atom.
 *
 * Words: an atom's twin is the same thing in the other version. A function is
 * changed if it does not mean the same as its twin; what has no twin is new.
 */
#ifndef REPOINT_PATCH_UNIT_H
#define REPOINT_PATCH_UNIT_H

#include "../object/atoms/atoms.h"
#include "../object/debug/info.h"
#include "match.h"

/**
 * struct rp_side - one version of an object.
 * @path:    of the file
 * @image:   mapped
 * @twin:    for each atom its twin, or RP_ATOM_NONE
 * @fde:     for each atom that is code its unwind entry, or RP_ATOM_NONE
 * @records: for each atom the first record that describes it; the next one is
 *           in @next_record, for each record
 * @debug:   NULL: none, or not looked for yet
 */
struct rp_side {
	char *path;
	void *image;
	size_t size;
	struct rp_relobj obj;
	struct rp_atoms atoms;
	uint32_t *twin;
	uint32_t *fde;
	uint32_t *records;
	uint32_t *next_record;
	struct rp_debug_info *debug;
	bool debug_looked;
	bool present;
};

/** What became of an atom of the new version. */
enum rp_fate {
	RP_FATE_SAME,
	RP_FATE_CHANGED,	/**< it has a twin that is otherwise */
	RP_FATE_NEW,		/**< it has no twin */
};

/** struct rp_change - why an atom counts as changed; strings may be NULL. */
struct rp_change {
	uint8_t fate;
	char *why;
	uint64_t offset;	/* of the first difference, in the new one */
	bool has_offset;
	bool only_constants;	/* every difference is a constant */
	bool line_only;		/* no change: it differs in line numbers */
	uint8_t detour;		/* see rp_patch_has_detour(): 0 is not known yet,
				   1 no, 2 yes */
};

/**
 * struct rp_unit - an object pair.
 * @name:    for messages: relative path
 * @change:  for each atom of the new version
 * @matches: where the old version's atoms are in the binary
 * @matched: @matches is valid
 * @extra:   not of the program: an object that comes with Repoint
 */
struct rp_unit {
	char *name;
	struct rp_side old_side;
	struct rp_side new_side;
	struct rp_change *change;
	struct rp_matches matches;
	bool matched;
	bool extra;
	bool changed;
};

/**
 * rp_unit_open() - read both versions.
 * @old_path, @new_path: NULL if there is none
 *
 * Return: 0; a negative errno value, with @diag and *@culprit, the file, set.
 */
int rp_unit_open(struct rp_unit *unit, const char *name, const char *old_path,
		 const char *new_path, const char **culprit,
		 struct rp_diag *diag);
/** rp_unit_open_image() - the same for a new object in memory, which must outlive it. */
int rp_unit_open_image(struct rp_unit *unit, const char *name, const void *image,
		       size_t size, struct rp_diag *diag);
/** rp_unit_open_images() - both versions from memory, which must outlive it. */
int rp_unit_open_images(struct rp_unit *unit, const char *name,
			const void *old_image, size_t old_size,
			const void *new_image, size_t new_size,
			struct rp_diag *diag);
void rp_unit_close(struct rp_unit *unit);

/** rp_side_debug() - its debug information, or NULL; read when first asked for. */
struct rp_debug_info *rp_side_debug(struct rp_side *side);

/** rp_unit_correlate() - find twins. Return: 0 or -ENOMEM. */
int rp_unit_correlate(struct rp_unit *unit, struct rp_diag *diag);

/** rp_unit_compare() - find out what changed. Return: 0 or -ENOMEM. */
int rp_unit_compare(struct rp_unit *unit, struct rp_diag *diag);

/** rp_unit_mark() - an atom counts as changed; takes over @why. */
void rp_unit_mark(struct rp_unit *unit, uint32_t atom, char *why);

/** rp_atom_label() - a name for messages: the symbol's, or section+offset. */
const char *rp_atom_label(const struct rp_atoms *atoms, uint32_t atom,
			  char *buffer, size_t size);

/** The function that a cold part belongs to; else the atom itself. */
static inline uint32_t rp_atom_root(const struct rp_atoms *atoms, uint32_t atom)
{
	return atoms->v[atom].flags & RP_ATOM_COLD ? atoms->v[atom].parent : atom;
}

/** Is its content all that it is, so that a copy is as good? */
static inline bool rp_atom_is_content(const struct rp_atoms *atoms,
				      uint32_t atom)
{
	const struct rp_atom *a = &atoms->v[atom];

	return a->kind == RP_ATOM_LITERAL || (a->kind == RP_ATOM_CODE &&
		!__builtin_strcmp(atoms->obj->sections[a->section].name,
				  "rp_alternative_code"));
}

#endif /* REPOINT_PATCH_UNIT_H */
