/* SPDX-License-Identifier: MIT */
/* What the parts of the stack walk share. */
#ifndef REPOINT_OBJECT_STACK_INTERNAL_H
#define REPOINT_OBJECT_STACK_INTERNAL_H

#include "walk.h"

#define RP_STATE_TEXT_SIZE	200

/** enum rp_stack_trouble - why the stack is not known behind an instruction. */
enum rp_stack_trouble {
	RP_STACK_FINE,
	RP_STACK_IS_UNDEFINED,	/**< it was not known before */
	RP_STACK_MOVED,		/**< rsp, or what the CFA is counted from, gets a
				     value that is not understood */
	RP_STACK_REALIGNED,	/**< ... is rounded, and nothing else leads back */
};

/**
 * struct rp_stack_rules - how exactly.
 * @abi:    a kernel's objects are followed as its own tool follows them: that is
 *          what its unwind tables are compared with. Elsewhere registers are lost
 *          when they are overwritten.
 * @named:  the instruction is in a function that has a symbol
 * @hinted: the next instruction has a hint, so all may happen here
 * @values: registers that lead to the stack must be noted
 */
struct rp_stack_rules {
	const struct rp_abi *abi;
	bool named;
	bool hinted;
	bool values;
};

/** rp_stack_state_entry() - as a call leaves it. */
void rp_stack_state_entry(struct rp_stack_state *state);

/** rp_stack_state_blank() - nothing known; @type: of the frame. */
void rp_stack_state_blank(struct rp_stack_state *state,
			  enum rp_frame_type type);

/** rp_stack_step() - what an instruction does to the stack. */
enum rp_stack_trouble rp_stack_step(const struct rp_stack_rules *rules,
				    struct rp_stack_state *state,
				    const struct rp_stack_op *op);

/** rp_stack_forget() - registers get values that do not lead to the stack: as a
 *  mask, 1 << enum rp_reg. */
void rp_stack_forget(struct rp_stack_state *state, uint16_t mask);

/** rp_stack_is_kept() - must callees keep it? */
static inline bool rp_stack_is_kept(uint8_t reg)
{
	const unsigned int kept = 1u << RP_RBX | 1u << RP_RBP | 1u << RP_R12 |
				  1u << RP_R13 | 1u << RP_R14 | 1u << RP_R15;

	return reg < RP_REG_NR && (kept >> reg & 1);
}

/** rp_stack_is_modified() - is it not as at a function's entry? */
bool rp_stack_is_modified(const struct rp_stack_state *state);

/** rp_stack_agrees() - may both be the state of one instruction? */
bool rp_stack_agrees(const struct rp_stack_state *a,
		     const struct rp_stack_state *b);

/** A way that is still to be followed, from @insn on. @departs: what is noted
 *  about the instruction itself is noted already. */
struct rp_way {
	uint32_t insn;
	uint32_t state;
	bool departs;
};

struct rp_ways {
	struct rp_way *v;
	size_t n, room;
};

/** struct rp_walk_hint - what hints say at an instruction. @state: 0 without a
 *  hint that says one; @saved_at: the instruction whose state holds again */
struct rp_walk_hint {
	uint32_t insn;
	uint32_t state;
	uint32_t saved_at;
	bool restores;
};

struct rp_walk_place {
	uint32_t section;
	uint64_t offset;
};

/** A step that was made before: @state after @op is @result. */
struct rp_step_memory {
	uint32_t state, op, result;
	uint8_t rules, trouble;
};

#define RP_STEP_MEMORY	4096

/**
 * struct rp_walker - the walk while it goes on.
 * @function: whose entry it began at, or 0
 * @stopped:  (kernel) a finding ends the walk of its function, as the kernel's tool
 *            does it: the tables of such objects must be the same, too
 * @dead:     the way began behind a call that does not return: nothing leads there
 * @low, @high: bounds of the current section's instructions
 * @behind:   the instruction that was left last, on this way; or 0
 * @calls:    ways behind calls that perhaps do not return
 * @traced:   functions in which registers that lead to the stack are noted
 * @troubled: functions with a finding: not all of it was reached, maybe
 * @last:     linux-6.1: of each site the replacement that the table serves; its
 *            tool does not look at the others
 * @falls:    where functions end that are written to run on, sorted
 * @row:      the one used last; @row_done: rows that were found fault with
 * @fine_row, @fine_state: agree, whatever the instruction
 */
struct rp_walker {
	struct rp_stack_walk *walk;
	struct rp_code *code;
	const struct rp_frame_rows *frames;
	struct rp_findings *findings;
	struct rp_stack_states *states;
	struct rp_stack_rules rules;
	bool kernel;
	bool nomem;
	bool stopped;
	bool dead;
	uint32_t function;
	uint32_t low, high;
	uint32_t behind;
	struct rp_ways ways, calls;
	struct rp_walk_hint *hints;
	size_t nhints;
	struct rp_step_memory *memory;
	uint8_t *traced, *troubled;
	uint32_t *last;
	struct rp_walk_place *falls;
	size_t nfalls;
	const struct rp_frame_row *row;
	uint8_t *row_done;
	const struct rp_frame_row *fine_row;
	uint32_t fine_state;
	size_t findings_before;
};

/* hints.c */
int rp_walk_read_hints(struct rp_walker *w);
const struct rp_walk_hint *rp_walk_hint_at(const struct rp_walker *w,
					   uint32_t insn);

/* follow.c */
void rp_walk_from(struct rp_walker *w, uint32_t insn, uint32_t state);
void rp_walk_find(struct rp_walker *w, enum rp_diag_id id,
		  enum rp_severity severity, uint32_t insn, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
uint32_t rp_walk_add(struct rp_walker *w, const struct rp_stack_state *state);
uint32_t rp_walk_next(struct rp_walker *w, uint32_t insn);
/** Index of the function, with its parts, that has a symbol; or 0. */
uint32_t rp_walk_named(const struct rp_walker *w, uint32_t insn);

static inline const struct rp_stack_state *
rp_walk_state(const struct rp_walker *w, uint32_t index)
{
	return rp_stack_state(w->states, index);
}

/* arrive.c */
/** Return: the state before the instruction; 0: no further this way. */
uint32_t rp_walk_arrive(struct rp_walker *w, uint32_t insn, uint32_t state,
			bool jumped);

/* probe.c: loops that move rsp until it is where a register points */
/** The register that rsp is compared with right before; or RP_REG_NONE. */
uint8_t rp_walk_probe_end(const struct rp_walker *w, uint32_t jcc);
/** Return: the state behind the loop's branch. */
uint32_t rp_walk_behind_probe(struct rp_walker *w, uint32_t jcc,
			      uint32_t state);

/* groups.c */
/** Return: false if the variants do not agree. */
bool rp_walk_note_group(struct rp_walker *w, uint32_t insn, uint32_t state);
uint32_t rp_walk_behind_site(struct rp_walker *w, uint32_t site);
/** The instruction behind one that is in a group; *@fine as above. */
uint32_t rp_walk_next_in_group(struct rp_walker *w, uint32_t insn,
			       uint32_t state, bool *fine);

/* step.c */
/** Return: the state behind the instruction; 0: it is not known. */
uint32_t rp_walk_step(struct rp_walker *w, uint32_t insn, uint32_t state);
/** ... behind a call that pushes only. */
uint32_t rp_walk_step_call(struct rp_walker *w, uint32_t insn, uint32_t index);

/* ends.c */
void rp_walk_check_return(struct rp_walker *w, uint32_t insn, uint32_t state);
void rp_walk_check_tail(struct rp_walker *w, uint32_t insn, uint32_t state);
void rp_walk_report_end(struct rp_walker *w, uint32_t insn, uint32_t state);
/** Return: is the instruction one of another function than the walk's? */
bool rp_walk_left_function(struct rp_walker *w, uint32_t insn);
/** In user space: straight on from a function to the next one? */
bool rp_walk_runs_on(struct rp_walker *w, uint32_t insn, uint32_t next,
		     uint32_t state);

/* falls.c */
int rp_walk_read_falls(struct rp_walker *w, struct rp_diag *diag);
/** Is the function of @insn said to run on, to the one of @to? */
bool rp_walk_falls(const struct rp_walker *w, uint32_t insn, uint32_t to);

/* rows.c: only with @frames */
const struct rp_frame_row *rp_walk_row(struct rp_walker *w, uint32_t insn);
/** The state that .eh_frame says; false if it says none that can be had. */
bool rp_walk_row_state(struct rp_walker *w, uint32_t insn,
		       struct rp_stack_state *ret);
/** Does it agree with the code? If so @state may become more exact. */
bool rp_walk_row_agrees(struct rp_walker *w, uint32_t insn,
			struct rp_stack_state *state);
/** ... and say so if it does not. Return: the state to go on with. */
uint32_t rp_walk_row_check(struct rp_walker *w, uint32_t insn, uint32_t state);
/** Does .eh_frame count the CFA from rsp, and the same, at both? */
bool rp_walk_row_stays(struct rp_walker *w, uint32_t insn, uint32_t next);
/** Is there no caller, by .eh_frame? Then the stack is nobody's concern. */
bool rp_walk_row_outermost(struct rp_walker *w, uint32_t insn);
void rp_walk_row_trace(struct rp_walker *w);
/** FDEs that cannot be followed: code without rows. */
void rp_walk_row_faults(struct rp_walker *w, const struct rp_frame_rows *frames);

/* late.c */
bool rp_walk_row_is_late(struct rp_walker *w, uint32_t insn,
			 const struct rp_frame_row *row,
			 const struct rp_stack_state *state);

/* rest.c */
/** Are the section's instructions pieces that are copied elsewhere? */
bool rp_walk_is_spare(const struct rp_walker *w, uint32_t section);
void rp_walk_unreached(struct rp_walker *w);

#endif /* REPOINT_OBJECT_STACK_INTERNAL_H */
