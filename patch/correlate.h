/* SPDX-License-Identifier: MIT */
/* Finding twins: what its steps share. */
#ifndef REPOINT_PATCH_CORRELATE_H
#define REPOINT_PATCH_CORRELATE_H

#include "unit.h"

struct rp_user;

struct rp_named {
	char *name;		/* canonical */
	const char *symbol;	/* as it is */
	uint32_t atom;
	uint32_t group;
	uint32_t order;		/* of first use, in what is asked just now */
	uint32_t asked;		/* what that is, or 0 */
	struct rp_user *users;	/* code that refers to it, if it is numbered */
	uint8_t class;		/* code, data, thread-local data */
	bool numbered;
	bool global;
};

struct rp_user {
	struct rp_user *next;
	uint32_t atom;
};

struct rp_names {
	struct rp_named *v;
	size_t n;
	struct rp_named **by_atom;	/* numbered ones; else NULL */
	struct rp_named **uses;	/* those that an atom refers to */
	size_t nuses;
	struct rp_user *users;
};

struct rp_correlation {
	struct rp_unit *unit;
	struct rp_names of[2];
	uint32_t *queue;	/* paired atoms of the old version */
	size_t queued;
};

static inline const struct rp_side *
rp_correlation_side(const struct rp_correlation *c, int which)
{
	return which ? &c->unit->new_side : &c->unit->old_side;
}

/* Make two atoms twins, unless one of them has one. */
void rp_correlation_pair(struct rp_correlation *c, uint32_t old_atom,
			 uint32_t new_atom);

/* Is a variable's name made with __LINE__: once_123? @length of the name in the
 * source, of which the last @digits are the line. */
bool rp_correlation_is_by_line(const struct rp_side *side, uint32_t atom,
			       size_t *length, size_t *digits);

/*
 * Pair variables by what declares them. @known: both versions have debug
 * information. Return: 0, or -1 if memory has run out.
 */
int rp_correlation_declared(struct rp_correlation *c, bool *known);

#endif /* REPOINT_PATCH_CORRELATE_H */
