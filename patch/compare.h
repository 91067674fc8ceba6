/* SPDX-License-Identifier: MIT */
/* Steps of rp_unit_compare(). */
#ifndef REPOINT_PATCH_COMPARE_H
#define REPOINT_PATCH_COMPARE_H

#include "unit.h"

#include "../object/insn/insn.h"
#include "../object/elf/reloc_form.h"

/* What a comparison found. Later ones outweigh earlier ones. */
enum rp_verdict {
	RP_SAME,
	RP_NOISE,	/* but for line numbers */
	RP_DIFFERENT,
};

static inline enum rp_verdict rp_worse(enum rp_verdict a, enum rp_verdict b)
{
	return a > b ? a : b;
}

/* struct rp_step - an instruction that is not fill. */
struct rp_step {
	uint32_t offset;
	struct rp_insn insn;
};

/* struct rp_steps - those of one atom, if it was decoded. */
struct rp_steps {
	struct rp_step *v;
	size_t n;
	bool whole;	/* all of it could be decoded */
};

/* struct rp_line_pair - a line of the old source is this one of the new. */
struct rp_line_pair {
	uint32_t old_line, new_line;
};

/*
 * struct rp_compare - a comparison that is under way.
 * @old_code, @new_code: the functions; literals may refer to places in them
 * @old_steps, @new_steps: by atom; empty until they are needed
 * @verified: by literal of the old version: the last one of the new that it
 *            was found equal to, plus one, with what was found
 * @lines:    sorted; of all functions whose instructions agree
 */
struct rp_compare {
	struct rp_unit *unit;
	struct rp_diag *diag;
	uint32_t old_code, new_code;
	struct rp_steps *old_steps, *new_steps;
	struct { uint32_t atom; uint8_t verdict; } *verified;
	struct rp_line_pair *lines;
	size_t nlines, lines_room;
	bool lines_known;
	unsigned int depth;	/* of literals in literals */
	bool nomem;
	char why[320];
	uint64_t offset;
	bool has_offset;
	bool only_constants;
};

#define rp_side_old(c)	(&(c)->unit->old_side)
#define rp_side_new(c)	(&(c)->unit->new_side)

/* References mean the same. @o is of @old_atom, @n of @new_atom. */
enum rp_verdict rp_compare_refs(struct rp_compare *c, uint32_t old_atom,
				const struct rp_ref *o, uint32_t new_atom,
				const struct rp_ref *n);
/* Contents from a place on mean the same. */
enum rp_verdict rp_compare_literals(struct rp_compare *c, uint32_t old_atom,
				    int64_t old_place, uint32_t new_atom,
				    int64_t new_place);
/* All bytes and references of two atoms that are not code. */
enum rp_verdict rp_compare_data(struct rp_compare *c, uint32_t old_atom,
				uint32_t new_atom);
/* Code, its unwind entries' data, its records. */
enum rp_verdict rp_compare_code(struct rp_compare *c, uint32_t old_atom,
				uint32_t new_atom);

/* Decode; NULL if memory has run out. */
const struct rp_steps *rp_compare_steps(struct rp_compare *c, bool is_new,
					uint32_t atom);
/* The index of the first instruction at or behind an offset. */
size_t rp_step_at(const struct rp_steps *steps, uint64_t offset);

/* What a constant that may be a line is used for. */
enum rp_line_use {
	RP_LINE_OTHER,		/* computed with, compared: no line number */
	RP_LINE_MOVE,		/* put into a register or memory */
	RP_LINE_ARGUMENT,	/* where a function takes an argument */
};

/* Are two numbers the same line, before and after the change? */
bool rp_lines_in_code(struct rp_compare *c, uint32_t old_atom, uint64_t old_at,
		      uint32_t new_atom, uint64_t new_at, uint32_t old_value,
		      uint32_t new_value, enum rp_line_use use);
bool rp_lines_anywhere(struct rp_compare *c, uint32_t old_value,
		       uint32_t new_value);

void rp_compare_why(struct rp_compare *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* REPOINT_PATCH_COMPARE_H */
