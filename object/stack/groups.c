/* SPDX-License-Identifier: MIT */
/*
 * Sites of alternatives and what replaces them: one table serves all variants, so
 * their states are kept by the offset from the site's start, and must agree.
 */
#include "../printable.h"
#include "internal.h"

#include <inttypes.h>

static void report_conflict(struct rp_walker *w, uint32_t site, uint32_t at,
			    uint32_t old, uint32_t new)
{
	char a[RP_STATE_TEXT_SIZE], b[RP_STATE_TEXT_SIZE];

	rp_stack_state_text(rp_walk_state(w, old), a, sizeof(a));
	rp_stack_state_text(rp_walk_state(w, new), b, sizeof(b));
	rp_walk_find(w, RP_DIAG_CHECK_ALT_STACK, RP_ERROR,
		w->code->groups[site].first,
		"%" PRIu32 " byte%s into this site the alternatives leave"
		" different stacks: %s; and %s", at, rp_s(at), a, b);
}

static bool put_in_group(struct rp_walker *w, uint32_t site, uint64_t at,
			 uint32_t state)
{
	const struct rp_group *group = &w->code->groups[site];
	uint32_t *known;

	if (at >= group->length || !group->first)
		return true;
	known = &w->walk->group_states[w->walk->group_first[site] + at];
	if (!*known)
		*known = state;
	if (*known == state ||
	    rp_stack_agrees(rp_walk_state(w, *known), rp_walk_state(w, state)))
		return true;
	report_conflict(w, site, at, *known, state);
	return false;
}

static bool put_variant(struct rp_walker *w, uint32_t group, uint64_t at,
			uint32_t state)
{
	uint32_t site = w->code->groups[group].site;

	if (w->last && site && w->last[site] != group)
		return true;
	return put_in_group(w, site ? site : group, at, state);
}

/* Return: false if the variants do not agree. */
bool rp_walk_note_group(struct rp_walker *w, uint32_t insn, uint32_t state)
{
	uint32_t group = rp_code_group_at(w->code, insn);
	uint64_t offset = w->code->insns[insn].offset;

	if (!group || offset < w->code->groups[group].offset)
		return true;
	return put_variant(w, group, offset - w->code->groups[group].offset,
			   state);
}

uint32_t rp_walk_behind_site(struct rp_walker *w, uint32_t site)
{
	const struct rp_group *group = &w->code->groups[site];

	return group->end > group->first ? rp_walk_next(w, group->end - 1) : 0;
}

/* The end of a replacement is the end of its site: NOPs fill what is left. */
uint32_t rp_walk_next_in_group(struct rp_walker *w, uint32_t insn,
			       uint32_t state, bool *fine)
{
	uint32_t index = rp_code_group_at(w->code, insn);
	const struct rp_group *group = &w->code->groups[index];

	*fine = true;
	if (!index || !group->site || insn + 1 != group->end)
		return rp_walk_next(w, insn);
	if (group->length < w->code->groups[group->site].length)
		*fine = put_variant(w, index, group->length, state);
	return *fine ? rp_walk_behind_site(w, group->site) : 0;
}
