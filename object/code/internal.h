/* SPDX-License-Identifier: MIT */
/* Steps of rp_code_init(), in their order, and what they share. */
#ifndef REPOINT_OBJECT_CODE_INTERNAL_H
#define REPOINT_OBJECT_CODE_INTERNAL_H

#include "../elf/records.h"
#include "../frames/rows.h"
#include "alt_records.h"
#include "code.h"

/* Bytes of a section for which the index has one entry. */
#define RP_BLOCK_SIZE	32u
#define RP_OP_CACHE	1024u

/* struct rp_member - instruction @insn belongs to group @group. */
struct rp_member {
	uint32_t insn;
	uint32_t group;
};

/* struct rp_span - bytes [@start, @end) of a section. @guessed: data only because
 * nothing says that it is code, and not all of it could be. */
struct rp_span {
	uint64_t start, end;
	uint32_t section;
	bool guessed;
};

/*
 * struct rp_code_index - for the lookups.
 * @blocks:      first instruction that ends behind the start of each block
 * @block_first: for each section, its first block
 * @symbols:     places by name: defined symbols by section and offset
 * @reach:       for each of them, the largest end of it and all before it in
 *               the section
 * @noreturn:    for each symbol, what its name says: 0 not asked for yet, 1 no, 2
 *               never returns
 * @stubs:       of a linked file: for each function, the symbol that it jumps to
 *               as a stub; UINT32_MAX: not asked for yet
 * @members:     by instruction, the innermost group first
 * @dynamic:     of a linked file: the dynamic linker's relocations
 */
struct rp_code_index {
	uint32_t *blocks;
	uint32_t *block_first;
	uint32_t *symbols;
	uint64_t *reach;
	uint8_t *noreturn;
	uint32_t *stubs;
	size_t nsymbols;
	struct rp_member *members;
	size_t nmembers;
	size_t member_room;
	struct rp_relocs dynamic;
};

struct rp_data;

/* What a branch is to go to, once branches are connected. */
struct rp_fixup {
	uint32_t insn;
	uint32_t dest;
};

/* struct rp_lost - a direct branch to @to, where no instruction begins. */
struct rp_lost {
	uint32_t insn;
	struct rp_spot to;
};

/*
 * struct rp_code_build - what is needed until rp_code_init() returns.
 * @data:  places in code sections that are not code, by section and start
 * @bad:   bytes that are no instruction
 * @found: tables in code that were found
 * @tables: for each section, its data as far as it was asked for
 * @lost:  branches that are findings, where paths lead to them
 * @reached: for each instruction, whether a path leads there from the start of a
 *         function; not of the kernel
 * @child: for each function, the part that was split off it
 */
struct rp_code_build {
	struct rp_code *code;
	const struct rp_relobj *obj;
	const struct rp_frame_rows *rows;
	struct rp_findings *findings;
	struct rp_diag *diag;
	struct rp_span *data;
	size_t ndata, data_room;
	struct rp_span *bad;
	size_t nbad, bad_room;
	struct rp_span *found;
	size_t nfound, found_room;
	struct rp_fixup *fixups;
	size_t nfixups, fixup_room;
	struct rp_lost *lost;
	size_t nlost, lost_room;
	uint8_t *reached;
	uint32_t *child;
	struct rp_data **tables;
	uint32_t op_cache[RP_OP_CACHE];
	size_t insn_room, op_room, function_room, edge_room, alt_room;
	size_t group_room, hint_room, reloc_room;
};

#define rp_code_say(b, id, section, offset, ...)			\
	rp_findings_add((b)->findings, RP_DIAG_##id, RP_ERROR,		\
			section, offset, __VA_ARGS__)

static inline bool rp_code_is_kernel(const struct rp_code *code)
{
	return code->abi->kernel;
}

/* Is it code at all? Replacements and such are. */
static inline bool rp_code_has(const struct rp_code *code, uint32_t section)
{
	return section && section < code->obj->nsections &&
	       code->section_first[section] < code->section_first[section + 1];
}

/* Is the section a table of that name? */
bool rp_code_is_table(const struct rp_code *code, uint32_t section,
		      const char *name);
/* Adds to @data what is not code among a linked file's replacements. */
int rp_code_list_replacement_data(struct rp_code_build *b);

/* struct rp_data - of a section that code refers to. @starts: for each relocation,
 * whether a table begins there. */
struct rp_data {
	struct rp_records records;
	uint8_t *starts;
};

int rp_code_data(struct rp_code_build *b, uint32_t section,
		 struct rp_data **ret);
void rp_code_free_data(struct rp_code_build *b);

/* The dynamic linker's relocation of an address, or NULL. */
const struct rp_reloc *rp_dynamic_at(const struct rp_code *code,
				     uint64_t address);
/* The symbol of the pointer that an indirect branch goes through, or 0. */
uint32_t rp_code_pointer_symbol(const struct rp_code *code, uint32_t insn);
/* The symbol that a stub at @dest jumps to, or 0. */
uint32_t rp_code_stub_symbol(const struct rp_code *code, uint32_t dest);
/* The first of a function's own instructions from @insn on, or its end: others'
 * may lie between. */
static inline uint32_t rp_function_own(const struct rp_code *code,
				       uint32_t function, uint32_t insn)
{
	uint32_t end = code->functions[function].end;

	while (insn < end && code->insns[insn].function != function) {
		uint32_t other = code->functions[code->insns[insn].function].end;

		insn = other > insn ? other : insn + 1;
	}
	return insn < end ? insn : end;
}

/* Jumps times places: more than any interpreter has would be an attack. */
static inline bool rp_code_has_too_many_edges(const struct rp_code *code)
{
	return code->nedges > 8 * code->ninsns + 1000000;
}

/*
 * struct rp_bounds - goes along with what is decoded.
 * @data, @symbol, @fde: of the data, of the symbols in the index, of the FDEs, the
 *            next ones
 * @covered:  some function so far goes up to there
 * @not_zero: zero bytes have been looked for up to there
 */
struct rp_bounds {
	uint32_t section;
	size_t data, symbol, fde;
	uint64_t covered, not_zero;
};

void rp_bounds_start(struct rp_bounds *c, uint32_t section);
/* Moves @at over data and fill. Return: where what begins there has to end; @at:
 * nothing is there. */
uint64_t rp_bounds_end(const struct rp_code_build *b, struct rp_bounds *c,
		       uint64_t *at);

struct rp_switches;

/* Steps. Return: 0, -EINVAL, -ENOMEM. */
int rp_code_index_symbols(struct rp_code_build *b);
int rp_code_decode(struct rp_code_build *b);
int rp_code_index_insns(struct rp_code_build *b);
int rp_code_find_functions(struct rp_code_build *b);
int rp_code_read_annotations(struct rp_code_build *b);
int rp_code_read_alternatives(struct rp_code_build *b);
int rp_code_connect_landings(struct rp_code_build *b);
int rp_code_connect(struct rp_code_build *b);
int rp_code_find_returns(struct rp_code_build *b);
int rp_code_read_imports(struct rp_code_build *b);
int rp_code_prepare_stubs(struct rp_code_build *b);
int rp_code_find_labels(struct rp_code_build *b, const struct rp_switches *s);
int rp_code_find_tables(struct rp_code_build *b);
/* Undescribed code larger than the constants of most hand-written functions, or
 * than what belongs to the C runtime's start. */
#define RP_CODE_LARGE	4096u

/* Findings: jumps whose places are not all known. */
int rp_code_say_computed(struct rp_code_build *b);
int rp_code_find_kernel_tables(struct rp_code_build *b);
int rp_code_mark_dead_ends(struct rp_code_build *b);
int rp_code_read_reachable(struct rp_code_build *b);
int rp_code_say_lost(struct rp_code_build *b);

/* Of the instructions at or behind an offset, the first; may be the one behind
 * the section's last. */
uint32_t rp_code_lower(const struct rp_code *code, uint32_t section,
		       uint64_t offset);
/* The function that begins there, or 0. */
uint32_t rp_function_at(const struct rp_code *code, uint32_t section,
			uint64_t offset);
/* A symbol that begins there and is not a section; a function's if it can be. */
uint32_t rp_code_symbol_at(const struct rp_code *code, uint32_t section,
			   uint64_t offset);
/* Does a symbol with a size hold the byte? */
bool rp_code_named(const struct rp_code *code, uint32_t section,
		   uint64_t offset);

int rp_code_add_function(struct rp_code_build *b, const struct rp_function *f);
int rp_code_add_described(struct rp_code_build *b);

/* struct rp_starts - where functions begin that nothing describes; sorted. */
struct rp_starts {
	struct rp_spot *v;
	size_t n, room;
};

/* Only before branches are connected. */
int rp_code_find_called(struct rp_code_build *b, struct rp_starts *s);
int rp_code_guess_data(struct rp_code_build *b, const struct rp_starts *s);
int rp_code_add_gaps(struct rp_code_build *b, const struct rp_starts *s);
/* The first that is behind a place. */
size_t rp_starts_behind(const struct rp_starts *s, uint32_t section,
			uint64_t offset);
/* Of such functions, what no way leads to: labels and tables cannot be told from
 * other functions there. And what may be jumped from to it. */
int rp_code_leave_out(struct rp_code_build *b);
/* Does nothing of it go on to what is behind it? */
bool rp_code_ends_flow(const struct rp_code_insn *insn);
/* Where a branch of a linked file goes, as long as branches are not connected. */
struct rp_spot rp_code_written_target(const struct rp_code *code, uint32_t insn);
int rp_code_add_edge(struct rp_code_build *b, uint32_t from, uint32_t to,
		     enum rp_edge_kind kind);
int rp_code_add_span(struct rp_span **v, size_t *n, size_t *room,
		     struct rp_span span);

/* Names of symbols. */
bool rp_symbol_is_retpoline(const struct rp_code *code, uint32_t symbol);
bool rp_symbol_is_rethunk(const struct rp_code *code, uint32_t symbol);
bool rp_symbol_is_embedded(const struct rp_code *code, uint32_t symbol);
bool rp_symbol_is_profiling(const struct rp_code *code, uint32_t symbol);
bool rp_symbol_is_tramp(const struct rp_code *code, uint32_t symbol);
/* Known never to return, whatever this object says about it. */
bool rp_symbol_is_noreturn(const struct rp_code *code, uint32_t symbol);

static inline bool rp_code_is_call(const struct rp_code_insn *insn)
{
	return insn->flow == RP_FLOW_CALL || insn->flow == RP_FLOW_CALL_INDIRECT;
}

#endif /* REPOINT_OBJECT_CODE_INTERNAL_H */
