/* SPDX-License-Identifier: MIT */
/*
 * Which of a function's loads of a register is the one that a use of it gets: the
 * address of a table may be loaded long before the jump, outside of a loop, and
 * others into the same register in between, on other ways.
 */
#include "../grow.h"
#include "switches.h"

#include <stdlib.h>

/* struct flood - the instructions that were come to: @s->ways, all of them, with a
 * bit each in @s->seen. */
struct flood {
	struct rp_switches *s;
	const struct rp_function *function;
	uint8_t reg;
	size_t n;
};

static int come_to(struct flood *f, uint32_t insn)
{
	struct rp_switches *s = f->s;
	uint64_t bit = (uint64_t)1 << insn % 64;

	if (insn < f->function->first || insn >= f->function->end ||
	    (s->seen[insn / 64] & bit))
		return 0;
	if (rp_grow(&s->ways, &s->ways_room, f->n + 1, sizeof(*s->ways)))
		return -1;
	s->seen[insn / 64] |= bit;
	s->ways[f->n++] = insn;
	return 0;
}

static bool keeps(const struct flood *f, uint32_t insn)
{
	const struct rp_code *code = f->s->b->code;
	struct rp_insn_flow flow;
	uint16_t writes;

	if (rp_code_is_lost_at(&code->insns[insn], f->reg))
		return false;
	return !rp_insn_flow_every(rp_code_bytes(code, insn),
				   code->insns[insn].length, &flow, &writes) &&
	       !(writes >> f->reg & 1);
}

static int go_on(struct flood *f, uint32_t insn)
{
	const struct rp_code_insn *at = &f->s->b->code->insns[insn];
	bool branch = at->flow == RP_FLOW_JMP || at->flow == RP_FLOW_JCC;

	if (branch && at->dest && come_to(f, at->dest))
		return -1;
	return rp_code_goes_on(at) ? come_to(f, insn + 1) : 0;
}

static int flood(struct flood *f, uint32_t to, bool *ret)
{
	for (size_t i = 0; i < f->n && f->s->steps; i++) {
		uint32_t insn = f->s->ways[i];

		f->s->steps--;
		*ret = insn == to;
		if (*ret)
			return 0;
		if (keeps(f, insn) && go_on(f, insn))
			return -1;
	}
	return 0;
}

int rp_switch_reaches(struct rp_switches *s, const struct rp_ref *ref,
		      uint32_t to, bool *ret)
{
	const struct rp_code *code = s->b->code;
	struct flood f = {
		.s = s, .reg = ref->reg, .function =
		&code->functions[code->insns[ref->insn].function],
	};
	int rc;

	*ret = false;
	if (!s->seen)
		s->seen = calloc(code->ninsns / 64 + 1, sizeof(*s->seen));
	if (!s->seen)
		return rp_diag_nomem(s->b->diag);
	rc = come_to(&f, ref->insn + 1);
	if (!rc)
		rc = flood(&f, to, ret);
	for (size_t i = 0; i < f.n; i++)
		s->seen[s->ways[i] / 64] &= ~((uint64_t)1 << s->ways[i] % 64);
	return rc ? rp_diag_nomem(s->b->diag) : 0;
}
