/* SPDX-License-Identifier: MIT */
/* Switch tables of ordinary programs: shapes of jumps, tables, references. */
#ifndef REPOINT_OBJECT_CODE_SWITCHES_H
#define REPOINT_OBJECT_CODE_SWITCHES_H

#include "internal.h"

/*
 * struct rp_shape - how an indirect jump uses a table.
 * @relative: entries to which something is added; of 4 bytes, or @wide: 8
 * @load:     the instruction that loads the entry
 * @base:     the register that holds the table's address, or RP_REG_NONE
 * @other:    another one that may be it, or RP_REG_NONE
 * @index:    the register that selects the entry
 * @bound:    so many entries there are, if it is known; else 0
 * @table:    its place, if the load names it
 * @origin:   the place that entries are relative to, if it is known: nearly always
 *            the table itself
 */
struct rp_shape {
	bool relative, wide;
	uint32_t load;
	uint8_t base, other, origin_reg, index;
	uint32_t bound;
	struct rp_spot table;
	struct rp_spot origin;
};

/* struct rp_table - @origin: section 0: @place. @bound: as above. */
struct rp_table {
	struct rp_spot place;
	struct rp_spot origin;
	uint32_t bound;
	bool relative, wide;
};

/* struct rp_ref - an instruction that loads a register with a place's address. */
struct rp_ref {
	uint32_t insn;
	uint8_t reg;
	struct rp_spot place;
};

/* struct rp_named_place - what code of a function refers to. */
struct rp_named_place {
	struct rp_spot spot;
	uint32_t function;
};

/*
 * struct rp_switches - @refs: of functions with indirect jumps, by instruction;
 * @places: what they refer to, by section, offset and function; @budget: places that are yet
 * to be tried for all jumps together, so that damaged files end, too; @steps: that
 * may yet be made to follow loads of registers; @seen, @ways: see switch_reach.c
 */
struct rp_switches {
	struct rp_code_build *b;
	struct rp_ref *refs;
	size_t nrefs, ref_room;
	struct rp_named_place *places;
	uint64_t budget, steps;
	uint64_t *seen;
	uint32_t *ways;
	size_t ways_room;
};

/* Does the jump go through a table? How? */
bool rp_code_shape(const struct rp_code *code, uint32_t jump,
		   struct rp_shape *shape);
/* Does what is behind an instruction come next? */
bool rp_code_goes_on(const struct rp_code_insn *insn);
/* Is it a call, and may what is called change the register? */
bool rp_code_is_lost_at(const struct rp_code_insn *insn, uint8_t reg);
/* Does an instruction of the function get the value that @ref loads? Ways through
 * tables are not followed, and none when no steps are left. Return: 0; -ENOMEM. */
int rp_switch_reaches(struct rp_switches *s, const struct rp_ref *ref,
		      uint32_t to, bool *ret);
/* Does the first entry lead into the function, or, if it is known how many there
 * are, nearly all the others? */
int rp_table_fits(struct rp_switches *s, const struct rp_table *t,
		  uint32_t function, bool *ret);
/* Adds an edge for each entry. */
int rp_table_read(struct rp_switches *s, const struct rp_table *t,
		  uint32_t jump);
/* Does code refer to that place of data? @function: 0, or only this one's. */
bool rp_switch_starts(const struct rp_switches *s, uint32_t section,
		      uint64_t offset, uint32_t function);

/* large.c: the large code model, of objects that are not linked */
/* Does a reference take an address of code only to find the GOT from there? */
bool rp_large_is_got_base(const struct rp_code *code, const struct rp_ref *ref);
/* Does an indirect jump go to a function, by what its register was loaded with? */
bool rp_large_goes_to_function(const struct rp_code *code, uint32_t jump);

#endif /* REPOINT_OBJECT_CODE_SWITCHES_H */
