/* SPDX-License-Identifier: MIT */
/*
 * An object as atoms: pieces that are compared, kept and replaced as a whole,
 * and the references between them.
 *
 *   int  rp_atoms_init(atoms, obj, diag);
 *   void rp_atoms_deinit(atoms);
 *   uint32_t rp_atom_at(atoms, section, offset);
 *
 * An atom is a function, a part that the compiler split off a function, an
 * object, or anonymous constants as far as one reference reaches: a string, a
 * number, a jump table. It does not matter which sections they share: branches
 * that the assembler resolved within one section are references like others.
 *
 *   J1  every byte of an allocated section is in at most one atom; only fill
 *       between functions is in none
 *   J2  an atom's references are sorted by their offset, and do not overlap
 *   J3  atoms are sorted by section and offset; atom 0 is none
 */
#ifndef REPOINT_OBJECT_ATOMS_ATOMS_H
#define REPOINT_OBJECT_ATOMS_ATOMS_H

#include "../elf/relobj.h"

/** No atom: the reference is to an undefined, absolute or common symbol. */
#define RP_ATOM_NONE	0u

enum rp_atom_kind {
	RP_ATOM_NOTHING,
	RP_ATOM_FUNCTION,	/**< STT_FUNC or STT_GNU_IFUNC with a size */
	RP_ATOM_CODE,		/**< code that no sized function symbol covers */
	RP_ATOM_DATA,		/**< named, writable; thread-local too */
	RP_ATOM_CONST,		/**< named, never written after start-up */
	RP_ATOM_LITERAL,	/**< anonymous or named by the compiler: its content
				     is all that it is */
	RP_ATOM_RECORD,		/**< a record that describes a place in code: of
				     Repoint's tables */
	RP_ATOM_CIE,		/**< of .eh_frame */
	RP_ATOM_FDE,		/**< of .eh_frame */
};

/** How a reference is written. */
enum rp_ref_form {
	RP_REF_RELOC,		/**< by a relocation */
	RP_REF_BRANCH32,	/**< 32 bits of distance, resolved by the assembler */
	RP_REF_BRANCH8,		/**< 8 bits, of a branch: the same */
};

/**
 * struct rp_ref - one reference.
 * @offset: of the field, from the start of the atom
 * @type:   R_X86_64_*; R_X86_64_PC32 for branches without a relocation
 * @form:   enum rp_ref_form
 * @branch: enum rp_insn_branch: the instruction that holds the field, in code
 * @atom:   what is referred to, or RP_ATOM_NONE
 * @symbol: by which symbol; 0 for branches without a relocation
 * @addend: of the relocation, as if its symbol were the start of @atom; that of
 *          the symbol itself if @atom is RP_ATOM_NONE
 * @place:  which byte of @atom is meant: @addend without the distance from the
 *          field to the end of its instruction, or to the start of its table
 */
struct rp_ref {
	uint64_t offset;
	uint32_t type;
	uint8_t form;
	uint8_t branch;
	uint32_t atom;
	uint32_t symbol;
	int64_t addend;
	int64_t place;
};

/** The atom is code that was split off @parent: NAME.cold. */
#define RP_ATOM_COLD		0x01u
/** It is zero at start: no bytes in the file. */
#define RP_ATOM_ZERO		0x02u
/** Thread-local. */
#define RP_ATOM_TLS		0x04u
/** Another object may have the same one (a group, COMDAT). */
#define RP_ATOM_COMDAT		0x08u
/** Known outside the object: its @symbol is global or weak. */
#define RP_ATOM_GLOBAL		0x10u
/** An IFUNC's resolver. */
#define RP_ATOM_IFUNC		0x20u

/**
 * struct rp_atom - one piece.
 * @section: index of its section
 * @offset:  in the section
 * @size:    bytes
 * @symbol:  its symbol, or 0; of several, a global one
 * @kind:    enum rp_atom_kind
 * @flags:   RP_ATOM_* bits
 * @parent:  RP_ATOM_COLD: the function; RP_ATOM_RECORD, RP_ATOM_FDE: the code
 *           that it describes; else RP_ATOM_NONE
 * @refs:    @nrefs of them, in rp_atoms.refs
 */
struct rp_atom {
	uint32_t section;
	uint32_t symbol;
	uint64_t offset;
	uint64_t size;
	uint8_t kind;
	uint8_t flags;
	uint32_t parent;
	const struct rp_ref *refs;
	size_t nrefs;
};

struct rp_atoms {
	const struct rp_relobj *obj;
	struct rp_atom *v;		/* v[0] is none */
	size_t n;
	struct rp_ref *refs;		/* of all atoms, in their order */
	size_t nrefs;
	uint32_t *section_first;	/* first atom of each section, n + 1 of them */
};

/**
 * rp_atoms_init() - split an object into atoms.
 * @atoms: filled in
 * @obj:   the object; must outlive @atoms
 * @diag:  on failure
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_atoms_init(struct rp_atoms *atoms, const struct rp_relobj *obj,
		  struct rp_diag *diag);

void rp_atoms_deinit(struct rp_atoms *atoms);

/** rp_atom_at() - the atom that holds a byte, or RP_ATOM_NONE. */
uint32_t rp_atom_at(const struct rp_atoms *atoms, uint32_t section,
		    uint64_t offset);

/** rp_atom_name() - its symbol's name; "" if it has none. */
static inline const char *rp_atom_name(const struct rp_atoms *atoms,
				       uint32_t atom)
{
	uint32_t symbol = atoms->v[atom].symbol;

	return symbol ? atoms->obj->symbols[symbol].name : "";
}

/** rp_atom_bytes() - its bytes; NULL if it is zero at start. */
static inline const uint8_t *rp_atom_bytes(const struct rp_atoms *atoms,
					   uint32_t atom)
{
	const struct rp_atom *a = &atoms->v[atom];
	const uint8_t *data = rp_section_data(atoms->obj, a->section);

	return data ? data + a->offset : NULL;
}

/** rp_atom_is_unwind() - is it an entry of .eh_frame? */
static inline bool rp_atom_is_unwind(const struct rp_atom *atom)
{
	return atom->kind == RP_ATOM_FDE || atom->kind == RP_ATOM_CIE;
}

/** rp_atom_refers() - does it refer to another one, or to itself? */
static inline bool rp_atom_refers(const struct rp_atom *atom, uint32_t to)
{
	for (size_t i = 0; i < atom->nrefs; i++) {
		if (atom->refs[i].atom == to)
			return true;
	}
	return false;
}

/** rp_atom_is_code() - does it hold instructions? */
static inline bool rp_atom_is_code(const struct rp_atom *atom)
{
	return atom->kind == RP_ATOM_FUNCTION || atom->kind == RP_ATOM_CODE;
}

#endif /* REPOINT_OBJECT_ATOMS_ATOMS_H */
