/* SPDX-License-Identifier: MIT */
/*
 * The code of an object: its instructions, where each goes, and what is written
 * about them elsewhere in the object.
 *
 *   int  rp_code_init(code, obj, abi, findings, diag);
 *   void rp_code_deinit(code);
 *
 * Works for relocatable objects (also results of ld -r) and for linked ones.
 *
 *   K1  instructions are sorted by section and offset; those of one section
 *       follow each other without a gap, but for undecodable bytes, data, and
 *       zero bytes between functions
 *   K2  v[0] is none: index 0 says "no instruction"
 *   K3  a branch whose target is in this object has @dest, or an edge; others
 *       have neither, and rp_code_symbol() names what is called
 *   K4  what could not be found out about an instruction is a finding, never
 *       silence: RP_DIAG_CHECK_DECODE, _TARGET, _INDIRECT
 */
#ifndef REPOINT_OBJECT_CODE_CODE_H
#define REPOINT_OBJECT_CODE_CODE_H

#include "../abi.h"
#include "../elf/relobj.h"
#include "../findings.h"
#include "../frames/rows.h"
#include "../insn/flow.h"

/** It never goes on to the next one: a call of what does not return, ... */
#define RP_CODE_DEAD_END	0x0001u
/** The start of a function symbol. */
#define RP_CODE_ENTRY		0x0002u
/** A jump out of its function, in place of a call and return (tail call). */
#define RP_CODE_TAIL		0x0004u
/** Is in a function that the stack check is told to leave out. */
#define RP_CODE_IGNORE		0x0008u
/** The kernel's unwind hint is here: @hints. */
#define RP_CODE_HINT		0x0010u
/** An alternative's site begins here, or a static key's: @alts. */
#define RP_CODE_ALTS		0x0020u
/** Belongs to an alternative's site or replacement: rp_code_group_at(). */
#define RP_CODE_GROUP		0x0040u
/** Its indirect jump has a table, or known labels: edges. */
#define RP_CODE_EDGES		0x0080u
/** Its address is taken by a pointer in data, or by code (lea) of a function that
 *  has indirect jumps: label. Not looked for in kernel objects. */
#define RP_CODE_LABEL		0x0100u
/** Annotated as an indirect branch that may stay (retpoline). */
#define RP_CODE_RETPOLINE_SAFE	0x0200u
/** Its site is not checked for alternatives (.discard.ignore_alts). */
#define RP_CODE_IGNORE_ALTS	0x0400u
/** A call whose target is the next instruction's pop, or in the same function: it
 *  pushes only (.discard.intra_function_calls, or found). */
#define RP_CODE_PUSHES		0x0800u
/** Exceptions of this call, or of what may trap, continue at a landing pad: an
 *  edge. */
#define RP_CODE_THROWS		0x1000u
/** Is a landing pad: reached from calls with edges. */
#define RP_CODE_LANDING		0x2000u
/** An indirect call or jump through a retpoline or return thunk's name. */
#define RP_CODE_THUNK		0x4000u
/** Reached (set by the stack walk). */
#define RP_CODE_VISITED		0x8000u

/**
 * struct rp_code_insn - one instruction.
 * @offset:   in its section
 * @length:   bytes
 * @flow:     enum rp_flow. A direct branch to a retpoline thunk has the
 *            INDIRECT flow and RP_CODE_THUNK; one to a return thunk RP_FLOW_RET.
 *            A conditional one to a retpoline stays RP_FLOW_JCC, with
 *            RP_CODE_THUNK and RP_CODE_TAIL.
 * @flags:    RP_CODE_*
 * @dest:     index of the instruction that it branches to, or 0
 * @function: index of its function, or 0
 * @reloc:    index of the (first) relocation in it, in rp_code.relocs; 0: none
 * @op:       index of what it does to the stack, in rp_code.ops; 0: nothing
 * @state:    of the stack before it (set by the stack walk); 0: not reached
 */
struct rp_code_insn {
	uint32_t offset;
	uint8_t length;
	uint8_t flow;
	uint16_t flags;
	uint32_t dest;
	uint32_t function;
	uint32_t reloc;
	uint32_t op;
	uint32_t state;
};

/** The part's name ends in .cold or .part: @parent is where it was split off. */
#define RP_FUNCTION_COLD	0x01u
/** No path of it returns. */
#define RP_FUNCTION_NORETURN	0x02u
/** The stack check is told to leave it out. */
#define RP_FUNCTION_IGNORE	0x04u
/** No symbol: made from an FDE, or from code that no symbol covers. */
#define RP_FUNCTION_UNNAMED	0x08u
/** STT_NOTYPE or without size: up to the next symbol. */
#define RP_FUNCTION_UNTYPED	0x10u
/** Known outside the object. */
#define RP_FUNCTION_GLOBAL	0x20u
/** It has more names: aliases of the same address. */
#define RP_FUNCTION_ALIASED	0x40u

/** struct rp_function - [@offset, @offset + @size) of @section, instructions
 *  [@first, @end). @parent: of a cold part, its function's index; else 0. */
struct rp_function {
	uint32_t symbol;	/* 0: none */
	uint32_t section;
	uint64_t offset;
	uint64_t size;
	uint32_t first, end;
	uint32_t parent;
	uint32_t flags;
};

/** struct rp_edge - of an instruction to one more place: tables of jumps, labels
 *  taken, landing pads. Sorted by @from. */
enum rp_edge_kind { RP_EDGE_TABLE, RP_EDGE_LABEL, RP_EDGE_LANDING };

struct rp_edge {
	uint32_t from;
	uint32_t to;
	uint8_t kind;
};

/** enum rp_alt_kind - see struct rp_alt. */
enum rp_alt_kind {
	RP_ALT_CODE,		/**< replacement code */
	RP_ALT_JUMP,		/**< static key: the site becomes a jump to @to, or
				     a NOP: both ways are possible */
	RP_ALT_FAULT,		/**< __ex_table: may continue at @to */
};

/**
 * struct rp_alt - another way that code at an instruction may go.
 * @from:    instruction, the first of the site
 * @kind:    enum rp_alt_kind
 * @to:      first instruction of the replacement, or where it goes; 0: the
 *           replacement is empty
 * @group:   RP_ALT_CODE: index of its site in groups
 * @replacement: RP_ALT_CODE: index of the replacement in groups
 * @feature: processor feature, without a bit for "not"
 * @flags:   RP_ALTERNATIVE_NOT (1), ALT_FLAG_*; of linux-6.1: 1 for its bit 15
 * @record:  offset of the record in the section of alternatives
 */
struct rp_alt {
	uint32_t from;
	uint8_t kind;
	uint8_t flags;
	uint16_t feature;
	uint32_t to;
	uint32_t group;
	uint32_t replacement;
	uint64_t record;
};

/**
 * struct rp_group - a stretch of code that is replaced, or that replaces.
 * @first, @end: instructions [first, end); equal: empty
 * @site:        index of the group that it replaces; 0: is a site itself
 * @section, @offset, @length: as the record says. A replacement shorter than its
 *               site is filled with NOPs.
 */
struct rp_group {
	uint32_t first, end;
	uint32_t site;
	uint32_t section;
	uint64_t offset;
	uint32_t length;
};

/** struct rp_hint - the kernel's unwind hint at an instruction, as written. */
struct rp_hint {
	uint32_t insn;
	int16_t sp_offset;
	uint8_t sp_reg;
	uint8_t type;
	uint8_t end_or_signal;
};

/**
 * struct rp_code - all of it. Arrays have @n... elements; element 0 of insns,
 * functions, groups, relocs and ops is none.
 * @section_first: for each section, its first instruction; nsections + 1 of them
 * @hints: sorted by insn; of several at one, in the order of their section, the
 *         last counts
 * @unseen: large stretches that nothing describes, and that are not looked at
 * @dead_code: the compiler left a table's dead code behind: code that is not
 *             reached says nothing (kernel)
 */
struct rp_code_index;

struct rp_code {
	const struct rp_relobj *obj;
	const struct rp_abi *abi;
	struct rp_code_insn *insns;	size_t ninsns;
	struct rp_function *functions;	size_t nfunctions;
	struct rp_edge *edges;		size_t nedges;
	struct rp_alt *alts;		size_t nalts;	/* sorted by from */
	struct rp_group *groups;	size_t ngroups;
	struct rp_hint *hints;		size_t nhints;
	struct rp_reloc *relocs;	size_t nrelocs;	/* of text, by section, offset */
	struct rp_stack_op *ops;	size_t nops;
	uint32_t *section_first;
	size_t unseen;
	bool dead_code;
	struct rp_code_index *index;	/* internal */
};

/**
 * rp_code_init() - decode and connect.
 * @code:     filled in; to be deinitialised also after a failure
 * @obj:      the object; must outlive it
 * @abi:      whose annotations it has
 * @findings: what is wrong in a way that leaves the rest readable is added
 * @diag:     on failure
 *
 * Return: 0; -EINVAL (the object cannot be read), see @diag; -ENOMEM.
 */
int rp_code_init(struct rp_code *code, const struct rp_relobj *obj,
		 const struct rp_abi *abi, struct rp_findings *findings,
		 struct rp_diag *diag);

/** rp_code_uses_frames() - does the model of an object need its .eh_frame? That
 *  of a linked file does, and of one with exceptions' landing pads. */
bool rp_code_uses_frames(const struct rp_relobj *obj, const struct rp_abi *abi);

/** rp_code_init_frames() - the same as rp_code_init(), where .eh_frame has been
 *  read already. @rows: NULL: none; must live as long as this call. */
int rp_code_init_frames(struct rp_code *code, const struct rp_relobj *obj,
			const struct rp_abi *abi,
			const struct rp_frame_rows *rows,
			struct rp_findings *findings, struct rp_diag *diag);

void rp_code_deinit(struct rp_code *code);

/** rp_code_at() - the instruction that begins at a place, or 0. */
uint32_t rp_code_at(const struct rp_code *code, uint32_t section,
		    uint64_t offset);

/** rp_code_around() - the instruction that holds a byte, or 0. */
uint32_t rp_code_around(const struct rp_code *code, uint32_t section,
			uint64_t offset);

/** rp_code_section() - of an instruction. */
uint32_t rp_code_section(const struct rp_code *code, uint32_t insn);

/** rp_code_next() - the one behind it in its section, or 0. */
uint32_t rp_code_next(const struct rp_code *code, uint32_t insn);

/** rp_code_bytes() - of an instruction. */
const uint8_t *rp_code_bytes(const struct rp_code *code, uint32_t insn);

/** rp_code_symbol() - index of the symbol that a call or jump goes to, defined or
 *  not (a function's if it is known); 0 if none is known. */
uint32_t rp_code_symbol(const struct rp_code *code, uint32_t insn);

/** rp_code_edges() - edges of an instruction. @n: how many. */
const struct rp_edge *rp_code_edges(const struct rp_code *code, uint32_t insn,
				    size_t *n);

/** rp_code_alts() - alternatives that begin at an instruction. */
const struct rp_alt *rp_code_alts(const struct rp_code *code, uint32_t insn,
				  size_t *n);

/** rp_code_reference() - the place that an instruction's memory operand, or else
 *  its immediate, names; of section 0 if it names none. */
struct rp_spot rp_code_reference(const struct rp_code *code, uint32_t insn,
				 const struct rp_insn_flow *flow);

/** rp_code_group_at() - index of the (innermost) group that holds it, or 0. */
uint32_t rp_code_group_at(const struct rp_code *code, uint32_t insn);

/** rp_code_is_undescribed() - is it in a function that is one only because neither
 *  a symbol nor .eh_frame describes the code? What is found there may be the
 *  model's fault. */
bool rp_code_is_undescribed(const struct rp_code *code, uint32_t insn);

/** rp_code_is_fill() - what assemblers and linkers put between functions. */
static inline bool rp_code_is_fill(const struct rp_code_insn *insn)
{
	return insn->flow == RP_FLOW_NOP || insn->flow == RP_FLOW_TRAP;
}

/** rp_code_is_stub_section() - does a linked file's section hold the stubs that
 *  jump through the GOT (PLT)? Each of them is a function. */
bool rp_code_is_stub_section(const struct rp_code *code, uint32_t section);

/** rp_function_with() - the function that has the byte, or 0. */
uint32_t rp_function_with(const struct rp_code *code, uint32_t section,
			  uint64_t offset);

/** rp_function_name() - printable; "" if it has none. */
const char *rp_function_name(const struct rp_code *code, uint32_t function);

/** rp_function_whole() - the function that a part belongs to, or itself. */
static inline uint32_t rp_function_whole(const struct rp_code *code,
					 uint32_t function)
{
	uint32_t parent = code->functions[function].parent;

	return parent ? parent : function;
}

/** rp_code_place() - "name+0x12 (.text+0x345)" for messages. */
void rp_code_place(const struct rp_code *code, uint32_t section, uint64_t offset,
		   char *ret, size_t size);

#endif /* REPOINT_OBJECT_CODE_CODE_H */
