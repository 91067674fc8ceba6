/* SPDX-License-Identifier: MIT */
/* What the kernel's sources say about their code, in sections .discard.*. */
#include "../grow.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/*
 * What an annotation does to the instruction that it names. The kernel has
 * others, for checks that are none of ours: noendbr, instr_begin, instr_end.
 */
enum action { SET_FLAG, SET_IGNORE, SET_DEAD_END, CLEAR_DEAD_END, NOTHING };

struct annotation {
	const char *section;
	enum action action;
	uint16_t flag;
};

static const struct annotation annotations[] = {
	{ ".discard.ignore_alts", SET_FLAG, RP_CODE_IGNORE_ALTS },
	{ ".discard.retpoline_safe", SET_FLAG, RP_CODE_RETPOLINE_SAFE },
	{ ".discard.intra_function_calls", SET_FLAG, RP_CODE_PUSHES },
	{ ".discard.func_stack_frame_non_standard", SET_IGNORE, 0 },
};

// In their order: the later one wins.
static const struct annotation ends[] = {
	{ ".discard.unreachable", SET_DEAD_END, 0 },
	{ ".discard.reachable", CLEAR_DEAD_END, 0 },
};

static void ignore_function(struct rp_code_build *b, uint32_t function)
{
	struct rp_code *code = b->code;
	struct rp_function *f = &code->functions[function];

	if (!function || (f->flags & RP_FUNCTION_IGNORE))
		return;
	f->flags |= RP_FUNCTION_IGNORE;
	for (uint32_t i = rp_function_own(code, function, f->first);
	     i < f->end; i = rp_function_own(code, function, i + 1))
		code->insns[i].flags |= RP_CODE_IGNORE;
}

// The place behind an instruction, or the section's end, stands for it.
static uint32_t insn_before(const struct rp_code *code, struct rp_spot spot)
{
	uint32_t insn = rp_code_at(code, spot.section, spot.offset);

	if (!insn && spot.offset ==
	    code->obj->sections[spot.section].hdr.sh_size)
		insn = code->section_first[spot.section + 1];
	return insn ? insn - 1 : 0;
}

static void say_bad(struct rp_code_build *b, const struct rp_records *t,
		    uint64_t at)
{
	rp_code_say(b, CHECK_HINT, t->section, at,
		    "an annotation of a place where no instruction begins");
}

static void annotate(struct rp_code_build *b, const struct rp_records *t,
		     uint64_t at, struct rp_spot spot,
		     const struct annotation *a)
{
	struct rp_code *code = b->code;
	uint32_t insn;

	if (a->action == SET_IGNORE) {
		// Of other symbols objtool says that they are unexpected.
		insn = rp_function_at(code, spot.section, spot.offset);
		ignore_function(b, insn);
		ignore_function(b, b->child[insn]);
		return;
	}
	insn = a->action == SET_FLAG ?
		rp_code_at(code, spot.section, spot.offset) :
		insn_before(code, spot);
	if (!insn)
		say_bad(b, t, at);
	else if (a->action == SET_FLAG)
		code->insns[insn].flags |= a->flag;
	else if (a->action == SET_DEAD_END)
		code->insns[insn].flags |= RP_CODE_DEAD_END;
	else
		code->insns[insn].flags &= ~RP_CODE_DEAD_END;
}

static int read_places(struct rp_code_build *b, uint32_t section,
		       const struct annotation *a)
{
	struct rp_records t;

	int rc = rp_records_init(&t, b->obj, section, b->diag);
	for (size_t i = 0; !rc && i < t.relocs.n; i++) {
		const struct rp_reloc *r = &t.relocs.v[i];

		annotate(b, &t, r->offset,
			 rp_relobj_spot(b->obj, r->symbol, r->addend), a);
	}
	rp_records_deinit(&t);
	return rc;
}

static int read_all(struct rp_code_build *b, const struct annotation *a)
{
	int rc = 0;

	for (uint32_t i = 1; i < b->obj->nsections && !rc; i++) {
		if (rp_code_is_table(b->code, i, a->section))
			rc = read_places(b, i, a);
	}
	return rc;
}

/* Newer kernels have one table: the place, and what is said about it. */
#define INSN_TABLE	".discard.annotate_insn"
#define INSN_SIZE	8

static struct annotation by_type(uint32_t type)
{
	switch (type) {
	case 2:
		return (struct annotation){ NULL, SET_FLAG,
			RP_CODE_RETPOLINE_SAFE };
	case 6:
		return (struct annotation){ NULL, SET_FLAG,
			RP_CODE_IGNORE_ALTS };
	case 7:
		return (struct annotation){ NULL, SET_FLAG, RP_CODE_PUSHES };
	case 8:
		return (struct annotation){ NULL, CLEAR_DEAD_END, 0 };
	default:
		return (struct annotation){ NULL, NOTHING, 0 };
	}
}

// Those about dead ends have to wait until there are dead ends.
static int read_typed(struct rp_code_build *b, uint32_t section, bool late)
{
	struct rp_records t;

	int rc = rp_records_init(&t, b->obj, section, b->diag);
	for (uint64_t at = 0; !rc && t.size - at >= INSN_SIZE; at += INSN_SIZE) {
		struct annotation a = by_type(rp_records_field(&t, at + 4, 4));

		if (a.action != NOTHING &&
		    (a.action == CLEAR_DEAD_END) == late)
			annotate(b, &t, at, rp_records_target(&t, at), &a);
	}
	rp_records_deinit(&t);
	return rc;
}

static int read_all_typed(struct rp_code_build *b, bool late)
{
	int rc = 0;

	for (uint32_t i = 1; i < b->obj->nsections && !rc; i++) {
		if (rp_code_is_table(b->code, i, INSN_TABLE))
			rc = read_typed(b, i, late);
	}
	return rc;
}

/* struct unwind_hint: s32 ip, s16 offset, three bytes, padding. */
#define HINT_SIZE	12

static int add_hint(struct rp_code_build *b, const struct rp_records *t,
		    uint64_t at)
{
	struct rp_spot spot = rp_records_target(t, at);
	struct rp_code *code = b->code;
	struct rp_hint hint = {
		.insn = rp_code_at(code, spot.section, spot.offset),
		.sp_offset = (int16_t)rp_records_field(t, at + 4, 2),
		.sp_reg = rp_records_field(t, at + 6, 1),
		.type = rp_records_field(t, at + 7, 1),
		.end_or_signal = rp_records_field(t, at + 8, 1),
	};

	if (!hint.insn) {
		say_bad(b, t, at);
		return 0;
	}
	if (rp_grow(&code->hints, &b->hint_room, code->nhints + 1,
		    sizeof(*code->hints)))
		return rp_diag_nomem(b->diag);
	code->hints[code->nhints++] = hint;
	code->insns[hint.insn].flags |= RP_CODE_HINT;
	return 0;
}

static int read_hints(struct rp_code_build *b, uint32_t section)
{
	struct rp_records t;

	int rc = rp_records_init(&t, b->obj, section, b->diag);
	if (!rc && t.size % HINT_SIZE)
		rp_code_say(b, CHECK_HINT, section, t.size,
			    "not a number of whole unwind hints");
	for (uint64_t at = 0; !rc && t.size - at >= HINT_SIZE; at += HINT_SIZE)
		rc = add_hint(b, &t, at);
	rp_records_deinit(&t);
	return rc;
}

// Several hints of one instruction stay in their order.
static int by_insn(const void *a, const void *b)
{
	const struct rp_hint *const *x = a, *const *y = b;

	if ((*x)->insn != (*y)->insn)
		return (*x)->insn < (*y)->insn ? -1 : 1;
	return (*x > *y) - (*x < *y);
}

static int sort_hints(struct rp_code_build *b)
{
	struct rp_code *code = b->code;
	const struct rp_hint **order;
	struct rp_hint *sorted;
	size_t n = code->nhints;

	if (n < 2)
		return 0;
	order = calloc(n, sizeof(*order));
	sorted = calloc(n, sizeof(*sorted));
	if (!order || !sorted) {
		free(order);
		free(sorted);
		return rp_diag_nomem(b->diag);
	}
	for (size_t i = 0; i < n; i++)
		order[i] = &code->hints[i];
	qsort(order, n, sizeof(*order), by_insn);
	for (size_t i = 0; i < n; i++)
		sorted[i] = *order[i];
	free(order);
	free(code->hints);
	code->hints = sorted;
	return 0;
}

static int read_all_hints(struct rp_code_build *b)
{
	int rc = 0;

	for (uint32_t i = 1; i < b->obj->nsections && !rc; i++) {
		if (rp_code_is_table(b->code, i, ".discard.unwind_hints"))
			rc = read_hints(b, i);
	}
	return rc ? rc : sort_hints(b);
}

int rp_code_read_annotations(struct rp_code_build *b)
{
	int rc = 0;

	if (!rp_code_is_kernel(b->code))
		return 0;
	for (size_t i = 0; i < sizeof(annotations) / sizeof(*annotations); i++)
		rc = rc ? rc : read_all(b, &annotations[i]);
	if (!rc)
		rc = read_all_typed(b, false);
	return rc ? rc : read_all_hints(b);
}

int rp_code_read_reachable(struct rp_code_build *b)
{
	int rc = 0;

	if (!rp_code_is_kernel(b->code))
		return 0;
	if (b->code->abi->kind == RP_ABI_LINUX_6_1)
		rc = read_all(b, &ends[0]);
	if (!rc)
		rc = read_all(b, &ends[1]);
	return rc ? rc : read_all_typed(b, true);
}
