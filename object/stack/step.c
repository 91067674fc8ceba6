/* SPDX-License-Identifier: MIT */
/* What the instruction that is left does to the stack. */
#include "ops.h"

/* Instructions between the parts of one switch of stacks. */
#define RP_SWITCH_REACH	32

/* ... from where the frame pointer is cleared to where the stack is rounded. */
#define RP_START_REACH	16

static void report_trouble(struct rp_walker *w, uint32_t insn, uint32_t state,
			   enum rp_stack_trouble trouble)
{
	char text[RP_STATE_TEXT_SIZE];

	rp_stack_state_text(rp_walk_state(w, state), text, sizeof(text));
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

/* Stacks are switched so: rsp was stored, and the stack that it is switched to was
 * left here, with the same frame on it. Or the code goes away for good. */
static bool switches_stack(struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *insns = w->code->insns;
	uint32_t function = insns[insn].function, at = insn;

	for (unsigned int i = 0; i < RP_SWITCH_REACH && at > 1; i++) {
		const struct rp_stack_op *op = &w->code->ops[insns[--at].op];

		if (insns[at].function != function)
			break;
		if (insns[at].op && op->kind == RP_OP_STORE &&
		    op->src == RP_RSP)
			return true;
	}
	at = insn;
	for (unsigned int i = 0; i < RP_SWITCH_REACH; i++) {
		at = rp_walk_next(w, at);
		if (!at || insns[at].function != function || insns[at].op)
			return false;
		if (insns[at].flow != RP_FLOW_NEXT)
			return insns[at].flow == RP_FLOW_JMP_INDIRECT;
	}
	return false;
}

/* After this the state may be had from .eh_frame again, so nothing is wrong. But if
 * that counts from rsp, and the same, it takes no notice of what is done here. */
static uint32_t said_behind(struct rp_walker *w, uint32_t insn)
{
	struct rp_stack_state state;
	uint32_t next = rp_walk_next(w, insn);

	if (!w->frames || !next || !rp_walk_row_state(w, next, &state) ||
	    (rp_walk_row_stays(w, insn, next) && !switches_stack(w, insn)))
		return 0;
	w->walk->unsaid++;
	return rp_walk_add(w, &state);
}

static bool is_xor_ebp(const struct rp_walker *w, uint32_t insn)
{
	const uint8_t *code = rp_code_bytes(w->code, insn);
	uint8_t length = w->code->insns[insn].length;

	if (length == 3 && code[0] == 0x48) {
		code++;
		length--;
	}
	return length == 2 && (code[0] == 0x31 || code[0] == 0x33) &&
	       code[1] == 0xed;
}

/* A program's entry clears rbp first: the ABI's mark of the frame that has no
 * caller. The stack may be made fit for the calls that follow. */
static bool is_outermost(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *insns = w->code->insns;
	uint32_t function = insns[insn].function;

	for (unsigned int i = 0; i < RP_START_REACH && insn-- > 1 &&
				 !w->kernel; i++) {
		if (insns[insn].function != function ||
		    insns[insn].flow != RP_FLOW_NEXT)
			return false;
		if (is_xor_ebp(w, insn))
			return true;
	}
	return false;
}

static uint32_t unknown_state(struct rp_walker *w)
{
	struct rp_stack_state state;

	rp_stack_state_blank(&state, RP_FRAME_CALL);
	rp_stack_lose_height(&state);
	return rp_walk_add(w, &state);
}

/* In a frame further out, as at its call: but the registers have come back here. */
static uint32_t state_further_out(struct rp_walker *w, uint32_t index)
{
	struct rp_stack_state state = *rp_walk_state(w, index);

	rp_stack_set_base(&state, RP_RSP, 8);
	state.height = 8;
	state.drap = false;
	return rp_walk_add(w, &state);
}

static uint32_t in_trouble(struct rp_walker *w, uint32_t insn, uint32_t state,
			   enum rp_stack_trouble trouble)
{
	uint32_t said;

	if (rp_walk_unwinds(w, insn, state))
		return state_further_out(w, state);
	said = w->kernel ? 0 : said_behind(w, insn);
	if (said)
		return said;
	if (w->frames && rp_walk_row_outermost(w, insn))
		return w->kernel ? 0 : unknown_state(w);
	if (rp_walk_leaps(w, insn) ||
	    (trouble == RP_STACK_REALIGNED && is_outermost(w, insn)))
		return unknown_state(w);
	report_trouble(w, insn, state, trouble);
	return 0;
}

static const uint16_t call_clobbers = 1u << RP_RAX | 1u << RP_RCX |
	1u << RP_RDX | 1u << RP_RSI | 1u << RP_RDI | 1u << RP_R8 |
	1u << RP_R9 | 1u << RP_R10 | 1u << RP_R11;

static bool is_call(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *at = &w->code->insns[insn];

	return (at->flow == RP_FLOW_CALL && !(at->flags & RP_CODE_PUSHES)) ||
	       at->flow == RP_FLOW_CALL_INDIRECT ||
	       rp_walk_calls_thunk(w, insn) || rp_walk_calls_inside(w, insn);
}

/* Outside of a kernel, where registers lead to the stack: every write counts. */
static uint32_t step_traced(struct rp_walker *w, uint32_t insn, uint32_t index)
{
	struct rp_stack_state state = *rp_walk_state(w, index);
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
	if (is_call(w, insn))
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
		struct rp_stack_state state = *rp_walk_state(w, index);

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

uint32_t rp_walk_step(struct rp_walker *w, uint32_t insn, uint32_t state)
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

uint32_t rp_walk_step_call(struct rp_walker *w, uint32_t insn, uint32_t index)
{
	const struct rp_stack_op op = { RP_OP_PUSH, RP_REG_NONE, RP_REG_NONE,
					0, 0 };
	struct rp_stack_state state = *rp_walk_state(w, index);
	enum rp_stack_trouble trouble = rp_stack_step(&w->rules, &state, &op);

	if (trouble)
		return in_trouble(w, insn, index, trouble);
	return rp_walk_add(w, &state);
}
