/* SPDX-License-Identifier: MIT */
/* The kernel's unwind hints: states that the programmer says. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Types as 6.12 numbers them; 6.1's are turned into these. */
enum {
	HINT_UNDEFINED, HINT_END, HINT_CALL, HINT_REGS, HINT_REGS_PARTIAL,
	HINT_FUNC, HINT_SAVE, HINT_RESTORE, HINT_NR
};

static unsigned int hint_type(const struct rp_walker *w,
			      const struct rp_hint *hint)
{
	// 4 is an entry without a stack: its end bit says so.
	static const uint8_t old[] = {
		HINT_CALL, HINT_REGS, HINT_REGS_PARTIAL, HINT_FUNC, HINT_CALL,
		HINT_SAVE, HINT_RESTORE,
	};

	if (w->code->abi->kind != RP_ABI_LINUX_6_1)
		return hint->type;
	return hint->type < sizeof(old) ? old[hint->type] : HINT_NR;
}

/* The kernel's numbers of registers: ORC_REG_*. */
static bool set_base(struct rp_stack_state *state, uint8_t reg)
{
	static const uint8_t regs[] = {
		[2] = RP_RDX, [3] = RP_RDI, [4] = RP_RBP, [5] = RP_RSP,
		[6] = RP_R10, [7] = RP_R13, [9] = RP_RSP,
	};

	state->base = RP_CFA_REG;
	state->reg = reg < sizeof(regs) ? regs[reg] : 0;
	if (!reg)
		state->base = RP_CFA_UNKNOWN;
	else if (reg == 9)
		state->base = RP_CFA_AT_REG_PLUS;
	else if (!state->reg)
		return false;
	return true;
}

static bool hint_state(struct rp_walker *w, const struct rp_hint *hint,
		       struct rp_stack_state *state)
{
	unsigned int type = hint_type(w, hint);

	switch (type) {
	case HINT_UNDEFINED:
		rp_stack_state_blank(state, RP_FRAME_UNDEFINED);
		return true;
	case HINT_FUNC:
		rp_stack_state_entry(state);
		return true;
	case HINT_END:
	case HINT_CALL:
	case HINT_REGS:
	case HINT_REGS_PARTIAL:
		state->type = type;
		state->offset = hint->sp_offset;
		if (w->code->abi->kind == RP_ABI_LINUX_6_1)
			state->end = hint->end_or_signal;
		else
			state->signal = hint->end_or_signal;
		return set_base(state, hint->sp_reg);
	default:
		return false;
	}
}

static void read_hint(struct rp_walker *w, const struct rp_hint *hint,
		      uint32_t *save, struct rp_walk_hint *ret)
{
	struct rp_code_insn *insn = &w->code->insns[hint->insn];
	struct rp_stack_state state;
	unsigned int type = hint_type(w, hint);

	if (type == HINT_SAVE) {
		*save = hint->insn;
		return;
	}
	if (type == HINT_RESTORE) {
		ret->restores = true;
		ret->saved_at = *save;
		return;
	}
	if (ret->state)
		state = *rp_stack_state(w->states, ret->state);
	else
		rp_stack_state_blank(&state, RP_FRAME_CALL);
	if (!hint_state(w, hint, &state)) {
		rp_walk_find(w, RP_DIAG_CHECK_HINT, RP_ERROR, hint->insn,
			"an unwind hint of type %u that counts from register %u"
			" is not understood", hint->type, hint->sp_reg);
		return;
	}
	ret->state = insn->state = rp_walk_add(w, &state);
}

int rp_walk_read_hints(struct rp_walker *w)
{
	const struct rp_code *code = w->code;
	uint32_t save = 0;

	if (!code->nhints)
		return 0;
	w->hints = calloc(code->nhints, sizeof(*w->hints));
	if (!w->hints)
		return -ENOMEM;
	for (size_t i = 0; i < code->nhints; i++) {
		uint32_t insn = code->hints[i].insn;

		if (!insn || insn >= code->ninsns)
			continue;
		if (save && code->insns[save].function !=
			    code->insns[insn].function)
			save = 0;
		if (!w->nhints || w->hints[w->nhints - 1].insn != insn)
			w->hints[w->nhints++].insn = insn;
		read_hint(w, &code->hints[i], &save, &w->hints[w->nhints - 1]);
	}
	return 0;
}

const struct rp_walk_hint *rp_walk_hint_at(const struct rp_walker *w,
					   uint32_t insn)
{
	size_t low = 0, high = w->nhints;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (w->hints[mid].insn < insn)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == w->nhints || w->hints[low].insn != insn)
		return NULL;
	// One that saves alone says nothing about the state.
	return w->hints[low].state || w->hints[low].restores ?
		&w->hints[low] : NULL;
}
