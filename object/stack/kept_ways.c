/* SPDX-License-Identifier: MIT */
/*
 * The ways from one instruction to the next ones, as the stack walk took them: sets
 * of registers go along.
 */
#include "../grow.h"
#include "kept.h"

void rp_kept_arrive(struct rp_kept *k, uint32_t insn, uint16_t bits)
{
	uint16_t *known = &k->sets[insn].v[k->set];

	if (!(bits & ~*known))
		return;
	*known |= bits;
	if (rp_grow(&k->todo, &k->todo_room, k->ntodo + 1, sizeof(*k->todo))) {
		k->w->nomem = true;
		return;
	}
	k->todo[k->ntodo++] = insn;
}

static void go(struct rp_kept *k, uint32_t from, uint32_t to, uint16_t bits)
{
	const struct rp_code_insn *at = &k->w->code->insns[to];

	if (to && at->state && (at->flags & RP_CODE_VISITED) &&
	    rp_kept_home(k->w, to) == rp_kept_home(k->w, from))
		rp_kept_arrive(k, to, bits);
}

static void go_along_edges(struct rp_kept *k, uint32_t insn, uint16_t bits)
{
	const struct rp_edge *edges;
	size_t n;

	edges = rp_code_edges(k->w->code, insn, &n);
	while (n--)
		go(k, insn, edges[n].to, bits);
}

uint32_t rp_kept_next(struct rp_kept *k, uint32_t insn)
{
	const struct rp_code *code = k->w->code;
	uint32_t group = code->insns[insn].flags & RP_CODE_GROUP ?
			 rp_code_group_at(code, insn) : 0;

	if (group && code->groups[group].site &&
	    insn + 1 == code->groups[group].end)
		return rp_walk_behind_site(k->w, code->groups[group].site);
	return rp_walk_next(k->w, insn);
}

/* Behind a call that does not return, or iret, there may be other code. */
static bool is_behind(struct rp_kept *k, uint32_t call, uint32_t next)
{
	const struct rp_code_insn *insns = k->w->code->insns;

	return next && insns[next].state &&
	       rp_stack_agrees(rp_walk_state(k->w, insns[call].state),
			       rp_walk_state(k->w, insns[next].state));
}

static void spread_jump(struct rp_kept *k, uint32_t insn, uint16_t bits)
{
	const struct rp_code_insn *at = &k->w->code->insns[insn];

	if (at->flow == RP_FLOW_JMP_INDIRECT) {
		go_along_edges(k, insn, bits);
		if (!(at->flags & (RP_CODE_EDGES | RP_CODE_GROUP)))
			rp_kept_end(k, insn, bits);
	} else if (at->flags & RP_CODE_TAIL) {
		rp_kept_end(k, insn, bits);
	} else if (!(at->flags & RP_CODE_DEAD_END)) {
		go(k, insn, at->dest, bits);
	}
	if (at->flow == RP_FLOW_JCC)
		go(k, insn, rp_kept_next(k, insn), bits);
}

static void spread_call(struct rp_kept *k, uint32_t insn, uint16_t bits)
{
	const struct rp_code_insn *at = &k->w->code->insns[insn];
	uint32_t next = rp_kept_next(k, insn);

	if (at->flags & RP_CODE_PUSHES)
		go(k, insn, at->dest, bits);
	if (at->flags & RP_CODE_THROWS)
		go_along_edges(k, insn, bits);
	if (!(at->flags & RP_CODE_DEAD_END) && is_behind(k, insn, next))
		go(k, insn, next, bits);
}

/* To wherever the instruction may go. */
void rp_kept_spread(struct rp_kept *k, uint32_t insn, uint16_t bits)
{
	switch (k->w->code->insns[insn].flow) {
	case RP_FLOW_RET:
		rp_kept_end(k, insn, bits);
		break;
	case RP_FLOW_JMP:
	case RP_FLOW_JCC:
	case RP_FLOW_JMP_INDIRECT:
		spread_jump(k, insn, bits);
		break;
	case RP_FLOW_CALL:
	case RP_FLOW_CALL_INDIRECT:
		spread_call(k, insn, bits);
		break;
	case RP_FLOW_SWITCH:	// syscall comes back, with the same stack
		if (is_behind(k, insn, rp_kept_next(k, insn)))
			go(k, insn, rp_kept_next(k, insn), bits);
		break;
	case RP_FLOW_UD:
	case RP_FLOW_HLT:
		break;
	default:
		if (!(k->w->code->insns[insn].flags & RP_CODE_DEAD_END))
			go(k, insn, rp_kept_next(k, insn), bits);
	}
}

/* Replacements begin where their sites do; an empty one ends there. */
static void spread_alts(struct rp_kept *k, uint32_t insn, uint16_t bits)
{
	const struct rp_alt *alts;
	size_t n;

	if (!(k->w->code->insns[insn].flags & RP_CODE_ALTS))
		return;
	alts = rp_code_alts(k->w->code, insn, &n);
	while (n--) {
		uint32_t to = alts[n].to;

		if (alts[n].kind == RP_ALT_CODE && !to)
			to = rp_walk_behind_site(k->w, alts[n].group);
		go(k, insn, to, bits);
		if (alts[n].kind == RP_ALT_JUMP)
			go(k, insn, rp_kept_next(k, insn), bits);
	}
}

static const struct rp_kept_fault *fault_at(const struct rp_kept *k,
					    uint32_t insn)
{
	size_t low = 0, high = k->nfaults;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (k->faults[mid].insn < insn)
			low = mid + 1;
		else
			high = mid;
	}
	return low < k->nfaults && k->faults[low].insn == insn ?
	       &k->faults[low] : NULL;
}

/* What the set is behind an instruction, if it is @bits before it. */
static uint16_t behind(const struct rp_kept *k, uint32_t insn, uint16_t bits)
{
	const struct rp_kept_fault *fault;

	if (k->set == RP_KEPT_HELD)
		return rp_kept_held(k, insn, bits);
	fault = fault_at(k, insn);
	if (!fault || k->set == RP_KEPT_COPIED)
		return bits;
	if (k->set == RP_KEPT_CLEAN)
		return bits & ~fault->writes;
	return bits & ~(fault->loads & k->sets[insn].v[RP_KEPT_COPIED]);
}

void rp_kept_follow(struct rp_kept *k)
{
	while (k->ntodo && !k->w->nomem) {
		uint32_t insn = k->todo[--k->ntodo];
		uint16_t bits = k->sets[insn].v[k->set];

		spread_alts(k, insn, bits);
		bits = behind(k, insn, bits);
		if (bits)
			rp_kept_spread(k, insn, bits);
	}
}

