/* SPDX-License-Identifier: MIT */
/*
 * What is not looked at of code that nothing describes. Its functions are known as
 * far as they are called: in between may be others, or labels of these.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdlib.h>

bool rp_code_is_undescribed(const struct rp_code *code, uint32_t insn)
{
	const uint32_t both = RP_FUNCTION_UNNAMED | RP_FUNCTION_UNTYPED;

	return code->obj->linked &&
	       (code->functions[code->insns[insn].function].flags & both) == both;
}

static bool is_missed(const struct rp_code_build *b, uint32_t i)
{
	return !b->reached[i] && !rp_code_is_fill(&b->code->insns[i]) &&
	       rp_code_is_undescribed(b->code, i);
}

// May it go to what is missed?
static bool is_lead(const struct rp_code *code, uint32_t i)
{
	return code->insns[i].flow == RP_FLOW_JMP_INDIRECT &&
	       !(code->insns[i].flags & RP_CODE_EDGES) &&
	       !rp_code_pointer_symbol(code, i);
}

#define HAS_MISSED	0x1
#define HAS_LEAD	0x2
#define IS_TANGLED	0x4

// Goes from the middle of one function to that of another one: what is called
// there is called within a function, or jumps between them share their frames.
static bool is_across(const struct rp_code *code, uint32_t from, uint32_t to)
{
	const struct rp_code_insn *a = &code->insns[from], *z = &code->insns[to];

	return to && a->function != z->function &&
	       rp_code_is_undescribed(code, from) &&
	       rp_code_is_undescribed(code, to) &&
	       (to == from + 1 ||
		z->offset != code->functions[z->function].offset);
}

static bool is_jump(const struct rp_code_insn *insn)
{
	return insn->flow == RP_FLOW_JMP || insn->flow == RP_FLOW_JCC;
}

static bool runs_on(const struct rp_code *code, uint32_t i)
{
	const struct rp_code_insn *insn = &code->insns[i];

	return !rp_code_is_fill(insn) && !rp_code_ends_flow(insn) &&
	       !(insn->flags & RP_CODE_DEAD_END) && i + 1 < code->ninsns &&
	       insn[1].offset == insn->offset + insn->length;
}

static void note_across(const struct rp_code *code, uint32_t from, uint32_t to,
			uint8_t *has)
{
	if (!is_across(code, from, to))
		return;
	has[code->insns[from].function] |= IS_TANGLED;
	has[code->insns[to].function] |= IS_TANGLED;
}

static void look(const struct rp_code_build *b, uint8_t *has)
{
	const struct rp_code *code = b->code;

	for (uint32_t i = 1; i < code->ninsns; i++) {
		uint8_t *f = &has[code->insns[i].function];

		if (is_missed(b, i))
			*f |= HAS_MISSED;
		else if (is_lead(code, i))
			*f |= HAS_LEAD;
		if (is_jump(&code->insns[i]))
			note_across(code, i, code->insns[i].dest, has);
		if (runs_on(code, i))
			note_across(code, i, i + 1, has);
	}
}

static bool is_unclear(uint8_t has)
{
	return has & IS_TANGLED || has == (HAS_MISSED | HAS_LEAD);
}

static bool is_to_leave(const struct rp_code_build *b, uint32_t i,
			const uint8_t *has)
{
	return is_missed(b, i) || is_unclear(has[b->code->insns[i].function]);
}

/*
 * Assembly has conventions of its own. Where a part of what lies between two
 * described functions is not understood, the rest is not either.
 */
#define MOST_UNCLEAR	8

static void spread(const struct rp_code_build *b, uint32_t section, uint8_t *has)
{
	const struct rp_code *code = b->code;
	uint32_t end = code->section_first[section + 1], next;

	for (uint32_t i = code->section_first[section]; i < end; i = next) {
		uint64_t bytes = 0, unclear = 0;

		for (next = i; next < end &&
		     (rp_code_is_undescribed(code, next) ||
		      !code->insns[next].function); next++) {
			bytes += code->insns[next].length;
			if (is_to_leave(b, next, has))
				unclear += code->insns[next].length;
		}
		for (uint32_t k = i; k < next &&
		     bytes >= RP_CODE_LARGE &&
		     unclear >= bytes / MOST_UNCLEAR; k++) {
			if (code->insns[k].function)
				has[code->insns[k].function] |= IS_TANGLED;
		}
		if (next == i)
			next++;
	}
}

static void leave_out(struct rp_code_build *b, uint32_t section,
		      const uint8_t *has)
{
	struct rp_code *code = b->code;
	uint64_t size = b->obj->sections[section].hdr.sh_size, bytes = 0;
	uint32_t first = 0;

	for (uint32_t i = code->section_first[section];
	     i < code->section_first[section + 1]; i++) {
		struct rp_code_insn *insn = &code->insns[i];

		if (insn->flags & RP_CODE_IGNORE || !is_to_leave(b, i, has))
			continue;
		if (!first)
			first = i;
		bytes += insn->length;
		insn->flags |= RP_CODE_IGNORE;
	}
	bool much = bytes >= RP_CODE_LARGE && bytes >= size / 2;
	if (much)
		code->unseen++;
	if (first)
		rp_findings_add(b->findings, RP_DIAG_CHECK_DECODE,
			much ? RP_WARNING : RP_NOTE, section,
			code->insns[first].offset, "%" PRIu64 " bytes of code "
			"from here on that no symbol and no FDE describes, and "
			"of which it is not known what leads there: not looked "
			"at", bytes);
}

// A file whose code is all taken for data: that must not look like one without.
static void say_nothing(struct rp_code_build *b)
{
	for (size_t i = 0; i < b->ndata && b->code->ninsns <= 1; i++) {
		if (!b->data[i].guessed)
			continue;
		rp_findings_add(b->findings, RP_DIAG_CHECK_DECODE, RP_WARNING,
				b->data[i].section, b->data[i].start,
				"no code of this file is looked at: nothing "
				"says where it begins, and not all of it is "
				"code");
		return;
	}
}

int rp_code_leave_out(struct rp_code_build *b)
{
	uint8_t *has;

	say_nothing(b);
	if (!b->obj->linked || !b->reached)
		return 0;
	has = calloc(b->code->nfunctions, 1);
	if (!has)
		return rp_diag_nomem(b->diag);
	look(b, has);
	has[0] = 0;
	for (uint32_t i = 1; i < b->obj->nsections; i++) {
		if (!rp_code_has(b->code, i) ||
		    rp_code_is_stub_section(b->code, i))
			continue;
		spread(b, i, has);
		leave_out(b, i, has);
	}
	free(has);
	return 0;
}
