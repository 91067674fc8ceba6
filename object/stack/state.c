/* SPDX-License-Identifier: MIT */
/* The states of the stack that occur in an object, each kept once. */
#include "../grow.h"
#include "state.h"

#include <stdio.h>
#include <string.h>

/*
 * @table: open addressing, a power of two; 0 is free. Index 0 of @v is none.
 */
struct rp_stack_states {
	struct rp_stack_state *v;
	size_t n, room;
	uint32_t *table;
	size_t mask;
};

#define FIRST_TABLE	256

struct rp_stack_states *rp_stack_states_create(void)
{
	struct rp_stack_states *states = calloc(1, sizeof(*states));

	if (!states)
		return NULL;
	states->table = calloc(FIRST_TABLE, sizeof(*states->table));
	states->mask = FIRST_TABLE - 1;
	if (!states->table ||
	    rp_grow(&states->v, &states->room, 1, sizeof(*states->v))) {
		rp_stack_states_destroy(states);
		return NULL;
	}
	memset(states->v, 0, sizeof(*states->v));
	states->n = 1;
	return states;
}

void rp_stack_states_destroy(struct rp_stack_states *states)
{
	if (!states)
		return;
	free(states->v);
	free(states->table);
	free(states);
}

static size_t hash(const struct rp_stack_state *state)
{
	uint64_t h = 0x9e3779b97f4a7c15, word;
	const char *p = (const char *)state;
	size_t i = 0;

	for (; i + sizeof(word) <= sizeof(*state); i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		h = (h ^ word) * 0xff51afd7ed558ccd;
		h ^= h >> 32;
	}
	word = 0;
	memcpy(&word, p + i, sizeof(*state) - i);
	h = (h ^ word) * 0xff51afd7ed558ccd;
	return h ^ h >> 29;
}

static uint32_t *slot_of(const struct rp_stack_states *states,
			 const struct rp_stack_state *state)
{
	size_t at = hash(state) & states->mask;

	while (states->table[at] &&
	       memcmp(&states->v[states->table[at]], state, sizeof(*state)))
		at = (at + 1) & states->mask;
	return &states->table[at];
}

static int widen(struct rp_stack_states *states)
{
	size_t size = (states->mask + 1) * 2;
	uint32_t *table = calloc(size, sizeof(*table));

	if (!table)
		return -ENOMEM;
	free(states->table);
	states->table = table;
	states->mask = size - 1;
	for (size_t i = 1; i < states->n; i++)
		*slot_of(states, &states->v[i]) = i;
	return 0;
}

uint32_t rp_stack_states_add(struct rp_stack_states *states,
			     const struct rp_stack_state *state)
{
	uint32_t *slot = slot_of(states, state);

	if (*slot)
		return *slot;
	if (states->n >= states->mask / 2) {
		if (widen(states))
			return 0;
		slot = slot_of(states, state);
	}
	if (states->n == UINT32_MAX ||
	    rp_grow(&states->v, &states->room, states->n + 1,
		    sizeof(*states->v)))
		return 0;
	states->v[states->n] = *state;
	*slot = states->n;
	return states->n++;
}

const struct rp_stack_state *rp_stack_state(const struct rp_stack_states *states,
					    uint32_t index)
{
	return &states->v[index];
}

static size_t cfa_text(const struct rp_stack_state *state, char *ret,
		       size_t size)
{
	const char *reg = rp_reg_name(state->reg);

	switch (state->base) {
	case RP_CFA_REG:
		return snprintf(ret, size, "cfa at %s%+d", reg, state->offset);
	case RP_CFA_AT_REG:
		return snprintf(ret, size, "cfa in [%s%+d]", reg,
				state->offset);
	case RP_CFA_AT_REG_PLUS:
		return snprintf(ret, size, "cfa at [%s]%+d", reg,
				state->offset);
	default:
		return snprintf(ret, size, "cfa not known");
	}
}

static size_t saved_text(const struct rp_saved_reg *saved, const char *name,
			 char *ret, size_t size)
{
	switch (saved->how) {
	case RP_SAVED_CFA:
		return snprintf(ret, size, ", %s at cfa%+d", name,
				saved->offset);
	case RP_SAVED_RBP:
		return snprintf(ret, size, ", %s at rbp%+d", name,
				saved->offset);
	case RP_SAVED_LOST:
		return snprintf(ret, size, ", %s lost", name);
	default:
		return 0;
	}
}

void rp_stack_state_text(const struct rp_stack_state *state, char *ret,
			 size_t size)
{
	static const char *const types[] = {
		"", ", end of the stack", "", ", registers",
		", registers of the processor",
	};
	size_t n = cfa_text(state, ret, size);

	if (n < size && state->type < sizeof(types) / sizeof(*types))
		n += snprintf(ret + n, size - n, "%s", types[state->type]);
	for (unsigned int i = 0; i < RP_REG_NR && n < size; i++) {
		if (i != RP_RSP)
			n += saved_text(&state->saved[i], rp_reg_name(i),
					ret + n, size - n);
	}
}

static bool same_saved(struct rp_saved_reg a, struct rp_saved_reg b)
{
	return a.how == b.how &&
	       (a.how == RP_SAVED_SAME || a.how == RP_SAVED_LOST ||
		a.offset == b.offset);
}

bool rp_stack_state_same(const struct rp_stack_state *a,
			 const struct rp_stack_state *b)
{
	if (a->base != b->base || a->reg != b->reg || a->offset != b->offset ||
	    a->type != b->type || a->signal != b->signal || a->end != b->end)
		return false;
	for (unsigned int i = 0; i < RP_REG_NR; i++) {
		if (!same_saved(a->saved[i], b->saved[i]))
			return false;
	}
	return true;
}
