/* SPDX-License-Identifier: MIT */
/*
 * Ways out of a frame that are no returns, and where they end: longjmp(), gotos out
 * of a nested function, __builtin_longjmp(). Another stack pointer is loaded, and
 * a jump goes to the address of code that the frame has left with it. Or a return
 * does: __builtin_eh_return() puts the address there, in a frame further out.
 */
#include "../bytes.h"
#include "internal.h"

#include <stdlib.h>

/* Instructions between the load of rsp and the jump, or the other way round. */
#define RP_LEAP_REACH	12

/* Instructions between where the place of the outer frame is computed, and the load
 * of rsp: the registers are restored there. */
#define RP_UNWIND_REACH	24

static bool loads_rsp(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	const struct rp_stack_op *op = &w->code->ops[at->op];
	const uint8_t *code = rp_code_bytes(w->code, insn);

	if (!at->op || op->dest != RP_RSP)
		return false;
	if (op->kind == RP_OP_MOVE)
		return op->src != RP_RBP;
	// mov, and from wherever: there may be no register in the address.
	return op->kind == RP_OP_LOAD ||
	       ((code[0] & 0xf8) == 0x48 && code[1] == 0x8b && code[2] < 0xc0);
}

static bool is_before(const struct rp_walker *w, uint32_t insn, uint32_t jump)
{
	const struct rp_code_insn *insns = w->code->insns;

	return insns[insn].flow == RP_FLOW_NEXT &&
	       insns[insn].function == insns[jump].function;
}

bool rp_walk_leaps(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *insns = w->code->insns;
	uint32_t jump = insn;

	if (w->kernel)
		return false;
	for (unsigned int i = 0; i < RP_LEAP_REACH &&
				 jump < w->code->ninsns - 1 &&
				 is_before(w, jump, insn); i++)
		jump++;
	if (insns[jump].flow != RP_FLOW_JMP_INDIRECT ||
	    insns[jump].flags & (RP_CODE_EDGES | RP_CODE_THUNK))
		return false;
	insn = jump;
	for (unsigned int i = 0; i < RP_LEAP_REACH && insn > 1 &&
				 is_before(w, insn - 1, jump); i++) {
		if (loads_rsp(w, --insn))
			return true;
	}
	return false;
}

static bool is_behind(const struct rp_walker *w, uint32_t insn, enum rp_flow flow)
{
	const struct rp_code_insn *at = &w->code->insns[insn];

	return insn + 1 < w->code->ninsns && at[1].flow == flow &&
	       at[1].function == at->function &&
	       at[1].offset == at->offset + at->length;
}

bool rp_walk_pops_return(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	const struct rp_stack_op *op;
	struct rp_insn_flow flow;

	if (w->kernel || !is_behind(w, insn, RP_FLOW_JMP_INDIRECT))
		return false;
	op = &w->code->ops[at->op];
	return at->op && op->kind == RP_OP_POP &&
	       !rp_insn_flow(rp_code_bytes(w->code, insn + 1), at[1].length,
			     &flow) &&
	       flow.reg == op->dest && op->dest < RP_REG_NR;
}

static bool returns_next(const struct rp_walker *w, uint32_t insn)
{
	return is_behind(w, insn, RP_FLOW_RET) ||
	       rp_walk_pops_return(w, insn + 1);
}

/* The instruction right before, on the only way, that gave a register its value; as
 * @ret. 0: it is not known. */
static uint32_t maker_of(const struct rp_walker *w, uint32_t insn, uint8_t reg,
			 struct rp_insn_flow *ret)
{
	const struct rp_code_insn *insns = w->code->insns;
	uint32_t at = insn;
	uint16_t writes;

	for (unsigned int i = 0; i < RP_UNWIND_REACH && at > 1; i++) {
		at--;
		if (!is_before(w, at, insn) ||
		    rp_insn_flow_every(rp_code_bytes(w->code, at),
				       insns[at].length, ret, &writes))
			return 0;
		if (writes >> reg & 1)
			return at;
	}
	return 0;
}

static bool has_rbp(const struct rp_walker *w, uint32_t insn, uint8_t reg)
{
	struct rp_insn_flow flow;

	return reg == RP_RBP ||
	       (maker_of(w, insn, reg, &flow) && flow.op.kind == RP_OP_MOVE &&
		flow.op.src == RP_RBP);
}

/* lea of the frame and of a distance that is in a register. */
static bool adds_to_frame(const struct rp_walker *w, uint32_t insn,
			  const struct rp_insn_flow *flow)
{
	return !flow->memory && flow->base < RP_REG_NR &&
	       flow->index < RP_REG_NR &&
	       (has_rbp(w, insn, flow->base) || has_rbp(w, insn, flow->index));
}

static bool moves_frame(const struct rp_walker *w, uint32_t insn,
			const struct rp_stack_op *op)
{
	struct rp_insn_flow flow;
	uint32_t maker;

	if (op->kind != RP_OP_MOVE || op->dest != RP_RSP || op->src == RP_RBP)
		return false;
	maker = maker_of(w, insn, op->src, &flow);
	if (maker && flow.op.kind == RP_OP_ADD && flow.op.src == op->src)
		maker = maker_of(w, maker, op->src, &flow);
	return maker && adds_to_frame(w, maker, &flow);
}

static int32_t displacement(const struct rp_walker *w, uint32_t insn,
			    const struct rp_insn_flow *flow)
{
	const uint8_t *at = rp_code_bytes(w->code, insn) + flow->disp;

	if (flow->disp_size == 4)
		return rp_load_sle32(at);
	return flow->disp_size == 1 ? (int8_t)*at : 0;
}

/* lea of where the return address is, and of a distance, to rsp */
static bool adds_to_return(const struct rp_walker *w, uint32_t insn,
			   const struct rp_stack_op *op, int32_t height)
{
	struct rp_insn_flow flow;

	return op->dest == RP_RSP && op->kind == RP_OP_CLOBBER &&
	       height != INT32_MIN &&
	       !rp_insn_flow(rp_code_bytes(w->code, insn),
			     w->code->insns[insn].length, &flow) &&
	       !flow.memory && flow.base == RP_RSP &&
	       flow.index < RP_REG_NR && flow.scale <= 1 &&
	       displacement(w, insn, &flow) == height - 8;
}

bool rp_walk_unwinds(const struct rp_walker *w, uint32_t insn, uint32_t state)
{
	const struct rp_stack_op *op = &w->code->ops[w->code->insns[insn].op];

	return !w->kernel && returns_next(w, insn) &&
	       (moves_frame(w, insn, op) ||
		adds_to_return(w, insn, op, rp_walk_state(w, state)->height));
}

/* movq $address, memory; mov $address, %eax: where programs are not moved */
static bool moves_address(const struct rp_walker *w, uint32_t insn,
			  const struct rp_insn_flow *flow)
{
	const struct rp_relobj *obj = w->code->obj;
	const uint8_t *code = rp_code_bytes(w->code, insn);

	if (!obj->linked || obj->ehdr.e_type != ET_EXEC || flow->imm_size != 4)
		return false;
	if ((code[0] & 0xf8) == 0x48)
		code++;
	return (*code & 0xf8) == 0xb8 || *code == 0xc7;
}

/* The instruction whose address this one takes, or 0. */
static uint32_t taken_by(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code *code = w->code;
	struct rp_spot spot = { 0 };
	struct rp_insn_flow flow;

	if (rp_insn_flow(rp_code_bytes(code, insn), code->insns[insn].length,
			 &flow))
		return 0;
	if (flow.rip && !flow.memory)
		spot = rp_code_reference(code, insn, &flow);
	else if (moves_address(w, insn, &flow))
		spot.section = rp_relobj_section_at(code->obj,
			rp_load_sle32(rp_code_bytes(code, insn) + flow.imm),
			&spot.offset);
	return spot.section ? rp_code_at(code, spot.section, spot.offset) : 0;
}

static void mark(uint8_t *taken, uint32_t insn)
{
	taken[insn / 8] |= 1u << insn % 8;
}

static void mark_relocs(const struct rp_walker *w, uint8_t *taken)
{
	const struct rp_code *code = w->code;

	for (size_t i = 1; i < code->nrelocs; i++) {
		const struct rp_reloc *r = &code->relocs[i];
		const struct rp_symbol *s = &code->obj->symbols[r->symbol];

		if ((r->type == R_X86_64_32S || r->type == R_X86_64_32 ||
		     r->type == R_X86_64_64) && s->section &&
		    s->section < code->obj->nsections)
			mark(taken, rp_code_at(code, s->section,
					       s->value + (uint64_t)r->addend));
	}
}

/* Return: a bit for each instruction whose address code takes; to be freed. */
static uint8_t *find_taken(struct rp_walker *w)
{
	uint8_t *taken = calloc(w->code->ninsns / 8 + 1, 1);

	if (!taken) {
		w->nomem = true;
		return NULL;
	}
	mark_relocs(w, taken);
	for (uint32_t i = 1; i < w->code->ninsns; i++)
		mark(taken, taken_by(w, i));
	return taken;
}

static bool is_missed(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *at = &w->code->insns[insn];

	return !(at->flags & (RP_CODE_VISITED | RP_CODE_IGNORE)) &&
	       !rp_code_is_fill(at) && rp_walk_named(w, insn);
}

/* Where leaps end .eh_frame alone knows the stack. Without it nothing is said. */
static void land(struct rp_walker *w, uint32_t insn)
{
	uint32_t function = w->code->insns[insn].function;
	struct rp_stack_state state;

	if (!w->frames || !rp_walk_row_state(w, insn, &state)) {
		w->troubled[function] = 1;
		return;
	}
	w->function = function;
	w->dead = true;
	rp_walk_from(w, insn, rp_walk_add(w, &state));
	w->dead = false;
	w->function = 0;
}

void rp_walk_landings(struct rp_walker *w)
{
	uint8_t *taken = NULL;

	for (uint32_t i = 1; i < w->code->ninsns && !w->nomem; i++) {
		if (!is_missed(w, i))
			continue;
		if (!taken)
			taken = find_taken(w);
		if (taken && taken[i / 8] >> i % 8 & 1)
			land(w, i);
	}
	free(taken);
}
