/* SPDX-License-Identifier: MIT */
/*
 * Where copies of the caller's registers are: does what is loaded into one come
 * from a copy of that one, and not of another?
 *
 * The code is followed once for each register that callees keep. The set of an
 * instruction says which registers may have the caller's value of that one before
 * it; and whether something else may (memory, vector registers), of which no more
 * is known.
 */
#include "../insn/kept.h"
#include "kept.h"

/* The bit of rsp: something that is no general register may have it. */
#define ELSEWHERE	RP_KEPT_BIT(RP_RSP)

static bool is_move(const struct rp_insn_flow *flow)
{
	return flow->op.kind == RP_OP_MOVE && flow->op.src < RP_REG_NR &&
	       flow->op.dest < RP_REG_NR && flow->op.src != RP_RSP &&
	       flow->op.dest != RP_RSP;
}

uint16_t rp_kept_held(const struct rp_kept *k, uint32_t insn, uint16_t bits)
{
	const struct rp_code_insn *at = &k->w->code->insns[insn];
	const uint8_t *code = rp_code_bytes(k->w->code, insn);
	struct rp_insn_values values;
	struct rp_insn_flow flow;
	uint16_t writes;

	if (at->flow == RP_FLOW_CALL || at->flow == RP_FLOW_CALL_INDIRECT)
		return at->flags & RP_CODE_PUSHES ? bits :
			bits & (RP_REGS_KEPT | ELSEWHERE);
	if (rp_insn_flow_every(code, at->length, &flow, &writes) ||
	    rp_insn_values(code, at->length, &values))
		return bits;
	if (is_move(&flow)) {
		writes = 1u << flow.op.dest;
		return bits >> flow.op.src & 1 ? bits | writes : bits & ~writes;
	}
	if (values.copies & bits)
		bits |= ELSEWHERE;
	bits &= ~(values.writes & ~ELSEWHERE);
	return bits & ELSEWHERE ? bits | values.loads : bits;
}

/* Does the value that an instruction loads come from what @bits say? xchg gets it
 * from a register, and is no move. */
static bool loads_from(const struct rp_kept *k, uint32_t insn, uint16_t bits)
{
	const uint8_t *code = rp_code_bytes(k->w->code, insn);
	uint8_t length = k->w->code->insns[insn].length;
	struct rp_insn_values values;
	struct rp_insn_flow flow;
	uint16_t writes;

	if (rp_insn_flow_every(code, length, &flow, &writes) ||
	    rp_insn_values(code, length, &values))
		return true;
	return is_move(&flow) ? bits >> flow.op.src & 1 :
				bits & (ELSEWHERE | values.copies);
}

static void begin_at_home(struct rp_kept *k, uint32_t insn, unsigned int reg)
{
	const struct rp_code *code = k->w->code;
	uint32_t first = code->functions[rp_kept_home(k->w, insn)].first;

	if (code->insns[first].state)
		rp_kept_arrive(k, first, RP_KEPT_BIT(reg));
	rp_kept_follow(k);
}

static void settle(struct rp_kept *k, unsigned int reg)
{
	for (uint32_t i = 1; i < k->w->code->ninsns; i++)
		k->sets[i].v[RP_KEPT_HELD] = 0;
	for (size_t i = 0; i < k->nfaults && !k->w->nomem; i++) {
		if (k->faults[i].loads >> reg & 1)
			begin_at_home(k, k->faults[i].insn, reg);
	}
	for (size_t i = 0; i < k->nfaults; i++) {
		struct rp_kept_fault *f = &k->faults[i];

		if (!loads_from(k, f->insn, k->sets[f->insn].v[RP_KEPT_HELD]))
			f->loads &= ~RP_KEPT_BIT(reg);
	}
}

void rp_kept_settle_loads(struct rp_kept *k)
{
	uint16_t loads = 0;

	for (size_t i = 0; i < k->nfaults; i++)
		loads |= k->faults[i].loads;
	k->set = RP_KEPT_HELD;
	for (unsigned int i = 0; i < RP_REG_NR && !k->w->nomem; i++) {
		if (loads >> i & 1)
			settle(k, i);
	}
}
