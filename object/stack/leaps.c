/* SPDX-License-Identifier: MIT */
/*
 * Ways out of a frame that are no returns, and where they end: longjmp(), gotos out
 * of a nested function, __builtin_longjmp(). Another stack pointer is loaded, and
 * a jump goes to the address of code that the frame has left with it.
 */
#include "internal.h"

#include <stdlib.h>

/* Instructions between the load of rsp and the jump, or the other way round. */
#define RP_LEAP_REACH	12

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

/* lea of an address in its section */
static uint32_t lea_target(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	const uint8_t *code = rp_code_bytes(w->code, insn);
	int32_t distance;

	if (at->length != 7 || at->reloc || (code[0] & 0xfb) != 0x48 ||
	    code[1] != 0x8d || (code[2] & 0xc7) != 0x05)
		return 0;
	distance = code[3] | code[4] << 8 | code[5] << 16 |
		   (int32_t)((uint32_t)code[6] << 24);
	return rp_code_at(w->code, rp_code_section(w->code, insn),
			  (uint64_t)at->offset + at->length + distance);
}

/* movq $address, memory; mov $address, %eax: where programs are not moved */
static uint32_t mov_target(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	const uint8_t *code = rp_code_bytes(w->code, insn);
	const struct rp_relobj *obj = w->code->obj;
	const uint8_t *field;
	uint64_t offset;
	uint32_t section;

	if (!obj->linked || at->length < 5)
		return 0;
	if (!(at->length == 5 && (code[0] & 0xf8) == 0xb8) &&
	    code[0] != 0xc7 && !(code[0] == 0x48 && code[1] == 0xc7))
		return 0;
	field = code + at->length - 4;
	section = rp_relobj_section_at(obj, field[0] | field[1] << 8 |
		field[2] << 16 | (uint64_t)field[3] << 24, &offset);
	return section ? rp_code_at(w->code, section, offset) : 0;
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
	for (uint32_t i = 1; i < w->code->ninsns; i++) {
		mark(taken, lea_target(w, i));
		mark(taken, mov_target(w, i));
	}
	return taken;
}

static bool is_missed(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *at = &w->code->insns[insn];

	return !(at->flags & (RP_CODE_VISITED | RP_CODE_IGNORE)) &&
	       at->flow != RP_FLOW_NOP && at->flow != RP_FLOW_TRAP &&
	       rp_walk_named(w, insn);
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
