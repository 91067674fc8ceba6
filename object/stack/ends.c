/* SPDX-License-Identifier: MIT */
/*
 * Where a function is left: by a return, by a jump in place of a call, or because
 * its code runs on into what comes next.
 */
#include "../bytes.h"
#include "internal.h"

#include <string.h>

/* So many instructions before a system call its number may be set. */
#define RP_NUMBER_REACH	4

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

/* Is all as at the entry? The CFA may be counted from another register, as .eh_frame
 * says where rsp is loaded from that. @popped: but for the return address, which was
 * popped. */
static bool is_as_entered(struct rp_walker *w, uint32_t state, bool popped)
{
	struct rp_stack_state copy = *rp_walk_state(w, state);

	if (popped && copy.height == 0)
		copy.height = 8;
	if (!w->kernel && copy.base == RP_CFA_REG && copy.height == 8) {
		copy.reg = RP_RSP;
		copy.offset = 8;
	}
	return !rp_stack_is_modified(&copy) ||
	       (rp_walk_drop_global(w, &copy) && !rp_stack_is_modified(&copy));
}

static bool ends_well(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	if (w->kernel)
		return !w->function ||
		       !rp_stack_is_modified(rp_walk_state(w, state));
	// Without .eh_frame there is nobody to whom it could be wrong; how it came
	// to be unknown has been said where that was not understood.
	if (rp_walk_state(w, state)->base == RP_CFA_UNKNOWN &&
	    !(w->frames && rp_walk_row(w, insn)))
		return true;
	return is_as_entered(w, state, false) ||
	       (w->frames && rp_walk_row_outermost(w, insn)) ||
	       rp_walk_spares(w, insn, rp_walk_state(w, state));
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

/* The return of a retpoline is a jump that has taken its place of the stack. */
static void check_retpoline(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	const struct rp_stack_op drop = { RP_OP_ADD, RP_RSP, RP_RSP, 0, 8 };
	struct rp_stack_state behind = *rp_walk_state(w, state);
	uint32_t call = rp_walk_thunk_start(w, insn);

	if (!rp_walk_thunk_called(w, call) &&
	    !rp_stack_step(&w->rules, &behind, &drop))
		rp_walk_check_tail(w, insn, rp_walk_add(w, &behind));
}

void rp_walk_check_return(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	char text[RP_STATE_TEXT_SIZE];

	if (rp_walk_thunk(w, rp_walk_thunk_start(w, insn)) ==
	    RP_WALK_THUNK_JUMP) {
		check_retpoline(w, insn, state);
		return;
	}
	if (ends_well(w, insn, state) || is_thunk(w, insn) ||
	    rp_walk_in_stub(w, insn) || rp_walk_returns_inside(w, insn, state))
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

	if (w->dead || ends_well(w, insn, state) ||
	    (rp_walk_pops_return(w, insn - 1) &&
	     is_as_entered(w, state, true)) ||
	    rp_walk_leaves_by_stub(w, insn) || rp_walk_leaps(w, insn))
		return;
	// Code without names calls nothing: PLTs, assembly.
	if (!w->kernel && (!w->function || !rp_walk_named(w, insn)))
		return;
	rp_stack_state_text(rp_walk_state(w, state), text, sizeof(text));
	if (!w->kernel && (at->flow == RP_FLOW_JMP_INDIRECT ||
			   at->flow == RP_FLOW_RET))
		rp_walk_find(w, RP_DIAG_CHECK_INDIRECT, RP_WARNING, insn,
			"where this jump goes is not known, and it is no tail call:"
			" the function's frame is still there (%s)", text);
	else
		rp_walk_find(w, RP_DIAG_CHECK_TAIL, RP_ERROR, insn,
			"jumps to another function although the stack is not as"
			" at the function's entry (%s)", text);
}

/* mov $NUMBER, %eax */
static bool sets_number(const struct rp_walker *w, uint32_t insn, uint32_t *ret)
{
	const uint8_t *code = rp_code_bytes(w->code, insn);
	unsigned int at = w->code->insns[insn].length;

	if (!(at == 5 && code[0] == 0xb8) &&
	    !(at == 7 && code[0] == 0x48 && code[1] == 0xc7 && code[2] == 0xc0))
		return false;
	code += at - 4;
	*ret = rp_load_le32(code);
	return true;
}

/* System calls of which nobody returns: rt_sigreturn, exit, exit_group. */
bool rp_walk_is_last_call(const struct rp_walker *w, uint32_t insn)
{
	const uint8_t *code = rp_code_bytes(w->code, insn);
	uint32_t number;

	if (w->kernel || w->code->insns[insn].flow != RP_FLOW_SWITCH ||
	    code[0] != 0x0f || code[1] != 0x05)
		return false;
	for (unsigned int i = 0; i < RP_NUMBER_REACH && insn > 1; i++) {
		insn--;
		if (w->code->insns[insn].flow != RP_FLOW_NEXT)
			return false;
		if (sets_number(w, insn, &number))
			return number == 15 || number == 60 || number == 231;
	}
	return false;
}

void rp_walk_report_end(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	const struct rp_code_insn *at = &w->code->insns[insn];

	if (w->dead || rp_walk_state(w, state)->base == RP_CFA_UNKNOWN ||
	    rp_walk_is_last_call(w, insn) ||
	    (!w->kernel && at->flow == RP_FLOW_TRAP))
		return;
	rp_walk_find(w, RP_DIAG_CHECK_FALLS_THROUGH, RP_WARNING, insn,
		"the code runs on to the end of its section");
}

/* Return: the first instruction that is no fill, or 0. The last run is remembered,
 * as each of its instructions may ask. */
static uint32_t behind_fill(struct rp_walker *w, uint32_t insn)
{
	struct rp_fill_run run = { .first = insn };

	for (; insn && rp_code_is_fill(&w->code->insns[insn]);
	     insn = rp_walk_next(w, insn)) {
		if (insn >= w->fill.first && insn < w->fill.end) {
			run.end = w->fill.end;
			insn = w->fill.behind;
			break;
		}
		run.end = insn + 1;
	}
	run.behind = insn;
	if (run.end)
		w->fill = run;
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

/* Is it said to be entered by calls? */
static bool is_called(struct rp_walker *w, uint32_t insn)
{
	struct rp_stack_state said;

	return !rp_walk_row_state(w, insn, &said) ||
	       !rp_stack_is_modified(&said);
}

/* Is it the fill right behind the function? */
static bool is_behind(const struct rp_walker *w, uint32_t function, uint32_t insn)
{
	const struct rp_code_insn *at = &w->code->insns[insn];

	return !at->function && rp_code_is_fill(at) && function &&
	       w->code->functions[function].end == insn;
}

bool rp_walk_strays(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	const struct rp_code *code = w->code;
	uint32_t dest = code->insns[insn].dest;
	uint32_t from = code->insns[insn].function;
	uint32_t to = code->insns[dest].function;
	struct rp_stack_state copy = *rp_walk_state(w, state);

	if (w->kernel || !w->frames || rp_walk_named(w, insn) ||
	    rp_walk_named(w, dest))
		return false;
	if (!is_behind(w, from, dest) &&
	    (code->functions[to].first != dest ||
	     rp_function_whole(code, from) == rp_function_whole(code, to) ||
	     is_called(w, dest) || rp_walk_row_agrees(w, dest, &copy)))
		return false;
	rp_walk_find(w, RP_DIAG_CHECK_FALLS_THROUGH, RP_NOTE, insn,
		"jumps to what comes behind the code of the function (compilers"
		" do so where they know that the way is never gone)");
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
	if (!rp_walk_named(w, next) &&
	    rp_walk_is_pieces(w, rp_code_section(w->code, insn)))
		return false;
	to = behind_fill(w, next);
	if (to && rp_walk_named(w, to) == from)
		return false;
	if (to && rp_walk_named(w, to) && rp_walk_falls(w, insn, to))
		check_fall(w, insn, to, state);
	else if (at->flow != RP_FLOW_TRAP && !w->dead && !rp_walk_is_last_call(w, insn) &&
		 !(to && rp_walk_in_stub(w, insn) && rp_walk_in_stub(w, to)))
		report_runs_on(w, insn, to);
	return true;
}
