/* SPDX-License-Identifier: MIT */
/*
 * Finding an object's atoms in the binary that it was linked into, by symbols
 * and by comparing code: each instruction of the object with the one that runs.
 *
 * The binary need not be compiled with -ffunction-sections as the object is:
 * lengths of jumps, relaxed GOT loads and TLS sequences, fill and the order of
 * functions may differ. Where code agrees, each relocation of the object names
 * the address that the linker put there: so local symbols of equal names are
 * told apart by who uses them, and not by guessing.
 */
#ifndef REPOINT_PATCH_MATCH_H
#define REPOINT_PATCH_MATCH_H

#include "../object/atoms/atoms.h"
#include "binary.h"

enum rp_match_state {
	RP_MATCH_UNKNOWN,	/**< not found */
	RP_MATCH_SYMBOL,	/**< by the symbol table alone */
	RP_MATCH_CODE,		/**< code agrees, or code that agrees refers to it */
	RP_MATCH_DIFFERS,	/**< a symbol is there, but its code differs */
	RP_MATCH_AMBIGUOUS,	/**< several places fit equally well */
};

/**
 * struct rp_match - where one atom is in the binary.
 * @state:   enum rp_match_state
 * @address: of its first byte (for TLS: offset in the block), if it was found
 *           A literal may be at several; this is the first one that was seen
 * @size:    of the code in the binary, for functions: its symbol's, or as far
 *           as it was compared if it has none
 * @symbol:  index of its symbol in the binary, or UINT32_MAX. Its name may
 *           differ in the compiler's numbers (x.1234)
 * @why:     RP_MATCH_DIFFERS, RP_MATCH_AMBIGUOUS: what is wrong, in words
 */
struct rp_match {
	uint8_t state;
	uint64_t address;
	uint64_t size;
	uint32_t symbol;
	char *why;
};

/** struct rp_matches - one for each atom of the object, by its number. */
struct rp_matches {
	struct rp_match *v;
	size_t n;
	size_t functions;	/* function atoms of the object ... */
	size_t agreeing;	/* ... whose code agrees, ... */
	size_t differing;	/* ... or differs */
};

/**
 * rp_match_object() - find all atoms of an object.
 *
 * Steps: functions by symbol (global ones by name; local ones by file, position
 * and set of neighbours); those that agree bear witness to what they refer to;
 * what is found in this way is compared in turn, until nothing new is found.
 * Witnesses that contradict each other make an atom RP_MATCH_AMBIGUOUS.
 * Records and unwind entries are not looked for: RP_MATCH_UNKNOWN, as is what
 * the linker dropped, or an object that is not in the binary; the symbols of
 * its source file are not there then.
 *
 * A function agrees only if what it refers to does: literals by content, jump
 * tables by where their entries lead, others by name. The content of named data
 * does not count.
 *
 * Return: 0; -ENOMEM with @diag set.
 */
int rp_match_object(struct rp_matches *ret, const struct rp_atoms *atoms,
		    const struct rp_binary *binary, struct rp_diag *diag);
void rp_matches_deinit(struct rp_matches *matches);

/**
 * rp_match_offset() - where an instruction of the object's function is in the
 * binary's, whose code agrees.
 * @offset: of its first byte, in the atom
 * @ret:    offset in the binary's function
 * Return: is there one? Not for fill that is otherwise in the binary. Each call
 * walks through the function anew.
 */
bool rp_match_offset(const struct rp_atoms *atoms, uint32_t atom,
		     const struct rp_binary *binary,
		     const struct rp_match *match, uint64_t offset,
		     uint64_t *ret);

#endif /* REPOINT_PATCH_MATCH_H */
