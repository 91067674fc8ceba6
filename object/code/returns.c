/* SPDX-License-Identifier: MIT */
/*
 * Which functions return, by following their code.
 *
 * Code behind a call is followed when its callee is known to return; until then
 * the call waits for it. So every instruction is looked at once, functions that
 * call each other need no special care, and what is left waiting at the end
 * never returns.
 */
#include "../grow.h"
#include "internal.h"

#include <elf.h>
#include <stdlib.h>

/* struct waiter - an instruction that goes on when a function returns. */
struct waiter {
	uint32_t insn;
	uint32_t next;
};

/*
 * struct search - @todo: instructions to be followed; @returned: functions whose
 * waiters are to be woken; @waiting: for each function, its first waiter.
 */
struct search {
	struct rp_code *code;
	uint8_t *seen;
	uint8_t *returns;
	uint32_t *waiting;
	struct waiter *waiters;
	size_t nwaiters, waiter_room;
	uint32_t *todo;
	size_t ntodo, todo_room;
	uint32_t *returned;
	size_t nreturned;
	bool nomem;
};

static void follow(struct search *s, uint32_t insn)
{
	if (!insn || s->seen[insn])
		return;
	if (rp_grow(&s->todo, &s->todo_room, s->ntodo + 1, sizeof(*s->todo))) {
		s->nomem = true;
		return;
	}
	s->seen[insn] = 1;
	s->todo[s->ntodo++] = insn;
}

static void wait_for(struct search *s, uint32_t function, uint32_t insn)
{
	if (rp_grow(&s->waiters, &s->waiter_room, s->nwaiters + 2,
		    sizeof(*s->waiters))) {
		s->nomem = true;
		return;
	}
	if (!s->nwaiters)
		s->nwaiters = 1;
	s->waiters[s->nwaiters] = (struct waiter){ insn, s->waiting[function] };
	s->waiting[function] = s->nwaiters++;
}

static uint32_t whole_of(const struct search *s, uint32_t insn)
{
	return rp_function_whole(s->code, s->code->insns[insn].function);
}

static void function_returns(struct search *s, uint32_t function)
{
	if (s->returns[function])
		return;
	s->returns[function] = 1;
	s->returned[s->nreturned++] = function;
}

// Behind the last instruction of a replacement comes what is behind its site.
static uint32_t behind(const struct rp_code *code, uint32_t i)
{
	if (code->insns[i].flags & RP_CODE_GROUP) {
		const struct rp_group *g =
			&code->groups[rp_code_group_at(code, i)];

		if (g->site && i + 1 == g->end)
			return code->groups[g->site].end;
	}
	return rp_code_next(code, i);
}

static bool is_weak(const struct rp_code *code, uint32_t symbol)
{
	return code->obj->symbols[symbol].bind == STB_WEAK;
}

static bool is_entry(const struct rp_code *code, uint32_t insn)
{
	uint32_t f = code->insns[insn].function;

	return f && code->insns[insn].offset == code->functions[f].offset;
}

// A jump to @dest; 0: out of the object.
static void jump(struct search *s, uint32_t i, uint32_t dest)
{
	uint32_t from = whole_of(s, i), to, symbol = rp_code_symbol(s->code, i);

	if (rp_symbol_is_noreturn(s->code, symbol))
		return;
	if (!dest || is_weak(s->code, symbol)) {
		function_returns(s, from);
		return;
	}
	follow(s, dest);
	to = whole_of(s, dest);
	if (to == from)
		return;
	if (s->returns[to] || !to)
		function_returns(s, from);
	else
		wait_for(s, to, i);
}

static void call(struct search *s, uint32_t i)
{
	const struct rp_code *code = s->code;
	const struct rp_code_insn *insn = &code->insns[i];
	uint32_t symbol = rp_code_symbol(code, i);

	if (rp_symbol_is_noreturn(code, symbol))
		return;
	if (insn->flags & RP_CODE_PUSHES) {
		follow(s, insn->dest);
		follow(s, behind(code, i));
	} else if (!insn->dest || !is_entry(code, insn->dest) ||
		   is_weak(code, symbol) ||
		   s->returns[whole_of(s, insn->dest)]) {
		follow(s, behind(code, i));
	} else {
		wait_for(s, whole_of(s, insn->dest), i);
	}
}

static void jump_indirect(struct search *s, uint32_t i)
{
	const struct rp_code_insn *insn = &s->code->insns[i];

	if (insn->flags & RP_CODE_EDGES)
		return;
	jump(s, i, 0);
}

static void follow_others(struct search *s, uint32_t i)
{
	const struct rp_edge *edges;
	const struct rp_alt *alts;
	size_t n;

	if (s->code->insns[i].flags & (RP_CODE_EDGES | RP_CODE_THROWS)) {
		edges = rp_code_edges(s->code, i, &n);
		while (n--)
			follow(s, edges[n].to);
	}
	if (s->code->insns[i].flags & RP_CODE_ALTS) {
		alts = rp_code_alts(s->code, i, &n);
		while (n--)
			follow(s, alts[n].to);
	}
}

static void step(struct search *s, uint32_t i)
{
	const struct rp_code_insn *insn = &s->code->insns[i];

	follow_others(s, i);
	switch (insn->flow) {
	case RP_FLOW_RET:
		function_returns(s, whole_of(s, i));
		break;
	case RP_FLOW_UD:
	case RP_FLOW_HLT:
		break;
	case RP_FLOW_JCC:
		follow(s, behind(s->code, i));
		jump(s, i, insn->dest);
		break;
	case RP_FLOW_JMP:
		jump(s, i, insn->dest);
		break;
	case RP_FLOW_JMP_INDIRECT:
		jump_indirect(s, i);
		break;
	case RP_FLOW_CALL:
	case RP_FLOW_CALL_INDIRECT:
		call(s, i);
		break;
	default:
		follow(s, behind(s->code, i));
	}
}

static void wake(struct search *s, uint32_t function)
{
	uint32_t w = s->waiting[function];

	for (; w; w = s->waiters[w].next) {
		uint32_t i = s->waiters[w].insn;

		if (s->code->insns[i].flow == RP_FLOW_CALL)
			follow(s, behind(s->code, i));
		else
			function_returns(s, whole_of(s, i));
	}
	s->waiting[function] = 0;
}

static void run(struct search *s)
{
	while ((s->ntodo || s->nreturned) && !s->nomem) {
		if (s->ntodo)
			step(s, s->todo[--s->ntodo]);
		else
			wake(s, s->returned[--s->nreturned]);
	}
}

static void follow_all(struct search *s)
{
	for (uint32_t f = 1; f < s->code->nfunctions; f++) {
		const struct rp_function *fn = &s->code->functions[f];

		if (fn->first < fn->end)
			follow(s, fn->first);
		else
			s->returns[f] = 1;
		run(s);
	}
}

// What is not followed from anywhere may return: nothing is known of it.
static void mark(struct search *s)
{
	for (uint32_t f = 1; f < s->code->nfunctions; f++) {
		struct rp_function *fn = &s->code->functions[f];

		if (!s->returns[f] && !fn->parent &&
		    !is_weak(s->code, fn->symbol))
			fn->flags |= RP_FUNCTION_NORETURN;
	}
}

static void search_deinit(struct search *s)
{
	free(s->returns);
	free(s->waiting);
	free(s->waiters);
	free(s->todo);
	free(s->returned);
}

int rp_code_find_returns(struct rp_code_build *b)
{
	struct rp_code *code = b->code;
	struct search s = {
		.code = code,
		.seen = b->reached = calloc(code->ninsns, 1),
		.returns = calloc(code->nfunctions, 1),
		.waiting = calloc(code->nfunctions, sizeof(*s.waiting)),
		.returned = calloc(code->nfunctions, sizeof(*s.returned)),
	};

	if (!s.seen || !s.returns || !s.waiting || !s.returned)
		s.nomem = true;
	if (!s.nomem)
		follow_all(&s);
	if (!s.nomem)
		mark(&s);
	search_deinit(&s);
	return s.nomem ? rp_diag_nomem(b->diag) : 0;
}
