/* SPDX-License-Identifier: MIT */
/*
 * libgcc's functions that save and restore what callees of Windows' ABI must keep
 * (gcc -mcall-ms2sysv-xlogues). Those with an x in the name return for whoever
 * jumps to them: they take its frame down.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* How many they save of registers that are kept in no other ABI (xmm6 to xmm15, rsi
 * and rdi); the first one behind these is at [rax - FIRST_KEPT]. */
#define OTHERS		12
#define FIRST_KEPT	0x48

struct stub {
	bool saves, framed, leaves;
	unsigned int registers;
};

static bool skip(const char **name, const char *text)
{
	size_t n = strlen(text);

	if (strncmp(*name, text, n))
		return false;
	*name += n;
	return true;
}

/* __sse_savms64_13, __avx_resms64fx_17 */
static bool read_name(const char *name, struct stub *ret)
{
	if (!skip(&name, "__sse_") && !skip(&name, "__avx_"))
		return false;
	ret->saves = skip(&name, "savms64");
	if (!ret->saves && !skip(&name, "resms64"))
		return false;
	ret->framed = skip(&name, "f");
	ret->leaves = skip(&name, "x");
	if (!skip(&name, "_"))
		return false;
	ret->registers = strtoul(name, NULL, 10);
	return ret->registers >= OTHERS && ret->registers <= OTHERS + 6;
}

static bool is_stub(const struct rp_walker *w, uint32_t insn, struct stub *ret)
{
	uint32_t symbol = w->kernel ? 0 : rp_code_symbol(w->code, insn);

	return symbol && read_name(w->code->obj->symbols[symbol].name, ret);
}

/* rax is set right before: where it points, from the CFA. */
static bool find_place(struct rp_walker *w, uint32_t call,
		       const struct rp_stack_state *s, int64_t *ret)
{
	struct rp_insn_flow flow;
	uint16_t writes;

	if (call < 2 ||
	    rp_insn_flow_every(rp_code_bytes(w->code, call - 1),
			       w->code->insns[call - 1].length, &flow,
			       &writes) ||
	    flow.op.dest != RP_RAX ||
	    (flow.op.kind != RP_OP_ADD && flow.op.kind != RP_OP_MOVE))
		return false;
	*ret = flow.op.kind == RP_OP_ADD ? flow.op.offset : 0;
	if (s->base == RP_CFA_REG && s->reg == flow.op.src)
		*ret -= s->offset;
	else if (flow.op.src == RP_RSP && s->height != INT32_MIN && !s->drap)
		*ret -= s->height;
	else
		return false;
	return *ret > -RP_STACK_MAX && *ret < 0;
}

static void save(struct rp_stack_state *s, const struct stub *stub, int64_t place)
{
	static const uint8_t kept[] = { RP_RBX, RP_RBP, RP_R12, RP_R13, RP_R14,
					RP_R15 };
	unsigned int n = stub->registers - OTHERS, i = 0;

	place -= FIRST_KEPT;
	for (; n && i < sizeof(kept); i++) {
		if (stub->framed && kept[i] == RP_RBP)
			continue;
		s->saved[kept[i]].how = RP_SAVED_CFA;
		s->saved[kept[i]].offset = place;
		place -= 8;
		n--;
	}
}

static void restore(struct rp_stack_state *s, const struct stub *stub)
{
	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		if (rp_reg_is_kept(i) && !(stub->framed && i == RP_RBP))
			s->saved[i].how = RP_SAVED_SAME;
	}
}

uint32_t rp_walk_step_stub(struct rp_walker *w, uint32_t insn, uint32_t index)
{
	struct rp_stack_state state = *rp_walk_state(w, index);
	struct stub stub;
	int64_t place;

	if (!is_stub(w, insn, &stub) || stub.leaves)
		return index;
	if (!stub.saves)
		restore(&state, &stub);
	else if (find_place(w, insn, &state, &place))
		save(&state, &stub, place);
	else
		return index;
	return rp_walk_add(w, &state);
}

bool rp_walk_leaves_by_stub(const struct rp_walker *w, uint32_t insn)
{
	struct stub stub;

	return is_stub(w, insn, &stub) && stub.leaves;
}

bool rp_walk_in_stub(const struct rp_walker *w, uint32_t insn)
{
	struct stub stub;

	return !w->kernel &&
	       read_name(rp_function_name(w->code, rp_walk_named(w, insn)),
			 &stub);
}
