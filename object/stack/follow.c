/* SPDX-License-Identifier: MIT */
/*
 * Following code from one instruction, along all ways that it may go.
 *
 * Ways that are still to be followed are on a stack of their own, so that nothing
 * here recurses; they are followed in the order in which a recursion would. Each
 * instruction is followed once: those who come later must agree with its state.
 *
 * Where two ways meet outside of a kernel, what they do not agree on, but
 * unwinders do not need (the height with a frame pointer, registers that lead to
 * the stack) is forgotten, and the instruction followed once more.
 */
#include "../grow.h"
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>

void rp_walk_find(struct rp_walker *w, enum rp_diag_id id,
		  enum rp_severity severity, uint32_t insn, const char *fmt, ...)
{
	uint32_t function = w->code->insns[insn].function;
	char text[2 * RP_STATE_TEXT_SIZE + 200];
	va_list args;

	if (!w->kernel && rp_code_is_undescribed(w->code, insn))
		severity = RP_NOTE;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	rp_findings_add(w->findings, id, severity,
			rp_code_section(w->code, insn),
			w->code->insns[insn].offset, "%s", text);
	if (severity == RP_NOTE)
		return;
	w->stopped = w->kernel;
	w->troubled[function] = 1;
	w->troubled[rp_function_whole(w->code, function)] = 1;
	w->troubled[w->function] = 1;
}

uint32_t rp_walk_add(struct rp_walker *w, const struct rp_stack_state *state)
{
	uint32_t index = rp_stack_states_add(w->states, state);

	if (!index)
		w->nomem = true;
	return index;
}

uint32_t rp_walk_next(struct rp_walker *w, uint32_t insn)
{
	if (insn < w->low || insn >= w->high) {
		uint32_t section = rp_code_section(w->code, insn);

		w->low = w->code->section_first[section];
		w->high = w->code->section_first[section + 1];
	}
	return insn + 1 < w->high ? insn + 1 : 0;
}

uint32_t rp_walk_named(const struct rp_walker *w, uint32_t insn)
{
	uint32_t f = w->code->insns[insn].function;

	if (w->code->functions[f].flags &
	    (RP_FUNCTION_UNNAMED | RP_FUNCTION_UNTYPED))
		return 0;
	return rp_function_whole(w->code, f);
}

static void add_way(struct rp_walker *w, struct rp_ways *ways,
		    struct rp_way way)
{
	if (!way.insn || !way.state)
		return;
	if (rp_grow(&ways->v, &ways->room, ways->n + 1, sizeof(*ways->v))) {
		w->nomem = true;
		return;
	}
	ways->v[ways->n++] = way;
}

static void push_way(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	add_way(w, &w->ways, (struct rp_way){ insn, state, false });
}

/* Exceptions leave the stack as it is behind the call, without arguments. */
static void go_to_pad(struct rp_walker *w, uint32_t pad, uint32_t index)
{
	struct rp_stack_state state = *rp_walk_state(w, index), said;

	if (w->frames && rp_walk_row_state(w, pad, &said) &&
	    state.base == RP_CFA_REG && state.reg == RP_RSP &&
	    said.base == RP_CFA_REG && said.reg == RP_RSP &&
	    said.height <= state.height) {
		state.height = state.offset = said.height;
		index = rp_walk_add(w, &state);
	}
	push_way(w, pad, index);
}

/* In code without names a table may be taken for longer than it is: another
 * function's begins behind it. */
static bool is_beyond(const struct rp_walker *w, const struct rp_edge *edge)
{
	const struct rp_code *code = w->code;
	uint32_t from = code->insns[edge->from].function;
	uint32_t to = code->insns[edge->to].function;

	return edge->kind == RP_EDGE_TABLE &&
	       (code->functions[to].flags & RP_FUNCTION_UNNAMED) &&
	       rp_function_whole(code, from) != rp_function_whole(code, to);
}

static bool is_part(const struct rp_walker *w, uint32_t insn)
{
	uint32_t f = w->code->insns[insn].function;

	return w->code->functions[f].flags & RP_FUNCTION_COLD;
}

/* Labels whose addresses are taken: whether this jump goes to all of them is not
 * certain. Nor is it whose a part without a name is. */
static bool may_go_to(struct rp_walker *w, const struct rp_edge *edge,
		      uint32_t index)
{
	bool beyond = is_beyond(w, edge);
	struct rp_stack_state state;

	if (!w->frames || (edge->kind != RP_EDGE_LABEL && !beyond))
		return true;
	if (beyond && !is_part(w, edge->from) && !is_part(w, edge->to))
		return false;
	state = *rp_walk_state(w, index);
	return rp_walk_row_agrees(w, edge->to, &state);
}

static void go_along_edges(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	const struct rp_edge *edges;
	size_t n;

	edges = rp_code_edges(w->code, insn, &n);
	while (n--) {
		if (edges[n].kind == RP_EDGE_LANDING)
			go_to_pad(w, edges[n].to, state);
		else if (may_go_to(w, &edges[n], state))
			push_way(w, edges[n].to, state);
	}
}

/* Features whose sites the kernel's tool follows in one variant alone: SMAP, of
 * which the variants must not mix, and POPCNT, which is everywhere. */
static bool leaves_site_out(const struct rp_walker *w, const struct rp_alt *alt)
{
	return w->kernel && alt->kind == RP_ALT_CODE &&
	       (alt->feature == 9 * 32 + 20 || alt->feature == 4 * 32 + 23);
}

/* Where the instruction's own way does not lead. */
static uint32_t way_of(struct rp_walker *w, uint32_t insn,
		       const struct rp_alt *alt)
{
	if (alt->kind == RP_ALT_CODE && !alt->to)
		return rp_walk_behind_site(w, alt->group);
	// What jumps to there now may become a NOP.
	if (alt->kind == RP_ALT_JUMP &&
	    w->code->insns[insn].flow == RP_FLOW_JMP)
		return rp_walk_next(w, insn);
	return alt->to;
}

/* Its own way comes last. */
static void go_along_alts(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	const struct rp_alt *alts;
	bool also = true;
	size_t n;

	alts = rp_code_alts(w->code, insn, &n);
	for (size_t i = 0; i < n; i++)
		also = also && !leaves_site_out(w, &alts[i]);
	if (also)
		add_way(w, &w->ways, (struct rp_way){ insn, state, true });
	while (n--)
		push_way(w, way_of(w, insn, &alts[n]), state);
}

/* Return: false if the instruction is left later, after other ways. */
static bool go_elsewhere(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	const uint16_t flags = w->code->insns[insn].flags;

	if (!(flags & RP_CODE_ALTS) || (flags & RP_CODE_IGNORE_ALTS))
		return true;
	go_along_alts(w, insn, state);
	return false;
}

/* A conditional branch to a thunk, or a jump: they have the same flow. */
static bool is_conditional(const struct rp_walker *w, uint32_t insn)
{
	const uint8_t *code = rp_code_bytes(w->code, insn);

	if (w->code->insns[insn].flow == RP_FLOW_JCC)
		return true;
	if (!(w->code->insns[insn].flags & RP_CODE_THUNK))
		return false;
	while (*code == 0x2e || *code == 0x3e)	// hints to predictors
		code++;
	return (*code & 0xf0) == 0x70 || (*code == 0x0f && (code[1] & 0xf0) ==
					  0x80);
}

static bool is_table_jump(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code *code = w->code;
	const struct rp_group *group;

	if (code->insns[insn].flags & RP_CODE_EDGES)
		return true;
	if (!(code->insns[insn].flags & RP_CODE_GROUP))
		return false;
	group = &code->groups[rp_code_group_at(code, insn)];
	return group->site && (code->insns[code->groups[group->site].first].flags &
			       RP_CODE_EDGES);
}

/* syscall and sysenter come back; iret, sysret, retf and far jumps do not. */
static bool comes_back(const struct rp_walker *w, uint32_t insn)
{
	const uint8_t *code = rp_code_bytes(w->code, insn);

	return !rp_walk_is_last_call(w, insn) &&
	       w->code->insns[insn].length == 2 && code[0] == 0x0f &&
	       (code[1] == 0x05 || code[1] == 0x34);
}

static bool goes_on_switch(struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	uint32_t next = rp_walk_next(w, insn);

	if (!w->kernel)
		return comes_back(w, insn);
	if (!w->function)
		return false;
	if (w->code->ops[at->op].kind == RP_OP_ADD)	// iret to itself
		return true;
	if (next && rp_walk_hint_at(w, next))
		return true;
	rp_walk_find(w, RP_DIAG_CHECK_HINT, RP_ERROR, insn,
		"leaves for another context, in a function that is called;"
		" behind it a hint must say what the stack is");
	return false;
}

/* Return: does it go on to the next one? */
static bool goes_on_jump(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	bool conditional = is_conditional(w, insn);

	if (at->flow == RP_FLOW_JMP_INDIRECT) {
		go_along_edges(w, insn, state);
		if (!is_table_jump(w, insn) && (w->function || !w->kernel))
			rp_walk_check_tail(w, insn, state);
		return conditional;
	}
	if (at->flags & RP_CODE_TAIL) {
		rp_walk_check_tail(w, insn, state);
		return conditional;
	}
	return conditional;
}

/* Is the callee known to come back, being here and not known for the opposite? */
static bool surely_returns(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	uint32_t callee = at->dest ? w->code->insns[at->dest].function : 0;

	return at->flow == RP_FLOW_CALL && callee &&
	       !(w->code->functions[callee].flags & RP_FUNCTION_NORETURN);
}

/* Fill behind a call: what it is that comes next shows behind it. */
static uint32_t behind_fill(struct rp_walker *w, uint32_t next)
{
	while (next && w->code->insns[next].flow == RP_FLOW_NOP)
		next = rp_walk_next(w, next);
	return next;
}

/* Behind a call that may not return another function may begin, or code that is
 * reached from elsewhere, with another stack. */
static bool goes_on_call(struct rp_walker *w, uint32_t insn, uint32_t next,
			 uint32_t index)
{
	struct rp_stack_state state = *rp_walk_state(w, index);

	if (w->kernel)
		return true;
	next = behind_fill(w, next);
	if (!next || w->code->insns[next].function !=
		     w->code->insns[insn].function) {
		w->walk->guessed++;
		return false;
	}
	if (w->frames && rp_walk_row(w, next)) {
		if (rp_walk_row_agrees(w, next, &state))
			return true;
	} else if (w->frames || surely_returns(w, insn)) {
		return true;
	}
	add_way(w, &w->calls, (struct rp_way){ next, index, false });
	return false;
}

static bool goes_on(struct rp_walker *w, uint32_t insn, uint32_t next,
		    uint32_t state)
{
	const struct rp_code_insn *at = &w->code->insns[insn];

	// Not only calls: what traps may, too, with -fnon-call-exceptions.
	if (at->flags & RP_CODE_THROWS)
		go_along_edges(w, insn, state);
	switch (at->flow) {
	case RP_FLOW_RET:
		rp_walk_check_return(w, insn, state);
		return false;
	case RP_FLOW_JMP:
	case RP_FLOW_JCC:
	case RP_FLOW_JMP_INDIRECT:
		if (!goes_on_jump(w, insn, state))
			return false;
		return !(at->flags & RP_CODE_DEAD_END);
	case RP_FLOW_CALL:
	case RP_FLOW_CALL_INDIRECT:
		if (at->flags & RP_CODE_DEAD_END)
			return false;
		return goes_on_call(w, insn, next, state);
	case RP_FLOW_SWITCH:
		return goes_on_switch(w, insn);
	case RP_FLOW_UD:
	case RP_FLOW_HLT:
		return w->kernel && !(at->flags & RP_CODE_DEAD_END);
	default:
		return !(at->flags & RP_CODE_DEAD_END);
	}
}

/* Return: the instruction that comes next, or 0. */
static uint32_t leave(struct rp_walker *w, uint32_t insn, uint32_t *state)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	uint32_t before = *state, next;
	bool fine = true;

	*state = rp_walk_step(w, insn, before);
	if (!*state)
		return 0;
	if (at->flow == RP_FLOW_CALL)
		*state = rp_walk_step_stub(w, insn, *state);
	if (rp_walk_calls_thunk(w, insn) || rp_walk_calls_inside(w, insn)) {
		push_way(w, at->dest, rp_walk_step_call(w, insn, *state));
	} else if (at->flags & RP_CODE_PUSHES) {
		*state = rp_walk_step_call(w, insn, *state);
		return *state ? at->dest : 0;
	}
	if (at->flow == RP_FLOW_JMP && at->dest && !(at->flags & RP_CODE_TAIL))
		return at->flags & RP_CODE_DEAD_END ||
		       rp_walk_strays(w, insn, *state) ? 0 : at->dest;
	next = at->flags & RP_CODE_GROUP ?
		rp_walk_next_in_group(w, insn, *state, &fine) :
		rp_walk_next(w, insn);
	if (!fine || !goes_on(w, insn, next, *state))
		return 0;
	if (at->flow == RP_FLOW_JCC && at->dest &&
	    !(at->flags & RP_CODE_TAIL) && !rp_walk_strays(w, insn, *state)) {
		push_way(w, next, rp_walk_behind_probe(w, insn, *state));
		return at->dest;
	}
	if (!next)
		rp_walk_report_end(w, insn, *state);
	else if (rp_walk_runs_on(w, insn, next, *state))
		return 0;
	return next;
}

static void follow(struct rp_walker *w, struct rp_way way)
{
	uint32_t insn = way.insn, state = way.state;
	bool jumped = true;

	w->behind = 0;
	while (insn && state && !w->nomem && !w->stopped) {
		if (!way.departs) {
			state = rp_walk_arrive(w, insn, state, jumped);
			if (!state || !go_elsewhere(w, insn, state))
				return;
		}
		way.departs = false;
		uint32_t next = leave(w, insn, &state);
		jumped = next != insn + 1;
		w->behind = insn;
		insn = next;
	}
}

static void follow_all(struct rp_walker *w)
{
	while (w->ways.n && !w->nomem && !w->stopped)
		follow(w, w->ways.v[--w->ways.n]);
}

/* The call's successor was reached otherwise, or is now. */
static bool settles(struct rp_walker *w, const struct rp_way *call)
{
	const struct rp_code_insn *at = &w->code->insns[call->insn];

	if (!(at->flags & RP_CODE_VISITED))
		return false;
	if (!rp_stack_agrees(rp_walk_state(w, at->state),
			     rp_walk_state(w, call->state)))
		w->walk->guessed++;
	return true;
}

static size_t drop_settled(struct rp_walker *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->calls.n; i++) {
		if (!settles(w, &w->calls.v[i]))
			w->calls.v[n++] = w->calls.v[i];
	}
	return w->calls.n = n;
}

/* What no other way led to is code behind a call that returns, after all. */
static void follow_calls(struct rp_walker *w)
{
	size_t done = 0;

	while (done < w->calls.n && !w->nomem) {
		struct rp_way call = w->calls.v[done++];

		if (settles(w, &call))
			continue;
		// Without .eh_frame each is tried; with it, first all others.
		w->ways.n = 0;
		push_way(w, call.insn, call.state);
		follow_all(w);
	}
	w->calls.n = 0;
}

void rp_walk_from(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	w->ways.n = w->calls.n = 0;
	w->stopped = false;
	push_way(w, insn, state);
	follow_all(w);
	if (drop_settled(w))
		follow_calls(w);
}
