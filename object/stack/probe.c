/* SPDX-License-Identifier: MIT */
/*
 * Loops that touch each page of a large frame: `cmp %r11, %rsp; jne` back. In the
 * loop the height is not one, but behind it rsp is where the register points.
 */
#include "internal.h"
#include "ops.h"

/* cmp of two registers of 64 bits, as opcodes 39 and 3b have it. */
static bool is_compare(const struct rp_walker *w, uint32_t insn, uint8_t *a,
		       uint8_t *b)
{
	const uint8_t *code = rp_code_bytes(w->code, insn);

	if (w->code->insns[insn].length != 3 || (code[0] & 0xf8) != 0x48 ||
	    (code[1] != 0x39 && code[1] != 0x3b) || code[2] < 0xc0)
		return false;
	*a = (code[2] & 7) | (code[0] & 1) << 3;
	*b = (code[2] >> 3 & 7) | (code[0] & 4) << 1;
	return true;
}

static bool is_jne(const struct rp_walker *w, uint32_t insn)
{
	const uint8_t *code = rp_code_bytes(w->code, insn);
	uint8_t length = w->code->insns[insn].length;

	return (length == 2 && code[0] == 0x75) ||
	       (length == 6 && code[0] == 0x0f && code[1] == 0x85);
}

uint8_t rp_walk_probe_end(const struct rp_walker *w, uint32_t jcc)
{
	const struct rp_code_insn *at = &w->code->insns[jcc];
	uint8_t a, b;

	if (at->flow != RP_FLOW_JCC || at->dest >= jcc || jcc < 2 ||
	    !is_jne(w, jcc) || at[-1].offset + at[-1].length != at->offset ||
	    !is_compare(w, jcc - 1, &a, &b) || a == b)
		return RP_REG_NONE;
	if (b == RP_RSP)
		return a;
	return a == RP_RSP ? b : RP_REG_NONE;
}

uint32_t rp_walk_behind_probe(struct rp_walker *w, uint32_t jcc, uint32_t index)
{
	uint8_t reg = w->kernel ? RP_REG_NONE : rp_walk_probe_end(w, jcc);
	struct rp_stack_state state = *rp_walk_state(w, index);

	if (reg == RP_REG_NONE || !rp_stack_is_base(&state, RP_RBP) ||
	    state.drap || state.value[reg].how != RP_SAVED_CFA)
		return index;
	rp_stack_put_rsp(&state, -(int64_t)state.value[reg].offset);
	return rp_walk_add(w, &state);
}
