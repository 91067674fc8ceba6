/* SPDX-License-Identifier: MIT */
/*
 * Code that nothing leads to. Some is no finding: fill, what compilers put behind
 * calls that do not return, alternatives of code that is left out.
 */
#include "internal.h"

#include <string.h>

/* Zero bytes: `add %al, (%rax)`. */
static bool is_zero(const struct rp_walker *w, uint32_t insn)
{
	const uint8_t *code = rp_code_bytes(w->code, insn);

	return w->code->insns[insn].length == 2 && !code[0] && !code[1];
}

bool rp_walk_is_pieces(const struct rp_walker *w, uint32_t section)
{
	const char *name = w->code->obj->sections[section].name;

	return !w->kernel && (!strcmp(name, ".init") || !strcmp(name, ".fini"));
}

bool rp_walk_is_spare(const struct rp_walker *w, uint32_t section)
{
	const char *name = w->code->obj->sections[section].name;

	// A patchlet's code is checked where patchlets are. _init is made of the
	// pieces of several objects.
	return !strcmp(name, w->code->abi->replacements) ||
	       !strcmp(name, ".altinstr_replacement") ||
	       !strcmp(name, ".altinstr_aux") ||
	       (!w->kernel && !strcmp(name, "rp_patchlet_code")) ||
	       (!w->code->obj->linked && rp_walk_is_pieces(w, section));
}

static bool is_trampoline(const struct rp_walker *w, uint32_t insn)
{
	const char *prefix = w->code->abi->tramp_prefix;
	uint32_t f = w->code->insns[insn].function;

	return f && prefix && !strncmp(rp_function_name(w->code, f), prefix,
				       strlen(prefix));
}

/* A trap, or a jump to one: what compilers put where nobody comes. */
static bool is_trap(const struct rp_walker *w, const struct rp_code_insn *at)
{
	return at->flow == RP_FLOW_UD ||
	       (at->flow == RP_FLOW_JMP && at->dest &&
		w->code->insns[at->dest].flow == RP_FLOW_UD);
}

static bool follows_dead_end(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *before = &w->code->insns[insn - 1];

	return insn > w->code->section_first[rp_code_section(w->code, insn)] &&
	       (before->flags & RP_CODE_DEAD_END);
}

/* `1: hlt; jmp 1b` */
static bool is_hlt_loop(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *at = &w->code->insns[insn];

	return at->flow == RP_FLOW_JMP && at->dest &&
	       w->code->insns[at->dest].flow == RP_FLOW_HLT;
}

static bool is_idle(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *at = &w->code->insns[insn];

	if (at->flags & RP_CODE_IGNORE || rp_code_is_fill(at) ||
	    rp_walk_is_spare(w, rp_code_section(w->code, insn)) || is_trampoline(w, insn))
		return true;
	if (follows_dead_end(w, insn) && (!w->kernel || is_trap(w, at)))
		return true;
	return !w->kernel && (is_trap(w, at) || at->flow == RP_FLOW_HLT ||
			      is_hlt_loop(w, insn) || is_zero(w, insn) ||
			      rp_walk_thunk_waits(w, insn));
}

/* A call of a function of this file that does not return, as its code shows: who
 * compiled the caller may not have known it. */
static bool ends_unknowingly(const struct rp_code_insn *at)
{
	return at->flow == RP_FLOW_CALL && at->dest &&
	       (at->flags & RP_CODE_DEAD_END);
}

/* hlt or exit() in an asm statement: the compiler does not know that it ends there. */
static bool follows_hlt(const struct rp_walker *w, uint32_t insn)
{
	return !w->kernel &&
	       insn > w->code->section_first[rp_code_section(w->code, insn)] &&
	       (w->code->insns[insn - 1].flow == RP_FLOW_HLT ||
		ends_unknowingly(&w->code->insns[insn - 1]) ||
		rp_walk_is_last_call(w, insn - 1));
}

static bool is_reached(const struct rp_code_insn *at)
{
	return at->flags & RP_CODE_VISITED;
}

/* Where not all ways could be followed, what is behind them says nothing. */
static bool is_excused(const struct rp_walker *w, uint32_t insn)
{
	uint32_t f = w->code->insns[insn].function;

	if (w->kernel)
		return false;
	return w->troubled[f] || w->troubled[rp_function_whole(w->code, f)];
}

static uint32_t skip_run(const struct rp_walker *w, uint32_t insn)
{
	uint32_t function = w->code->insns[insn].function;

	while (insn < w->code->ninsns && !is_reached(&w->code->insns[insn]) &&
	       w->code->insns[insn].function == function)
		insn++;
	return insn;
}

void rp_walk_unreached(struct rp_walker *w)
{
	const struct rp_code *code = w->code;

	if (!w->kernel)
		rp_walk_landings(w);
	for (uint32_t i = 1; i < code->ninsns; i++) {
		bool halted = follows_hlt(w, i);

		if (is_reached(&code->insns[i]) || (is_idle(w, i) && !halted))
			continue;
		uint32_t end = skip_run(w, i);
		// What is there may lead to more such code.
		if (halted)
			w->troubled[code->insns[i].function] = 1;
		else if (!is_excused(w, i))
			rp_walk_find(w, RP_DIAG_CHECK_UNREACHABLE, RP_WARNING,
				i, "nothing leads to this code (%u instructions)",
				(unsigned int)(end - i));
		i = end - 1;
	}
}
