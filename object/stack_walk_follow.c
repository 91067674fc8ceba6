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
#include "grow.h"
#include "stack_walk_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TEXT_SIZE	200

void rp_walk_find(struct rp_walker *w, enum rp_diag_id id,
		  enum rp_severity severity, uint32_t insn, const char *fmt, ...)
{
	uint32_t function = w->code->insns[insn].function;
	char text[2 * TEXT_SIZE + 200];
	va_list args;

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

static const struct rp_stack_state *state_of(const struct rp_walker *w,
					     uint32_t index)
{
	return rp_stack_state(w->states, index);
}

/* Groups. */

static void report_conflict(struct rp_walker *w, uint32_t site, uint32_t at,
			    uint32_t old, uint32_t new)
{
	char a[TEXT_SIZE], b[TEXT_SIZE];

	rp_stack_state_text(state_of(w, old), a, sizeof(a));
	rp_stack_state_text(state_of(w, new), b, sizeof(b));
	rp_walk_find(w, RP_DIAG_CHECK_ALT_STACK, RP_ERROR,
		w->code->groups[site].first,
		"%" PRIu32 " bytes into this site the alternatives leave"
		" different stacks: %s; and %s", at, a, b);
}

static bool put_in_group(struct rp_walker *w, uint32_t site, uint64_t at,
			 uint32_t state)
{
	const struct rp_group *group = &w->code->groups[site];
	uint32_t *known;

	if (at >= group->length || !group->first)
		return true;
	known = &w->walk->group_states[w->walk->group_first[site] + at];
	if (!*known)
		*known = state;
	if (*known == state ||
	    rp_stack_agrees(state_of(w, *known), state_of(w, state)))
		return true;
	report_conflict(w, site, at, *known, state);
	return false;
}

static bool put_variant(struct rp_walker *w, uint32_t group, uint64_t at,
			uint32_t state)
{
	uint32_t site = w->code->groups[group].site;

	if (w->last && site && w->last[site] != group)
		return true;
	return put_in_group(w, site ? site : group, at, state);
}

/* Return: false if the variants do not agree. */
static bool note_group(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	uint32_t group = rp_code_group_at(w->code, insn);
	uint64_t offset = w->code->insns[insn].offset;

	if (!group || offset < w->code->groups[group].offset)
		return true;
	return put_variant(w, group, offset - w->code->groups[group].offset,
			   state);
}

static uint32_t behind_site(struct rp_walker *w, uint32_t site)
{
	const struct rp_group *group = &w->code->groups[site];

	return group->end > group->first ? rp_walk_next(w, group->end - 1) : 0;
}

/* The end of a replacement is the end of its site: NOPs fill what is left. */
static uint32_t next_in_group(struct rp_walker *w, uint32_t insn,
			      uint32_t state, bool *fine)
{
	uint32_t index = rp_code_group_at(w->code, insn);
	const struct rp_group *group = &w->code->groups[index];

	*fine = true;
	if (!index || !group->site || insn + 1 != group->end)
		return rp_walk_next(w, insn);
	if (group->length < w->code->groups[group->site].length)
		*fine = put_variant(w, index, group->length, state);
	return *fine ? behind_site(w, group->site) : 0;
}

/* Arriving at an instruction. */

static void report_mismatch(struct rp_walker *w, uint32_t insn, uint32_t old,
			    uint32_t new)
{
	char a[TEXT_SIZE], b[TEXT_SIZE];

	rp_stack_state_text(state_of(w, old), a, sizeof(a));
	rp_stack_state_text(state_of(w, new), b, sizeof(b));
	rp_walk_find(w, RP_DIAG_CHECK_MISMATCH, RP_ERROR, insn,
		"two ways lead here that leave different stacks: %s; and %s",
		a, b);
}

/* Without .eh_frame: did code come here only behind a call that may not return? */
static bool follows_call(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *before = &w->code->insns[insn - 1];

	return !w->kernel && insn > 1 && (before->flags & RP_CODE_VISITED) &&
	       (before->flow == RP_FLOW_CALL ||
		before->flow == RP_FLOW_CALL_INDIRECT) &&
	       before->offset + before->length == w->code->insns[insn].offset;
}

/* What both ways agree on. Return: 0 if that is what was known. */
static uint32_t merge(struct rp_walker *w, uint32_t old, uint32_t new)
{
	struct rp_stack_state a = *state_of(w, old);
	const struct rp_stack_state *b = state_of(w, new);
	bool changed = false;

	if (a.height != b->height && a.height != INT32_MIN) {
		a.height = INT32_MIN;
		changed = true;
	}
	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		if (a.value[i].how != RP_SAVED_SAME &&
		    (a.value[i].how != b->value[i].how ||
		     a.value[i].offset != b->value[i].offset)) {
			a.value[i].how = RP_SAVED_SAME;
			a.value[i].offset = 0;
			changed = true;
		}
	}
	return changed ? rp_walk_add(w, &a) : 0;
}

/* Return: the state to follow the instruction with once more, or 0. */
static uint32_t meet(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	uint32_t old = w->code->insns[insn].state;

	if (old == state)
		return 0;
	if (rp_stack_agrees(state_of(w, old), state_of(w, state)))
		return w->kernel ? 0 : merge(w, old, state);
	if (!w->frames && follows_call(w, insn))
		w->walk->guessed++;
	else
		report_mismatch(w, insn, old, state);
	return 0;
}

/* Return: the state that holds here, or 0. */
static uint32_t hinted_state(struct rp_walker *w, uint32_t insn,
			     const struct rp_walk_hint *hint, bool jumped)
{
	const struct rp_code_insn *save;

	if (!hint->restores)
		return hint->state;
	if (!hint->saved_at) {
		rp_walk_find(w, RP_DIAG_CHECK_HINT, RP_ERROR, insn,
			"the hint here says that a saved state holds again, but"
			" none was saved");
		return 0;
	}
	save = &w->code->insns[hint->saved_at];
	if (save->flags & RP_CODE_VISITED)
		return save->state;
	// It comes here once more, from there.
	if (jumped && w->code->abi->kind != RP_ABI_LINUX_6_1)
		return 0;
	rp_walk_find(w, RP_DIAG_CHECK_HINT, RP_ERROR, insn,
		"the hint here says that the state holds that was saved at an"
		" instruction which is not reached before");
	return 0;
}

static bool has_prefix(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

/* Return: is the instruction one of another function than the walk's? */
static bool left_function(struct rp_walker *w, uint32_t insn)
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
		rp_walk_find(w, RP_DIAG_CHECK_FALLS_THROUGH, RP_WARNING, insn,
			"the code of %s runs on into %s", name,
			rp_function_name(w->code, here));
	return true;
}

/* Return: the state before the instruction; 0: no further this way. */
static uint32_t arrive(struct rp_walker *w, uint32_t insn, uint32_t state,
		       bool jumped)
{
	struct rp_code_insn *at = &w->code->insns[insn];
	const struct rp_walk_hint *hint = NULL;

	if (w->kernel && left_function(w, insn))
		return 0;
	if (at->flags & RP_CODE_IGNORE)
		return 0;
	if (at->flags & RP_CODE_HINT)
		hint = rp_walk_hint_at(w, insn);
	if (w->frames && !hint)
		state = rp_walk_row_check(w, insn, state);
	if (at->flags & RP_CODE_VISITED) {
		state = hint ? 0 : meet(w, insn, state);
		if (!state)
			return 0;
	}
	if (hint)
		state = hinted_state(w, insn, hint, jumped);
	if (!state)
		return 0;
	at->state = state;
	at->flags |= RP_CODE_VISITED;
	if ((at->flags & RP_CODE_GROUP) && !note_group(w, insn, state))
		return 0;
	return state;
}

/* Leaving it. */

static void report_trouble(struct rp_walker *w, uint32_t insn, uint32_t state,
			   enum rp_stack_trouble trouble)
{
	char text[TEXT_SIZE];

	rp_stack_state_text(state_of(w, state), text, sizeof(text));
	if (trouble == RP_STACK_IS_UNDEFINED)
		rp_walk_find(w, RP_DIAG_CHECK_UNDEFINED, RP_ERROR, insn,
			"the stack is used here, but it is not known where the"
			" caller's frame is");
	else if (trouble == RP_STACK_REALIGNED)
		rp_walk_find(w, RP_DIAG_CHECK_STACK_POINTER, RP_ERROR, insn,
			"the stack pointer is rounded here, and no register is"
			" known to lead to the caller's frame (%s)", text);
	else
		rp_walk_find(w, RP_DIAG_CHECK_STACK_POINTER, RP_ERROR, insn,
			"what is done to the stack pointer here is not"
			" understood (%s)", text);
}

/* After this the state may be had from .eh_frame again, so nothing is wrong. */
static uint32_t said_behind(struct rp_walker *w, uint32_t insn)
{
	struct rp_stack_state state;
	uint32_t next = rp_walk_next(w, insn);

	if (!w->frames || !next || !rp_walk_row_state(w, next, &state))
		return 0;
	w->walk->unsaid++;
	return rp_walk_add(w, &state);
}

static uint32_t in_trouble(struct rp_walker *w, uint32_t insn, uint32_t state,
			   enum rp_stack_trouble trouble)
{
	uint32_t said = w->kernel ? 0 : said_behind(w, insn);

	if (said)
		return said;
	if (w->frames && rp_walk_row_outermost(w, insn))
		return 0;
	report_trouble(w, insn, state, trouble);
	return 0;
}

static const uint16_t call_clobbers = 1u << RP_RAX | 1u << RP_RCX |
	1u << RP_RDX | 1u << RP_RSI | 1u << RP_RDI | 1u << RP_R8 |
	1u << RP_R9 | 1u << RP_R10 | 1u << RP_R11;

static bool is_call(const struct rp_code_insn *at)
{
	return (at->flow == RP_FLOW_CALL && !(at->flags & RP_CODE_PUSHES)) ||
	       at->flow == RP_FLOW_CALL_INDIRECT;
}

/* Outside of a kernel, where registers lead to the stack: every write counts. */
static uint32_t step_traced(struct rp_walker *w, uint32_t insn, uint32_t index)
{
	struct rp_stack_state state = *state_of(w, index);
	const struct rp_code_insn *at = &w->code->insns[insn];
	enum rp_stack_trouble trouble;
	struct rp_insn_flow flow;
	uint16_t writes;

	if (rp_insn_flow_every(rp_code_bytes(w->code, insn), at->length, &flow,
			       &writes))
		return index;
	trouble = rp_stack_step(&w->rules, &state, &flow.op);
	if (trouble)
		return in_trouble(w, insn, index, trouble);
	if (is_call(at))
		writes |= call_clobbers;
	// What the step itself made of its register holds.
	if (flow.op.kind != RP_OP_NONE && flow.op.dest < RP_REG_NR)
		writes &= ~(1u << flow.op.dest);
	writes &= ~(1u << RP_RBP | 1u << RP_RSP);
	rp_stack_forget(&state, writes);
	return rp_walk_add(w, &state);
}

static struct rp_step_memory *memory_of(struct rp_walker *w, uint32_t state,
					uint32_t op, uint8_t rules)
{
	uint32_t h = state * 0x9e3779b1u ^ op * 0x85ebca6bu ^ rules;

	return &w->memory[(h ^ h >> 15) % RP_STEP_MEMORY];
}

static uint32_t step(struct rp_walker *w, uint32_t insn, uint32_t index)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	uint8_t rules = w->rules.named | w->rules.hinted << 1 |
			w->rules.values << 2;
	struct rp_step_memory *m = memory_of(w, index, at->op, rules);

	if (m->state != index || m->op != at->op || m->rules != rules) {
		struct rp_stack_state state = *state_of(w, index);

		m->trouble = rp_stack_step(&w->rules, &state,
					   &w->code->ops[at->op]);
		m->state = index;
		m->op = at->op;
		m->rules = rules;
		m->result = rp_walk_add(w, &state);
	}
	return m->trouble ? in_trouble(w, insn, index, m->trouble) : m->result;
}

static bool is_traced(const struct rp_walker *w, uint32_t insn)
{
	uint32_t f = w->code->insns[insn].function;

	return !f || w->traced[f] || w->traced[w->function];
}

static uint32_t step_over(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	uint32_t next = at->op ? rp_walk_next(w, insn) : 0;

	w->rules.values = is_traced(w, insn);
	w->rules.named = w->function != 0;
	if (!w->kernel && w->rules.values)
		return step_traced(w, insn, state);
	if (!at->op)
		return state;
	w->rules.hinted = next && (w->code->insns[next].flags & RP_CODE_HINT) &&
			  rp_walk_hint_at(w, next);
	return step(w, insn, state);
}

static uint32_t step_call_pushes(struct rp_walker *w, uint32_t insn,
				 uint32_t index)
{
	const struct rp_stack_op op = { RP_OP_PUSH, RP_REG_NONE, RP_REG_NONE,
					0, 0 };
	struct rp_stack_state state = *state_of(w, index);
	enum rp_stack_trouble trouble = rp_stack_step(&w->rules, &state, &op);

	if (trouble)
		return in_trouble(w, insn, index, trouble);
	return rp_walk_add(w, &state);
}

static bool ends_well(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	if (w->kernel)
		return !w->function ||
		       !rp_stack_is_modified(state_of(w, state));
	return !rp_stack_is_modified(state_of(w, state)) ||
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

static void check_return(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	char text[TEXT_SIZE];

	if (ends_well(w, insn, state) || is_thunk(w, insn))
		return;
	rp_stack_state_text(state_of(w, state), text, sizeof(text));
	rp_walk_find(w, RP_DIAG_CHECK_RETURN, RP_ERROR, insn,
		"returns although the stack is not as at the function's entry"
		" (%s)", text);
}

static void check_tail(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	char text[TEXT_SIZE];

	if (ends_well(w, insn, state))
		return;
	// Code without names calls nothing: PLTs, assembly.
	if (!w->kernel && (!w->function || !rp_walk_named(w, insn)))
		return;
	rp_stack_state_text(state_of(w, state), text, sizeof(text));
	if (!w->kernel && at->flow == RP_FLOW_JMP_INDIRECT)
		rp_walk_find(w, RP_DIAG_CHECK_INDIRECT, RP_WARNING, insn,
			"where this jump goes is not known, and no call's end it"
			" is: the function's frame is still there (%s)", text);
	else
		rp_walk_find(w, RP_DIAG_CHECK_TAIL, RP_ERROR, insn,
			"jumps to another function although the stack is not as"
			" at the function's entry (%s)", text);
}

/* Exceptions leave the stack as it is behind the call, without arguments. */
static void go_to_pad(struct rp_walker *w, uint32_t pad, uint32_t index)
{
	struct rp_stack_state state = *state_of(w, index), said;

	if (w->frames && rp_walk_row_state(w, pad, &said) &&
	    state.base == RP_CFA_REG && state.reg == RP_RSP &&
	    said.base == RP_CFA_REG && said.reg == RP_RSP &&
	    said.height <= state.height) {
		state.height = state.offset = said.height;
		index = rp_walk_add(w, &state);
	}
	push_way(w, pad, index);
}

/* Labels whose addresses are taken: whether this jump goes to all of them is not
 * certain. */
static bool may_go_to(struct rp_walker *w, const struct rp_edge *edge,
		      uint32_t index)
{
	struct rp_stack_state state;

	if (edge->kind != RP_EDGE_LABEL || !w->frames)
		return true;
	state = *state_of(w, index);
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
		return behind_site(w, alt->group);
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

	return w->code->insns[insn].length == 2 && code[0] == 0x0f &&
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
			check_tail(w, insn, state);
		return conditional;
	}
	if (at->flags & RP_CODE_TAIL) {
		check_tail(w, insn, state);
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
	struct rp_stack_state state = *state_of(w, index);

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

	switch (at->flow) {
	case RP_FLOW_RET:
		check_return(w, insn, state);
		return false;
	case RP_FLOW_JMP:
	case RP_FLOW_JCC:
	case RP_FLOW_JMP_INDIRECT:
		if (!goes_on_jump(w, insn, state))
			return false;
		return !(at->flags & RP_CODE_DEAD_END);
	case RP_FLOW_CALL:
	case RP_FLOW_CALL_INDIRECT:
		if (at->flags & RP_CODE_THROWS)
			go_along_edges(w, insn, state);
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

static void report_end(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	const struct rp_code_insn *at = &w->code->insns[insn];

	if (state_of(w, state)->base == RP_CFA_UNKNOWN ||
	    (!w->kernel && at->flow == RP_FLOW_TRAP))
		return;
	rp_walk_find(w, RP_DIAG_CHECK_FALLS_THROUGH, RP_WARNING, insn,
		"the code runs on to the end of its section");
}

/* In user space: straight on from a function to the next one. */
static bool runs_on(struct rp_walker *w, uint32_t insn, uint32_t next)
{
	uint32_t from = rp_walk_named(w, insn), to = rp_walk_named(w, next);
	const struct rp_code_insn *at = &w->code->insns[insn];

	if (w->kernel || from == to || !to || (at->flags & RP_CODE_GROUP))
		return false;
	if (from && at->flow != RP_FLOW_NOP && at->flow != RP_FLOW_TRAP)
		rp_walk_find(w, RP_DIAG_CHECK_FALLS_THROUGH, RP_WARNING, insn,
			"the code of %s runs on into %s",
			rp_function_name(w->code, from),
			rp_function_name(w->code, to));
	return true;
}

/* Return: the instruction that comes next, or 0. */
static uint32_t leave(struct rp_walker *w, uint32_t insn, uint32_t *state)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	uint32_t before = *state, next;
	bool fine = true;

	*state = step_over(w, insn, before);
	if (!*state)
		return 0;
	if (at->flags & RP_CODE_PUSHES) {
		*state = step_call_pushes(w, insn, *state);
		return *state ? at->dest : 0;
	}
	if (at->flow == RP_FLOW_JMP && at->dest && !(at->flags & RP_CODE_TAIL))
		return at->flags & RP_CODE_DEAD_END ? 0 : at->dest;
	next = at->flags & RP_CODE_GROUP ?
	       next_in_group(w, insn, *state, &fine) : rp_walk_next(w, insn);
	if (!fine || !goes_on(w, insn, next, *state))
		return 0;
	if (at->flow == RP_FLOW_JCC && at->dest &&
	    !(at->flags & RP_CODE_TAIL)) {
		push_way(w, next, *state);
		return at->dest;
	}
	if (!next)
		report_end(w, insn, *state);
	else if (runs_on(w, insn, next))
		return 0;
	return next;
}

static void follow(struct rp_walker *w, struct rp_way way)
{
	uint32_t insn = way.insn, state = way.state;
	bool jumped = true;

	while (insn && state && !w->nomem && !w->stopped) {
		if (!way.departs) {
			state = arrive(w, insn, state, jumped);
			if (!state || !go_elsewhere(w, insn, state))
				return;
		}
		way.departs = false;
		uint32_t next = leave(w, insn, &state);
		jumped = next != insn + 1;
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
	if (!rp_stack_agrees(state_of(w, at->state), state_of(w, call->state)))
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
