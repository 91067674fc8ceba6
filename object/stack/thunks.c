/* SPDX-License-Identifier: MIT */
/*
 * Indirect jumps and returns that no processor speculates on (retpolines), where
 * they are:
 *
 *	call 1f
 * 0:	pause; lfence; jmp 0b
 * 1:	mov %rax, (%rsp)	or, of a return: lea 8(%rsp), %rsp
 *	ret
 *
 * The return comes to where the register points. What is to be called so is done by
 * a call of the first of these instructions.
 */
#include "internal.h"

/* Instructions of the loop, and of what fills up to the call's target. */
#define RP_LOOP_MAX	3
#define RP_FILL_MAX	16

static bool is_wait(const struct rp_walker *w, uint32_t insn)
{
	const uint8_t *code = rp_code_bytes(w->code, insn);

	switch (w->code->insns[insn].length) {
	case 2:
		return code[0] == 0xf3 && code[1] == 0x90;
	case 3:
		return code[0] == 0x0f && code[1] == 0xae && code[2] == 0xe8;
	default:
		return false;
	}
}

/* Return: the jump that ends the loop which @insn is in, or 0. */
static uint32_t loop_end(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *insns = w->code->insns;

	for (unsigned int i = 0; i < RP_LOOP_MAX && insn < w->code->ninsns - 1 &&
				 is_wait(w, insn); i++)
		insn++;
	return insn < w->code->ninsns && insns[insn].flow == RP_FLOW_JMP &&
	       insns[insn].dest && insns[insn].dest < insn ? insn : 0;
}

/* mov %rax, (%rsp), whatever the register */
static bool is_put(const struct rp_walker *w, uint32_t insn)
{
	const uint8_t *code = rp_code_bytes(w->code, insn);

	return w->code->insns[insn].length == 4 && (code[0] & 0xfb) == 0x48 &&
	       code[1] == 0x89 && (code[2] & 0xc7) == 0x04 && code[3] == 0x24;
}

static bool is_drop(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_stack_op *op = &w->code->ops[w->code->insns[insn].op];

	return w->code->insns[insn].op && op->kind == RP_OP_ADD &&
	       op->dest == RP_RSP && op->src == RP_RSP && op->offset == 8;
}

enum rp_walk_thunk rp_walk_thunk(const struct rp_walker *w, uint32_t call)
{
	const struct rp_code_insn *insns = w->code->insns;
	uint32_t dest = insns[call].dest, end;

	if (w->kernel || !(insns[call].flags & RP_CODE_PUSHES) ||
	    dest <= call + 1 || dest + 1 >= w->code->ninsns ||
	    insns[dest + 1].flow != RP_FLOW_RET)
		return RP_WALK_NO_THUNK;
	end = loop_end(w, call + 1);
	if (!end || end >= dest || insns[end].dest != call + 1)
		return RP_WALK_NO_THUNK;
	if (is_put(w, dest))
		return RP_WALK_THUNK_JUMP;
	return is_drop(w, dest) ? RP_WALK_THUNK_RETURN : RP_WALK_NO_THUNK;
}

uint32_t rp_walk_thunk_start(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *insns = w->code->insns;
	uint32_t dest = insns[insn].flow == RP_FLOW_RET ? insn - 1 : insn;
	uint32_t jump = dest - 1, call;

	if (rp_walk_thunk(w, insn))
		return insn;
	if (w->kernel || dest < 3)
		return 0;
	for (unsigned int i = 0; i < RP_FILL_MAX && jump > 1 &&
				 rp_code_is_fill(&insns[jump]); i++)
		jump--;
	if (insns[jump].flow != RP_FLOW_JMP || insns[jump].dest < 2 ||
	    insns[jump].dest >= jump)
		return 0;
	call = insns[jump].dest - 1;
	return insns[call].dest == dest && rp_walk_thunk(w, call) ? call : 0;
}

bool rp_walk_calls_thunk(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *at = &w->code->insns[insn];

	return (at->flags & RP_CODE_PUSHES) && at->dest &&
	       rp_walk_thunk(w, at->dest) == RP_WALK_THUNK_JUMP;
}

bool rp_walk_thunk_called(const struct rp_walker *w, uint32_t call)
{
	const struct rp_code_insn *insns = w->code->insns;
	uint32_t next = insns[call].dest + 2;

	while (next < w->code->ninsns && insns[next].flow == RP_FLOW_TRAP)
		next++;
	return next < w->code->ninsns && insns[next].dest == call &&
	       rp_walk_calls_thunk(w, next);
}

bool rp_walk_thunk_waits(const struct rp_walker *w, uint32_t insn)
{
	uint32_t end = loop_end(w, insn), first;

	if (w->kernel || !end)
		return false;
	first = w->code->insns[end].dest;
	return first > 1 && first <= insn && rp_walk_thunk(w, first - 1);
}
