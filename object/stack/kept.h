/* SPDX-License-Identifier: MIT */
/* What the parts of the search for overwritten registers share: see kept.c. */
#ifndef REPOINT_OBJECT_STACK_KEPT_H
#define REPOINT_OBJECT_STACK_KEPT_H

#include "internal.h"

/* The bit of rsp stands for the return address, as in states. */
#define RP_KEPT_BIT(reg)	(1u << (reg))

enum rp_kept_set {
	RP_KEPT_CLEAN, RP_KEPT_COPIED, RP_KEPT_HELD, RP_KEPT_LOST,
	RP_KEPT_SETS,
};

/** struct rp_kept_fault - an instruction. @writes: registers that it overwrites at
 *  their only place; @loads: of these, get a value that may be the caller's;
 *  @slots: what it overwrites on the stack */
struct rp_kept_fault {
	uint32_t insn;
	uint16_t writes, loads, slots;
};

/** struct rp_kept_sets - before an instruction. */
struct rp_kept_sets {
	uint16_t v[RP_KEPT_SETS];
};

/** struct rp_kept_function - @writes: of all its faults; @found: that were
 *  reported; @strange: it is called in another way than the ABI's; @takes: it may
 *  take its return address from the stack, if that was @asked */
struct rp_kept_function {
	uint16_t writes, found;
	bool strange, takes, asked;
};

/** struct rp_kept_seen - of a state. @same: registers that have the caller's
 *  value; @slots: what is on the stack; @below: what of that is below the stack
 *  pointer */
struct rp_kept_seen {
	uint32_t state;
	uint16_t same, slots, below;
};

/**
 * struct rp_kept - the search.
 * @seen:   the last state
 * @function: the last one, @home where that is run, @fine: is it looked at?
 * @set:    that is made, and @fault where it began
 */
struct rp_kept {
	struct rp_walker *w;
	struct rp_kept_seen seen;
	uint32_t function, home;
	bool fine;
	struct rp_kept_fault *faults;
	size_t nfaults, room;
	struct rp_kept_function *functions;
	struct rp_kept_sets *sets;
	uint32_t *todo;
	size_t ntodo, todo_room;
	enum rp_kept_set set;
	const struct rp_kept_fault *fault;
};

/* kept_faults.c */
/** rp_kept_home() - the function with a symbol that an instruction is run in. */
uint32_t rp_kept_home(const struct rp_walker *w, uint32_t insn);
/** rp_kept_see() - what a state says, in @k->seen. */
const struct rp_stack_state *rp_kept_see(struct rp_kept *k, uint32_t state);
void rp_kept_find_faults(struct rp_kept *k);

/* kept_ways.c */
/** The one behind it, in the code that is run. */
uint32_t rp_kept_next(struct rp_kept *k, uint32_t insn);
/** rp_kept_arrive() - the set before an instruction has @bits; goes on later. */
void rp_kept_arrive(struct rp_kept *k, uint32_t insn, uint16_t bits);
/** rp_kept_spread() - ... behind it, wherever it goes. */
void rp_kept_spread(struct rp_kept *k, uint32_t insn, uint16_t bits);
/** rp_kept_follow() - until all ways have been followed. */
void rp_kept_follow(struct rp_kept *k);

/* kept_copies.c */
/** rp_kept_settle_loads() - of faults: leave those loads that may be from a copy of
 *  the same register. */
void rp_kept_settle_loads(struct rp_kept *k);
/** rp_kept_held() - what holds a register's value behind an instruction. */
uint16_t rp_kept_held(const struct rp_kept *k, uint32_t insn, uint16_t bits);

/* kept.c */
/** rp_kept_end() - the function is left here, with the set. */
void rp_kept_end(struct rp_kept *k, uint32_t insn, uint16_t bits);

#endif /* REPOINT_OBJECT_STACK_KEPT_H */
