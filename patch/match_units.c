/* SPDX-License-Identifier: MIT */
/*
 * Which local symbols of the binary are the object's. A linker keeps those of
 * one object together, behind the name of its source file; but several objects
 * may have a file of that name.
 */
#include "match_internal.h"

#include "../object/path.h"
#include <errno.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

static const char *object_file(const struct rp_relobj *obj)
{
	for (size_t i = 1; i < obj->nsymbols; i++) {
		if (obj->symbols[i].type == STT_FILE && *obj->symbols[i].name)
			return rp_base_name(obj->symbols[i].name);
	}
	return NULL;
}

static bool is_ours(const struct rp_units *units,
		    const struct rp_binary_symbol *s)
{
	return s->unit && (!units->file ||
			   !strcmp(rp_base_name(s->file), units->file));
}

static bool is_local(const struct rp_atom *atom)
{
	return atom->symbol && !(atom->flags & RP_ATOM_GLOBAL) &&
	       atom->kind >= RP_ATOM_FUNCTION && atom->kind <= RP_ATOM_CONST;
}

static void count_hits(struct rp_units *units, const struct rp_atoms *atoms,
		       const struct rp_binary *binary)
{
	for (uint32_t i = 1; i < atoms->n; i++) {
		uint32_t last = 0;
		size_t n;

		if (!is_local(&atoms->v[i]))
			continue;
		const uint32_t *list = rp_binary_by_name(binary,
			rp_atom_name(atoms, i), &n);
		for (size_t k = 0; k < n; k++) {
			const struct rp_binary_symbol *s =
				rp_binary_symbol(binary, list[k]);

			// Once for each unit, however often it has the name.
			if (s->unit != last && is_ours(units, s))
				units->hits[last = s->unit]++;
		}
	}
}

static void choose(struct rp_units *units)
{
	uint32_t best = 0, rivals = 0;

	for (uint32_t i = 1; i < units->n; i++) {
		if (units->hits[i] > units->hits[best])
			best = i;
	}
	for (uint32_t i = 1; best && i < units->n; i++)
		rivals += units->hits[i] == units->hits[best];
	units->chosen = rivals == 1 ? best : 0;
}

int rp_units_init(struct rp_units *units, const struct rp_atoms *atoms,
		  const struct rp_binary *binary)
{
	size_t n = rp_binary_nsymbols(binary);

	memset(units, 0, sizeof(*units));
	units->file = object_file(atoms->obj);
	units->n = 1;
	for (size_t i = 0; i < n; i++) {
		const struct rp_binary_symbol *s = rp_binary_symbol(binary, i);

		if (s->unit >= units->n)
			units->n = (size_t)s->unit + 1;
	}
	units->hits = calloc(units->n, sizeof(*units->hits));
	if (!units->hits)
		return -ENOMEM;
	count_hits(units, atoms, binary);
	choose(units);
	return 0;
}

void rp_units_deinit(struct rp_units *units)
{
	free(units->hits);
}

void rp_units_vote(struct rp_units *units, const struct rp_atoms *atoms,
		   const struct rp_binary *binary,
		   const struct rp_matches *matches)
{
	memset(units->hits, 0, units->n * sizeof(*units->hits));
	for (uint32_t i = 1; i < atoms->n; i++) {
		const struct rp_match *m = &matches->v[i];

		if (!is_local(&atoms->v[i]) || m->state != RP_MATCH_CODE ||
		    m->symbol == UINT32_MAX)
			continue;
		const struct rp_binary_symbol *s = rp_binary_symbol(binary,
								    m->symbol);
		if (is_ours(units, s))
			units->hits[s->unit]++;
	}
	choose(units);
}

static bool is_right_type(const struct rp_atom *atom,
			  const struct rp_binary_symbol *s)
{
	if ((s->type == STT_TLS) != ((atom->flags & RP_ATOM_TLS) != 0))
		return false;
	if (rp_atom_is_code(atom))
		return s->type != STT_OBJECT && s->type != STT_COMMON;
	return s->type != STT_FUNC && s->type != STT_GNU_IFUNC;
}

static bool may_be(const struct rp_units *units, const struct rp_atom *atom,
		   const struct rp_binary_symbol *s)
{
	if (!is_right_type(atom, s))
		return false;
	if (atom->flags & RP_ATOM_GLOBAL)	// local if it was hidden
		return true;
	if (s->bind != STB_LOCAL)
		return false;
	if (units->chosen)
		return s->unit == units->chosen;
	// An object without a file's name is of an assembler: its symbols follow
	// those of the object before it.
	return !units->file || is_ours(units, s);
}

/* What the linker kept global is what the others were bound to. */
static size_t keep_global(const struct rp_binary *binary, uint32_t *list,
			  size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (rp_binary_symbol(binary, list[i])->bind != STB_LOCAL)
			list[kept++] = list[i];
	}
	return kept ? kept : n;
}

static size_t by_numbered_name(const struct rp_units *units,
			       const struct rp_atoms *atoms, uint32_t atom,
			       const struct rp_binary *binary, uint32_t *ret,
			       size_t room)
{
	const char *name = rp_atom_name(atoms, atom);
	size_t n = 0;

	for (size_t i = 0; i < rp_binary_nsymbols(binary) && n < room; i++) {
		const struct rp_binary_symbol *s = rp_binary_symbol(binary, i);

		if (may_be(units, &atoms->v[atom], s) && *s->name == *name &&
		    rp_match_same_name(name, s->name))
			ret[n++] = i;
	}
	return n;
}

size_t rp_units_candidates(const struct rp_units *units,
			   const struct rp_atoms *atoms, uint32_t atom,
			   const struct rp_binary *binary, uint32_t *ret,
			   size_t room)
{
	const char *name = rp_atom_name(atoms, atom);
	char plain[512];
	size_t n, found = 0;

	strncat(strcpy(plain, ""), name, sizeof(plain) - 1);
	plain[strcspn(plain, "@")] = '\0';
	const uint32_t *list = rp_binary_by_name(binary, plain, &n);
	for (size_t i = 0; *name && i < n && found < room; i++) {
		if (may_be(units, &atoms->v[atom],
			   rp_binary_symbol(binary, list[i])))
			ret[found++] = list[i];
	}
	if (atoms->v[atom].flags & RP_ATOM_GLOBAL)
		return keep_global(binary, ret, found);
	if (!found && strchr(name, '.'))
		return by_numbered_name(units, atoms, atom, binary, ret, room);
	return found;
}
