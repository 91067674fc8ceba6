/* SPDX-License-Identifier: MIT */
/* Steps of rp_match_object(). */
#ifndef REPOINT_PATCH_MATCH_INTERNAL_H
#define REPOINT_PATCH_MATCH_INTERNAL_H

#include "../object/elf/reloc_form.h"
#include "match.h"

/** enum rp_value - what the binary's field of a reference holds. */
enum rp_value {
	RP_VALUE_NONE,		/**< nothing that names the target */
	RP_VALUE_ADDRESS,	/**< the target's address, or its PLT entry's */
	RP_VALUE_SLOT,		/**< address of a GOT entry that holds it */
	RP_VALUE_TPOFF,		/**< offset from the thread pointer */
	RP_VALUE_DTPOFF,	/**< offset in the TLS block */
	RP_VALUE_SLOT_TPOFF,	/**< address of a GOT entry with the former */
	RP_VALUE_SLOT_GD,	/**< address of a GOT pair: module, offset */
	RP_VALUE_SLOT_DESC,	/**< address of a TLS descriptor */
};

/** struct rp_found_ref - a reference of the object, as the binary has it. */
struct rp_found_ref {
	const struct rp_ref *ref;
	uint8_t kind;		/* enum rp_value */
	uint64_t value;
};

/** struct rp_step_pair - an instruction in the object and in the binary. */
struct rp_step_pair {
	uint64_t object;
	uint64_t binary;
};

#define RP_VECTOR(type)							\
	struct {							\
		type *v;						\
		size_t n;						\
		size_t room;						\
	}

/**
 * struct rp_walk - an object's code beside the binary's. Offsets are from the
 * start of each.
 * @steps: instructions, without fill, in their order
 * @fill:  fill that is the same in both
 * @jumps: branches inside the code: where they go
 * @refs:  what the object's references are in the binary
 * @end:   of the binary's code
 * @why:   what differs, and @offset in the object
 */
struct rp_walk {
	RP_VECTOR(struct rp_step_pair) steps;
	RP_VECTOR(struct rp_step_pair) fill;
	RP_VECTOR(struct rp_step_pair) jumps;
	RP_VECTOR(struct rp_found_ref) refs;
	uint64_t end;
	uint64_t offset;
	const char *why;
	bool local_tls_relaxed;
};

/**
 * rp_walk_code() - compare instructions; references are only collected.
 * @atom:    code
 * @address: of the binary's code
 * @size:    of it; 0 if it is not known
 * Return: 1 if they agree, 0 if not; -ENOMEM.
 */
int rp_walk_code(struct rp_walk *walk, const struct rp_atoms *atoms,
		 uint32_t atom, const struct rp_binary *binary,
		 uint64_t address, uint64_t size);
void rp_walk_deinit(struct rp_walk *walk);
/** rp_walk_is_same() - are two places the same instruction? */
bool rp_walk_is_same(const struct rp_walk *walk, uint64_t object,
		     uint64_t binary);

/** enum rp_target_kind - what a value says. */
enum rp_target_kind {
	RP_TARGET_UNKNOWN,
	RP_TARGET_ADDRESS,
	RP_TARGET_NAME,		/**< the dynamic linker looks for @name */
	RP_TARGET_TLS,		/**< @address is an offset in the TLS block */
};

/** struct rp_target - what a reference refers to in the binary. */
struct rp_target {
	uint8_t kind;
	bool plt;		/* through a PLT entry at @entry */
	uint64_t address;
	uint64_t entry;
	const char *name;
};

/** rp_find_target() - through PLT and GOT, to what a value stands for. */
void rp_find_target(const struct rp_binary *binary, uint8_t kind,
		    uint64_t value, struct rp_target *ret);
/** rp_find_data_target() - the same for a reference in data at @address. */
void rp_find_data_target(const struct rp_binary *binary,
			 const struct rp_ref *ref, uint64_t address,
			 struct rp_target *ret);

/** struct rp_fact - an atom's address, if what says so agrees. */
struct rp_fact {
	uint32_t atom;
	uint64_t address;
};

/** struct rp_place - a place in code that something refers to. */
struct rp_place {
	uint32_t atom;
	uint64_t place;
	uint64_t address;
};

/**
 * struct rp_witness - what a comparison of one atom says about others.
 * @code, @address: what is compared
 */
struct rp_witness {
	const struct rp_atoms *atoms;
	const struct rp_binary *binary;
	const struct rp_matches *matches;
	uint64_t *verified;	/* by literal: last address of equal bytes + 1 */
	uint32_t code;
	uint64_t address;
	RP_VECTOR(struct rp_fact) facts;
	RP_VECTOR(struct rp_place) places;
	char why[320];
	bool nomem;
};

/**
 * rp_witness_judge() - may a reference mean this target?
 * Return: true; or false with @why set.
 */
bool rp_witness_judge(struct rp_witness *witness, const struct rp_ref *ref,
		      const struct rp_target *target, unsigned int depth);
/** rp_witness_data() - does data from @place on agree with what is there? */
bool rp_witness_data(struct rp_witness *witness, uint32_t atom, uint64_t place,
		     uint64_t address, unsigned int depth);
bool rp_witness_differs(struct rp_witness *witness, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** rp_match_same_name() - equal, or equal but for the compiler's numbers. */
bool rp_match_same_name(const char *a, const char *b);
/** rp_match_symbol() - the symbol of an atom at an address, or UINT32_MAX. */
uint32_t rp_match_symbol(const struct rp_atoms *atoms, uint32_t atom,
			 const struct rp_binary *binary, uint64_t address);

/** struct rp_units - which file's local symbols are the object's. */
struct rp_units {
	const char *file;	/* the object's; NULL if it does not say */
	uint32_t *hits;		/* by unit of the binary */
	size_t n;
	uint32_t chosen;	/* 0: not known */
};

int rp_units_init(struct rp_units *units, const struct rp_atoms *atoms,
		  const struct rp_binary *binary);
void rp_units_deinit(struct rp_units *units);
/** rp_units_vote() - choose by what was found for sure. */
void rp_units_vote(struct rp_units *units, const struct rp_atoms *atoms,
		   const struct rp_binary *binary,
		   const struct rp_matches *matches);
/**
 * rp_units_candidates() - symbols that may be an atom.
 * Return: how many, at most @room of them in @ret.
 */
size_t rp_units_candidates(const struct rp_units *units,
			   const struct rp_atoms *atoms, uint32_t atom,
			   const struct rp_binary *binary, uint32_t *ret,
			   size_t room);

#endif /* REPOINT_PATCH_MATCH_INTERNAL_H */
