/* SPDX-License-Identifier: MIT */
/*
 * Registers that are saved though nobody changes them: in the whole function, or on
 * the ways that lead to one of its returns.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* In the set of an instruction: some way leads there. */
#define RP_SPARE_REACHED	(1u << RP_RSP)

/*
 * struct rp_spare - of @function, instructions [@first, @end): @written before each.
 * @unknown: not all ways are known
 */
struct rp_spare {
	const struct rp_code *code;
	uint32_t function;
	uint32_t first, end;
	bool unknown;
	uint32_t ntodo;
	uint16_t written[RP_INSIDE_MAX];
	uint16_t todo[RP_INSIDE_MAX];
	bool waits[RP_INSIDE_MAX];
};

static void note_insn(const struct rp_walker *w, uint32_t insn,
		      struct rp_walk_inside *ret)
{
	struct rp_insn_flow flow;
	uint16_t written;

	if (rp_insn_flow_every(rp_code_bytes(w->code, insn),
			       w->code->insns[insn].length, &flow, &written))
		ret->written = UINT16_MAX;
	else if (flow.op.kind == RP_OP_POP && flow.op.dest < RP_REG_NR)
		ret->popped |= 1u << flow.op.dest;
	else if (flow.op.kind != RP_OP_LOAD || flow.op.src != RP_RSP)
		ret->written |= written;
}

/* What the instructions of the function do, wherever: loads from the stack, and
 * pops, do not count as writes. */
static const struct rp_walk_inside *look_inside(struct rp_walker *w,
						uint32_t function)
{
	const struct rp_function *f = &w->code->functions[function];
	struct rp_walk_inside *ret = &w->inside;

	if (ret->function == function)
		return ret;
	*ret = (struct rp_walk_inside){ .function = function };
	if (f->end - f->first > RP_INSIDE_MAX)
		ret->written = UINT16_MAX;
	else
		for (uint32_t i = f->first; i < f->end; i++)
			note_insn(w, i, ret);
	return ret;
}

/* To somewhere else: from there it may come back. */
static void arrive(struct rp_spare *s, uint32_t insn, uint16_t regs)
{
	uint32_t at = insn - s->first;

	if (insn < s->first || insn >= s->end) {
		s->unknown = true;
		return;
	}
	regs |= RP_SPARE_REACHED;
	if (!(regs & ~s->written[at]))
		return;
	s->written[at] |= regs;
	if (!s->waits[at])
		s->todo[s->ntodo++] = at;
	s->waits[at] = true;
}

static void arrive_by_edges(struct rp_spare *s, uint32_t insn, uint16_t regs)
{
	const struct rp_edge *edges;
	size_t n;

	edges = rp_code_edges(s->code, insn, &n);
	while (n--)
		arrive(s, edges[n].to, regs);
}

/* Return: does it go on to the next one? */
static bool leaves_straight(struct rp_spare *s, uint32_t insn, uint16_t regs)
{
	const struct rp_code_insn *at = &s->code->insns[insn];

	if (at->flags & RP_CODE_DEAD_END)
		return false;
	switch (at->flow) {
	case RP_FLOW_JMP:
	case RP_FLOW_JCC:
		if (!(at->flags & RP_CODE_TAIL))
			arrive(s, at->dest, regs);
		return at->flow == RP_FLOW_JCC;
	case RP_FLOW_JMP_INDIRECT:
		s->unknown |= !(at->flags & RP_CODE_EDGES);
		return false;
	case RP_FLOW_RET:
	case RP_FLOW_UD:
	case RP_FLOW_HLT:
		return false;
	default:
		return true;
	}
}

/* The set behind an instruction goes wherever that goes. */
static void leave(struct rp_spare *s, uint32_t insn, uint16_t regs)
{
	const struct rp_code_insn *at = &s->code->insns[insn];
	struct rp_insn_flow flow;
	uint16_t written;

	if ((at->flags & (RP_CODE_GROUP | RP_CODE_ALTS | RP_CODE_THUNK |
			  RP_CODE_PUSHES)) ||
	    rp_insn_flow_every(rp_code_bytes(s->code, insn), at->length, &flow,
			       &written)) {
		s->unknown = true;
		return;
	}
	regs |= written;
	arrive_by_edges(s, insn, regs);
	if (leaves_straight(s, insn, regs))
		arrive(s, insn + 1, regs);
}

static void find_written(struct rp_spare *s, const struct rp_code *code,
			 uint32_t function)
{
	memset(s, 0, sizeof(*s));
	s->code = code;
	s->function = function;
	s->first = code->functions[function].first;
	s->end = code->functions[function].end;
	arrive(s, s->first, 0);
	while (s->ntodo && !s->unknown) {
		uint32_t at = s->todo[--s->ntodo];

		s->waits[at] = false;
		leave(s, s->first + at, s->written[at]);
	}
}

/* Are all ways to @insn known, and is none of the registers written on any? Of
 * functions of one part, which are entered at their start. */
static bool is_spared_on_ways(struct rp_walker *w, uint32_t insn, uint16_t regs)
{
	uint32_t function = w->code->insns[insn].function;
	const struct rp_function *f = &w->code->functions[function];
	uint16_t written;

	if (w->function != function || f->end - f->first > RP_INSIDE_MAX ||
	    rp_walk_named(w, insn) != function)
		return false;
	if (!w->spare)
		w->spare = calloc(1, sizeof(*w->spare));
	if (!w->spare) {
		w->nomem = true;
		return false;
	}
	if (w->spare->function != function)
		find_written(w->spare, w->code, function);
	written = w->spare->written[insn - f->first];
	return !w->spare->unknown && (written & RP_SPARE_REACHED) &&
	       !(written & regs);
}

bool rp_walk_spares(struct rp_walker *w, uint32_t insn,
		    const struct rp_stack_state *state)
{
	const struct rp_walk_inside *inside;
	struct rp_stack_state copy = *state;
	uint16_t regs = 0;

	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		if (!rp_reg_is_kept(i) || copy.saved[i].how != RP_SAVED_CFA)
			continue;
		copy.saved[i].how = RP_SAVED_SAME;
		regs |= 1u << i;
	}
	if (w->kernel || !regs || rp_stack_is_modified(&copy) ||
	    !w->code->insns[insn].function)
		return false;
	if (is_spared_on_ways(w, insn, regs))
		return true;
	inside = look_inside(w, w->code->insns[insn].function);
	// Assembly takes its stack back by pop %rsp, and pops what it saved: how
	// far up is not known, so what comes back is not seen.
	if ((!w->frames || !rp_walk_row(w, insn)) &&
	    inside->popped >> RP_RSP & 1)
		regs &= ~inside->popped;
	return !(inside->written & regs);
}
