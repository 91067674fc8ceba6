/* SPDX-License-Identifier: MIT */
/* Steps of rp_atoms_init(). */
#ifndef REPOINT_OBJECT_ATOMS_INTERNAL_H
#define REPOINT_OBJECT_ATOMS_INTERNAL_H

#include "../elf/reloc_form.h"
#include "atoms.h"

/*
 * struct rp_raw_ref - a reference before its target's atom is known.
 * @offset: of the field, in the section
 * @end:    bytes from the field to what the processor counts from: the end of
 *          the instruction; 0 in data
 * @target: RP_REF_BRANCH*: offset in the section
 */
struct rp_raw_ref {
	uint64_t offset;
	uint64_t target;
	int64_t addend;
	uint32_t symbol;
	uint32_t type;
	uint8_t form;
	uint8_t branch;
	uint8_t end;
};

/* struct rp_split - a place where an anonymous atom starts. */
struct rp_split {
	uint32_t section;
	uint64_t offset;
};

struct rp_raw_section {
	struct rp_raw_ref *refs;	/* by offset */
	size_t nrefs;
	size_t room;
	size_t nrelocs;			/* the first ones; branches follow */
};

struct rp_atoms_builder {
	struct rp_atoms *atoms;
	const struct rp_relobj *obj;
	struct rp_diag *diag;
	struct rp_raw_section *sections;
	struct rp_split *splits;
	size_t nsplits, splits_room;
	size_t room;			/* of atoms->v */
};

/* Addends are anybody's numbers: sums may wrap. */
static inline int64_t rp_wrap_add(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* All return 0, -EINVAL or -ENOMEM with the builder's @diag set. */
int rp_atoms_add(struct rp_atoms_builder *b, const struct rp_atom *atom);
int rp_atoms_add_split(struct rp_atoms_builder *b, uint32_t section,
		       uint64_t offset);
int rp_atoms_add_ref(struct rp_atoms_builder *b, uint32_t section,
		     const struct rp_raw_ref *ref);

/* Is the section part of what is loaded and compared? */
bool rp_atoms_wants(const struct rp_relobj *obj, uint32_t section);
/* Size of the records of a section that is a table of them, or 0. */
uint32_t rp_atoms_record_size(const struct rp_section *section);
bool rp_section_is_const(const struct rp_section *section);

/* Order of atoms, for qsort(). */
int rp_atoms_by_place(const void *a, const void *b);
/* Named atoms of all sections, and code without names. */
int rp_atoms_from_symbols(struct rp_atoms_builder *b);
/* Decode code: ends of fields, branches that have no relocation, splits. */
int rp_atoms_decode(struct rp_atoms_builder *b);
/* Anonymous atoms: what is left of sections that are not code. */
int rp_atoms_split(struct rp_atoms_builder *b);

#endif /* REPOINT_OBJECT_ATOMS_INTERNAL_H */
