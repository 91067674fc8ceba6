/* SPDX-License-Identifier: MIT */
/*
 * Functions that save registers by way of others: `mov %rbx, %rax; push %rax`. What
 * is pushed there is not known from the register, so all of them must be noted.
 */
#include "internal.h"

#include <stdlib.h>

/** struct saves - of a function with its parts: registers that it puts on the
 *  stack, and that it pops. */
struct saves {
	uint16_t put, popped;
};

static void note(const struct rp_stack_op *op, struct saves *ret)
{
	if (op->kind == RP_OP_POP && rp_reg_is_kept(op->dest))
		ret->popped |= 1u << op->dest;
	else if ((op->kind == RP_OP_PUSH || op->kind == RP_OP_STORE) &&
		 rp_reg_is_kept(op->src))
		ret->put |= 1u << op->src;
	else if (op->kind == RP_OP_ENTER)
		ret->put |= 1u << RP_RBP;
}

void rp_walk_trace_copies(struct rp_walker *w)
{
	const struct rp_code *code = w->code;
	struct saves *saves = calloc(code->nfunctions + 1, sizeof(*saves));

	if (!saves) {
		w->nomem = true;
		return;
	}
	for (uint32_t i = 1; i < code->ninsns; i++) {
		if (code->insns[i].op)
			note(&code->ops[code->insns[i].op],
			     &saves[rp_walk_named(w, i)]);
	}
	for (uint32_t i = 1; i < code->nfunctions; i++) {
		if (saves[i].popped & ~saves[i].put)
			w->traced[i] = 1;
	}
	free(saves);
}
