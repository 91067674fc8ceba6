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

/** A step that was made before: @state after @op is @result. */
struct rp_step_memory {
	uint32_t state, op, result;
	uint8_t rules, trouble;
};

#define RP_STEP_MEMORY	4096

/** What a function's instructions do, wherever: registers, 1 << enum rp_reg each.
 *  See spares.c */
struct rp_walk_inside {
	uint32_t function;
	uint16_t written, popped;
};

/** In functions of more instructions than that it is not found out. */
#define RP_INSIDE_MAX	1024

#define RP_LATE_ROWS	8

/** struct rp_late_row - @row was found to be late, at @state. */
struct rp_late_row {
	uint32_t function;
	const struct rp_frame_row *row;
	struct rp_stack_state state;
};

/** struct rp_fill_run - instructions [@first, @end) are fill, and @behind comes
 *  behind them. */
struct rp_fill_run {
	uint32_t first, end;
	uint32_t behind;
};

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
 * @inside, @spare: of the function that was asked about last; see spares.c
 * @late:     the last rows that were late; @nlate: how many were
 * @fill:     the last run of fill that was passed over
 * @global:   registers that are variables of the whole program, once @global_asked
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
	struct rp_spot *falls;
	size_t nfalls;
	const struct rp_frame_row *row;
	uint8_t *row_done;
	const struct rp_frame_row *fine_row;
	uint32_t fine_state;
	struct rp_walk_inside inside;
	struct rp_spare *spare;
	struct rp_late_row late[RP_LATE_ROWS];
	size_t nlate;
	struct rp_fill_run fill;
	bool global_asked;
	uint16_t global;
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

/* copies.c: never of a kernel */
/** Functions that save copies of registers: mark them as traced. */
void rp_walk_trace_copies(struct rp_walker *w);

/* probe.c: loops that move rsp until it is where a register points */
/** The register that rsp is compared with right before; or RP_REG_NONE. */
uint8_t rp_walk_probe_end(const struct rp_walker *w, uint32_t jcc);
/** Return: the state behind the loop's branch. */
uint32_t rp_walk_behind_probe(struct rp_walker *w, uint32_t jcc,
			      uint32_t state);

/* thunks.c: retpolines, where they are jumped through. Never of a kernel. */
enum rp_walk_thunk {
	RP_WALK_NO_THUNK,
	RP_WALK_THUNK_JUMP,	/**< to where a register points */
	RP_WALK_THUNK_RETURN,
};

/** rp_walk_thunk() - what begins with this call. */
enum rp_walk_thunk rp_walk_thunk(const struct rp_walker *w, uint32_t call);
/** The call that begins what an instruction is part of, or 0. */
uint32_t rp_walk_thunk_start(const struct rp_walker *w, uint32_t insn);
/** Does a call go to one, in place of an indirect call? */
bool rp_walk_calls_thunk(const struct rp_walker *w, uint32_t insn);
/** Is the one that begins with @call called so, right behind it? */
bool rp_walk_thunk_called(const struct rp_walker *w, uint32_t call);
/** Is it of the loop that is never run but by speculation? */
bool rp_walk_thunk_waits(const struct rp_walker *w, uint32_t insn);

/* stubs.c: libgcc's functions that save registers. Never of a kernel. */
/** Return: the state behind a call, if it is one of these. */
uint32_t rp_walk_step_stub(struct rp_walker *w, uint32_t insn, uint32_t state);
/** Does a jump go to one that takes the frame down, and returns? */
bool rp_walk_leaves_by_stub(const struct rp_walker *w, uint32_t insn);
/** Is it such a function that the instruction is in? */
bool rp_walk_in_stub(const struct rp_walker *w, uint32_t insn);

/* leaps.c: ways out of a frame that are no returns. Never of a kernel. */
/** Is the instruction part of one: a load of rsp, and a jump? */
bool rp_walk_leaps(const struct rp_walker *w, uint32_t insn);
/** Is it the load of rsp that ends __builtin_eh_return(), right before a return? */
bool rp_walk_unwinds(const struct rp_walker *w, uint32_t insn, uint32_t state);
/** Is it a pop of the register that is jumped through next, as a return? */
bool rp_walk_pops_return(const struct rp_walker *w, uint32_t insn);
/** Follow code that is only reached so: its address is taken by code. */
void rp_walk_landings(struct rp_walker *w);

/* inside.c: what assembly does. Never of a kernel. */
/** Does a call go to a routine of its own function, that returns? */
bool rp_walk_calls_inside(const struct rp_walker *w, uint32_t insn);
/** Does a return go back to such a call? */
bool rp_walk_returns_inside(const struct rp_walker *w, uint32_t insn,
			    uint32_t state);
/** Code without a name stores what is its own: forget what .eh_frame does not say
 *  to be saved anywhere in the function. */
void rp_walk_drop_untold(const struct rp_walker *w,
			 const struct rp_frame_row *row,
			 struct rp_stack_state *state);

/* global_regs.c */
/** Registers that the source has as variables: 1 << enum rp_reg each. Reads the debug
 *  information, once: to be asked where something was found. */
uint16_t rp_walk_global(struct rp_walker *w);
/** Who sets these loses nothing. Return: was any lost? */
bool rp_walk_drop_global(struct rp_walker *w, struct rp_stack_state *state);

/* spares.c */
/** Is all that is not as at the entry that registers were saved, which are not
 *  written in the function, or on no way to @insn? */
bool rp_walk_spares(struct rp_walker *w, uint32_t insn,
		    const struct rp_stack_state *state);

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
/** Is it a system call that does not come back? */
bool rp_walk_is_last_call(const struct rp_walker *w, uint32_t insn);
void rp_walk_check_tail(struct rp_walker *w, uint32_t insn, uint32_t state);
void rp_walk_report_end(struct rp_walker *w, uint32_t insn, uint32_t state);
/** Return: is the instruction one of another function than the walk's? */
bool rp_walk_left_function(struct rp_walker *w, uint32_t insn);
/** Without names: does a jump lead to the start of another function's part, that has
 *  another stack? */
bool rp_walk_strays(struct rp_walker *w, uint32_t insn, uint32_t state);
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
/** Functions of which only a part has rows. */
void rp_walk_row_gaps(struct rp_walker *w);
/** FDEs that cannot be followed: code without rows. */
void rp_walk_row_faults(struct rp_walker *w, const struct rp_frame_rows *frames);

/* late.c */
bool rp_walk_row_is_late(struct rp_walker *w, uint32_t insn,
			 const struct rp_frame_row *row,
			 const struct rp_stack_state *state);

/* kept.c */
/** Of user space: registers that callees keep, overwritten. */
void rp_walk_kept(struct rp_walker *w);

/* rest.c */
/** Are the section's instructions pieces that are copied elsewhere? */
bool rp_walk_is_spare(const struct rp_walker *w, uint32_t section);
/** Do the objects of a program each have a piece of its functions? */
bool rp_walk_is_pieces(const struct rp_walker *w, uint32_t section);
void rp_walk_unreached(struct rp_walker *w);

#endif /* REPOINT_OBJECT_STACK_INTERNAL_H */
