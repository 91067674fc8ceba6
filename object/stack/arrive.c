/* SPDX-License-Identifier: MIT */
/*
 * Arriving at an instruction: with the state that holds there, by a hint, by
 * .eh_frame, or because another way led there before.
 */
#include "internal.h"

static void report_mismatch(struct rp_walker *w, uint32_t insn, uint32_t old,
			    uint32_t new)
{
	char a[RP_STATE_TEXT_SIZE], b[RP_STATE_TEXT_SIZE];

	rp_stack_state_text(rp_walk_state(w, old), a, sizeof(a));
	rp_stack_state_text(rp_walk_state(w, new), b, sizeof(b));
	rp_walk_find(w, RP_DIAG_CHECK_MISMATCH, RP_ERROR, insn,
		"two ways lead here that leave different stacks: %s; and %s",
		a, b);
}

/* Without .eh_frame: did code come here only behind a call that may not return? */
static bool follows_call(const struct rp_walker *w, uint32_t insn)
{
	const struct rp_code_insn *before = &w->code->insns[insn - 1];

	return !w->kernel && insn > 1 && (before->flags & RP_CODE_VISITED) &&
	       (before->flow == RP_FLOW_CALL ||
		before->flow == RP_FLOW_CALL_INDIRECT) &&
	       before->offset + before->length == w->code->insns[insn].offset;
}

/* What both ways agree on. Return: 0 if that is what was known. */
static uint32_t merge(struct rp_walker *w, uint32_t old, uint32_t new)
{
	struct rp_stack_state a = *rp_walk_state(w, old);
	const struct rp_stack_state *b = rp_walk_state(w, new);
	bool changed = false;

	if (a.height != b->height && a.height != INT32_MIN) {
		a.height = INT32_MIN;
		changed = true;
	}
	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		if (a.value[i].how != RP_SAVED_SAME &&
		    (a.value[i].how != b->value[i].how ||
		     a.value[i].offset != b->value[i].offset)) {
			a.value[i].how = RP_SAVED_SAME;
			a.value[i].offset = 0;
			changed = true;
		}
	}
	return changed ? rp_walk_add(w, &a) : 0;
}

/* Where .eh_frame has an expression, or nothing, some ways know nothing of the
 * stack: others do. */
static bool knows_less(struct rp_walker *w, uint32_t insn, uint32_t less,
		       uint32_t more)
{
	struct rp_stack_state said;

	if (w->kernel || rp_walk_state(w, less)->base != RP_CFA_UNKNOWN ||
	    rp_walk_state(w, more)->base == RP_CFA_UNKNOWN)
		return false;
	if (!w->frames || !rp_walk_row(w, insn))
		return true;
	return rp_walk_row_state(w, insn, &said) &&
	       said.base == RP_CFA_UNKNOWN;
}

/* Two ways do not agree, and one is behind a call: if the other is what .eh_frame
 * says, the call does not come back. Return: does the new one hold? */
static bool is_behind_dead_end(struct rp_walker *w, uint32_t insn, uint32_t old,
			       uint32_t new, bool *settled)
{
	bool comes_from_call = w->behind + 1 == insn;
	struct rp_stack_state said;

	*settled = false;
	if (w->kernel || !w->frames || !follows_call(w, insn) ||
	    !rp_walk_row_state(w, insn, &said))
		return false;
	*settled = rp_stack_agrees(&said, rp_walk_state(w, comes_from_call ?
							    old : new));
	w->walk->guessed += *settled;
	return *settled && !comes_from_call;
}

/* Return: the state to follow the instruction with once more, or 0. */
static uint32_t meet(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	uint32_t old = w->code->insns[insn].state;
	bool settled;

	// What nothing leads to makes nothing of what is reached less certain.
	if (old == state || w->dead || knows_less(w, insn, state, old))
		return 0;
	if (knows_less(w, insn, old, state))
		return state;
	if (rp_stack_agrees(rp_walk_state(w, old), rp_walk_state(w, state)))
		return w->kernel ? 0 : merge(w, old, state);
	if (is_behind_dead_end(w, insn, old, state, &settled))
		return state;
	if (settled)
		return 0;
	if (!w->frames && follows_call(w, insn))
		w->walk->guessed++;
	else
		report_mismatch(w, insn, old, state);
	return 0;
}

/* Return: the state that holds here, or 0. */
static uint32_t hinted_state(struct rp_walker *w, uint32_t insn,
			     const struct rp_walk_hint *hint, bool jumped)
{
	const struct rp_code_insn *save;

	if (!hint->restores)
		return hint->state;
	if (!hint->saved_at) {
		rp_walk_find(w, RP_DIAG_CHECK_HINT, RP_ERROR, insn,
			"the hint here says that a saved state holds again, but"
			" none was saved");
		return 0;
	}
	save = &w->code->insns[hint->saved_at];
	if (save->flags & RP_CODE_VISITED)
		return save->state;
	// It comes here once more, from there.
	if (jumped && w->code->abi->kind != RP_ABI_LINUX_6_1)
		return 0;
	rp_walk_find(w, RP_DIAG_CHECK_HINT, RP_ERROR, insn,
		"the hint here says that the state holds that was saved at an"
		" instruction which is not reached before");
	return 0;
}

/* Return: the state before the instruction; 0: no further this way. */
uint32_t rp_walk_arrive(struct rp_walker *w, uint32_t insn, uint32_t state,
			bool jumped)
{
	struct rp_code_insn *at = &w->code->insns[insn];
	const struct rp_walk_hint *hint = NULL;

	if (w->kernel && rp_walk_left_function(w, insn))
		return 0;
	if (at->flags & RP_CODE_IGNORE)
		return 0;
	if (at->flags & RP_CODE_HINT)
		hint = rp_walk_hint_at(w, insn);
	if (w->frames && !hint)
		state = rp_walk_row_check(w, insn, state);
	if (at->flags & RP_CODE_VISITED) {
		state = hint ? 0 : meet(w, insn, state);
		if (!state)
			return 0;
	}
	if (hint)
		state = hinted_state(w, insn, hint, jumped);
	if (!state)
		return 0;
	at->state = state;
	at->flags |= RP_CODE_VISITED;
	if ((at->flags & RP_CODE_GROUP) && !rp_walk_note_group(w, insn, state))
		return 0;
	return state;
}
