/* SPDX-License-Identifier: MIT */
/* Where code does not go on: traps, and calls of what never returns. */
#include "../grow.h"
#include "internal.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

// May another object's function take this one's place?
static bool is_weak(const struct rp_code *code, uint32_t symbol)
{
	return code->obj->symbols[symbol].bind == STB_WEAK;
}

/*
 * What a call is answered by: @symbol, and this object's function that it is, if
 * the linker cannot put another one there.
 */
static uint32_t callee(const struct rp_code *code, uint32_t i, uint32_t *symbol)
{
	uint32_t dest = code->insns[i].dest;

	*symbol = rp_code_symbol(code, i);
	if (!dest || is_weak(code, *symbol))
		return 0;
	uint32_t f = code->insns[dest].function;
	return f && code->insns[dest].offset == code->functions[f].offset ? f : 0;
}

static bool is_plain_call(const struct rp_code_insn *insn)
{
	return insn->flow == RP_FLOW_CALL && !(insn->flags & RP_CODE_PUSHES);
}

/*
 * The kernel's rule: a function with a type, none of whose instructions, nor of
 * its split-off part's, returns or jumps elsewhere. Switch tables are not known
 * when it asks.
 */
static bool has_way_out(const struct rp_code_insn *insn)
{
	return insn->flow == RP_FLOW_RET || insn->flow == RP_FLOW_JMP_INDIRECT ||
	       (insn->flags & RP_CODE_TAIL);
}

static void find_ways_out(const struct rp_code *code, uint8_t *out)
{
	for (uint32_t f = 1; f < code->nfunctions; f++)
		out[f] = code->functions[f].first == code->functions[f].end ||
			 (code->functions[f].flags & RP_FUNCTION_UNTYPED);
	for (uint32_t i = 1; i < code->ninsns; i++) {
		uint32_t f = code->insns[i].function;

		// Replacements are not where the function is.
		if (f && i >= code->functions[f].first &&
		    i < code->functions[f].end && has_way_out(&code->insns[i]))
			out[f] = 1;
	}
}

static void mark_noreturn_functions(struct rp_code_build *b, const uint8_t *out)
{
	struct rp_code *code = b->code;

	for (uint32_t f = 1; f < code->nfunctions; f++) {
		struct rp_function *fn = &code->functions[f];

		if (!out[f] && !(b->child[f] && out[b->child[f]]) &&
		    !is_weak(code, fn->symbol))
			fn->flags |= RP_FUNCTION_NORETURN;
	}
}

static bool never_returns(const struct rp_code *code, uint32_t i)
{
	uint32_t symbol, f = callee(code, i, &symbol);

	if (rp_symbol_is_tramp(code, symbol))
		return false;
	return rp_symbol_is_noreturn(code, symbol) ||
	       (code->functions[f].flags & RP_FUNCTION_NORETURN);
}

static void mark_calls(struct rp_code *code)
{
	for (uint32_t i = 1; i < code->ninsns; i++) {
		struct rp_code_insn *insn = &code->insns[i];

		if (insn->flow == RP_FLOW_UD ||
		    (insn->flow == RP_FLOW_HLT && !rp_code_is_kernel(code)))
			insn->flags |= RP_CODE_DEAD_END;
		if (is_plain_call(insn) && never_returns(code, i))
			insn->flags |= RP_CODE_DEAD_END;
		if (insn->flow == RP_FLOW_CALL_INDIRECT &&
		    !rp_code_is_kernel(code) &&
		    rp_symbol_is_noreturn(code, rp_code_symbol(code, i)))
			insn->flags |= RP_CODE_DEAD_END;
	}
}

static int mark_kernel(struct rp_code_build *b)
{
	uint8_t *out = calloc(b->code->nfunctions, 1);

	if (!out)
		return rp_diag_nomem(b->diag);
	find_ways_out(b->code, out);
	mark_noreturn_functions(b, out);
	mark_calls(b->code);
	free(out);
	return 0;
}

int rp_code_mark_dead_ends(struct rp_code_build *b)
{
	if (rp_code_is_kernel(b->code))
		return mark_kernel(b);
	int rc = rp_code_find_returns(b);
	if (!rc)
		mark_calls(b->code);
	return rc;
}
