/* SPDX-License-Identifier: MIT */
/*
 * Where a function is left: by a return, by a jump in place of a call, or because
 * its code runs on into what comes next.
 */
#include "internal.h"

#include <string.h>

static bool has_prefix(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

/* Where it was left, but for fill behind it. */
static uint32_t last_of_function(const struct rp_walker *w, uint32_t insn)
{
	uint32_t last = w->behind;

	while (last && !rp_walk_named(w, last))
		last--;
	return last ? last : insn;
}

bool rp_walk_left_function(struct rp_walker *w, uint32_t insn)
{
	uint32_t here;
	const char *name;

	if (!w->function || (w->code->insns[insn].flags & RP_CODE_GROUP))
		return false;
	here = rp_walk_named(w, insn);
	if (!here || here == rp_function_whole(w->code, w->function))
		return false;
	name = rp_function_name(w->code, w->function);
	if (!has_prefix(name, "__cfi_") && !has_prefix(name, "__pfx_"))
		rp_walk_find(w, RP_DIAG_CHECK_FALLS_THROUGH, RP_WARNING,
			last_of_function(w, insn),
			"the code of %s runs on into %s", name,
			rp_function_name(w->code, here));
	return true;
}

static bool ends_well(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	if (w->kernel)
		return !w->function ||
		       !rp_stack_is_modified(rp_walk_state(w, state));
	return !rp_stack_is_modified(rp_walk_state(w, state)) ||
	       (w->frames && rp_walk_row_outermost(w, insn));
}

/* Compilers' own thunks return to what they pushed. */
static bool is_thunk(const struct rp_walker *w, uint32_t insn)
{
	const char *name = rp_function_name(w->code,
					    w->code->insns[insn].function);

	return !w->kernel && (has_prefix(name, "__x86_indirect_thunk") ||
			      has_prefix(name, "__x86_return_thunk") ||
			      has_prefix(name, "__llvm_retpoline"));
}

void rp_walk_check_return(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	char text[RP_STATE_TEXT_SIZE];

	if (ends_well(w, insn, state) || is_thunk(w, insn))
		return;
	rp_stack_state_text(rp_walk_state(w, state), text, sizeof(text));
	rp_walk_find(w, RP_DIAG_CHECK_RETURN, RP_ERROR, insn,
		"returns although the stack is not as at the function's entry"
		" (%s)", text);
}

void rp_walk_check_tail(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	char text[RP_STATE_TEXT_SIZE];

	if (w->dead || ends_well(w, insn, state))
		return;
	// Code without names calls nothing: PLTs, assembly.
	if (!w->kernel && (!w->function || !rp_walk_named(w, insn)))
		return;
	rp_stack_state_text(rp_walk_state(w, state), text, sizeof(text));
	if (!w->kernel && at->flow == RP_FLOW_JMP_INDIRECT)
		rp_walk_find(w, RP_DIAG_CHECK_INDIRECT, RP_WARNING, insn,
			"where this jump goes is not known, and no call's end it"
			" is: the function's frame is still there (%s)", text);
	else
		rp_walk_find(w, RP_DIAG_CHECK_TAIL, RP_ERROR, insn,
			"jumps to another function although the stack is not as"
			" at the function's entry (%s)", text);
}

void rp_walk_report_end(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	const struct rp_code_insn *at = &w->code->insns[insn];

	if (w->dead || rp_walk_state(w, state)->base == RP_CFA_UNKNOWN ||
	    (!w->kernel && at->flow == RP_FLOW_TRAP))
		return;
	rp_walk_find(w, RP_DIAG_CHECK_FALLS_THROUGH, RP_WARNING, insn,
		"the code runs on to the end of its section");
}

/* Return: the first instruction that is no fill, or 0. */
static uint32_t behind_fill(struct rp_walker *w, uint32_t insn)
{
	while (insn && (w->code->insns[insn].flow == RP_FLOW_NOP ||
			w->code->insns[insn].flow == RP_FLOW_TRAP))
		insn = rp_walk_next(w, insn);
	return insn;
}

static void report_runs_on(struct rp_walker *w, uint32_t insn, uint32_t to)
{
	const char *name = rp_function_name(w->code, rp_walk_named(w, insn));
	uint32_t function = to ? rp_walk_named(w, to) : 0;

	if (function)
		rp_walk_find(w, RP_DIAG_CHECK_FALLS_THROUGH, RP_WARNING, insn,
			"the code of %s runs on into %s", name,
			rp_function_name(w->code, function));
	else
		rp_walk_find(w, RP_DIAG_CHECK_FALLS_THROUGH, RP_WARNING, insn,
			"the code of %s runs on into code that is in no"
			" function", name);
}

/* Parts that were split off end so where what they do can only fault. */
static bool ends_in_fault(const struct rp_walker *w, uint32_t insn)
{
	struct rp_insn_flow flow;

	return !rp_insn_flow(rp_code_bytes(w->code, insn),
			     w->code->insns[insn].length, &flow) && flow.memory;
}

static bool is_part(const struct rp_walker *w, uint32_t insn)
{
	uint32_t f = w->code->insns[insn].function;

	return w->code->functions[f].flags & RP_FUNCTION_COLD;
}

/* Without names: into what .eh_frame has as another function, with another stack. */
static bool runs_on_unnamed(struct rp_walker *w, uint32_t insn, uint32_t next,
			    uint32_t state)
{
	const struct rp_code_insn *insns = w->code->insns;
	struct rp_stack_state copy = *rp_walk_state(w, state);

	if (!w->frames || insns[insn].function == insns[next].function ||
	    w->code->functions[insns[next].function].first != next ||
	    rp_walk_row_agrees(w, next, &copy))
		return false;
	if (is_part(w, insn) && ends_in_fault(w, insn))
		rp_walk_find(w, RP_DIAG_CHECK_FALLS_THROUGH, RP_NOTE, insn,
			"the code runs on into another function (compilers do so"
			" where an access to memory can only fault)");
	else
		rp_walk_find(w, RP_DIAG_CHECK_FALLS_THROUGH, RP_WARNING, insn,
			"the code runs on into another function");
	return true;
}

/* It is meant: then the end is one as by a jump. */
static void check_fall(struct rp_walker *w, uint32_t insn, uint32_t to,
		       uint32_t state)
{
	char text[RP_STATE_TEXT_SIZE];

	if (ends_well(w, insn, state))
		return;
	rp_stack_state_text(rp_walk_state(w, state), text, sizeof(text));
	rp_walk_find(w, RP_DIAG_CHECK_TAIL, RP_ERROR, insn,
		"goes on into %s although the stack is not as at the function's"
		" entry (%s)", rp_function_name(w->code,
						rp_walk_named(w, to)), text);
}

bool rp_walk_runs_on(struct rp_walker *w, uint32_t insn, uint32_t next,
		     uint32_t state)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	uint32_t from = rp_walk_named(w, insn), to;

	if (w->kernel || (at->flags & RP_CODE_GROUP))
		return false;
	if (!from)
		return rp_walk_named(w, next) ||
		       runs_on_unnamed(w, insn, next, state);
	to = behind_fill(w, next);
	if (to && rp_walk_named(w, to) == from)
		return false;
	if (to && rp_walk_named(w, to) && rp_walk_falls(w, insn, to))
		check_fall(w, insn, to, state);
	else if (at->flow != RP_FLOW_TRAP && !w->dead)
		report_runs_on(w, insn, to);
	return true;
}
