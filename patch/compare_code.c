/* SPDX-License-Identifier: MIT */
/*
 * Comparing code.
 *
 * Nearly all functions are equal byte for byte but for fields of references;
 * that is tried first. What is left is compared instruction by instruction, and
 * fill, lengths of branches and line numbers may differ.
 */
#include "compare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool decode_all(const struct rp_side *side, uint32_t atom,
		       struct rp_steps *steps)
{
	const struct rp_atom *a = &side->atoms.v[atom];
	const uint8_t *code = rp_atom_bytes(&side->atoms, atom);
	uint64_t at = 0;

	// No instruction is shorter than a byte.
	steps->v = malloc((a->size + 1) * sizeof(*steps->v));
	if (!steps->v || !code)
		return steps->v;
	steps->whole = true;
	while (at < a->size) {
		struct rp_step *step = &steps->v[steps->n];

		if (rp_insn_decode(code + at, a->size - at, &step->insn)) {
			steps->whole = false;
			break;
		}
		step->offset = at;
		steps->n += !step->insn.nop;
		at += step->insn.length;
	}
	return true;
}

const struct rp_steps *rp_compare_steps(struct rp_compare *c, bool is_new,
					uint32_t atom)
{
	struct rp_steps *steps = is_new ? &c->new_steps[atom] :
					  &c->old_steps[atom];

	if (!steps->v && !decode_all(is_new ? rp_side_new(c) : rp_side_old(c),
				     atom, steps)) {
		c->nomem = true;
		return NULL;
	}
	return steps;
}

size_t rp_step_at(const struct rp_steps *steps, uint64_t offset)
{
	size_t low = 0, high = steps->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (steps->v[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Two pieces of code that are compared. */
struct pair {
	struct rp_compare *c;
	uint32_t old_atom, new_atom;
	const struct rp_atom *o, *n;
	const uint8_t *p, *q;
};

static void note_offset(struct rp_compare *c, uint64_t offset)
{
	if (c->has_offset)
		return;
	c->offset = offset;
	c->has_offset = true;
}

/* Every byte, fields too: then only what the fields refer to counts. */
static bool all_bytes_equal(const struct pair *pair)
{
	for (size_t i = 0; i < pair->o->nrefs; i++) {
		if (pair->o->refs[i].offset != pair->n->refs[i].offset)
			return false;
	}
	return !memcmp(pair->p, pair->q, pair->o->size);
}

static bool bytes_equal(const struct pair *pair)
{
	uint64_t at = 0;

	if (pair->o->size != pair->n->size || pair->o->nrefs != pair->n->nrefs)
		return false;
	if (all_bytes_equal(pair))
		return true;
	for (size_t i = 0; i < pair->o->nrefs; i++) {
		const struct rp_ref *x = &pair->o->refs[i];
		const struct rp_ref *y = &pair->n->refs[i];

		if (x->offset != y->offset || x->offset < at ||
		    rp_reloc_width(x->type) != rp_reloc_width(y->type) ||
		    memcmp(pair->p + at, pair->q + at, x->offset - at))
			return false;
		at = x->offset + rp_reloc_width(x->type);
	}
	return at >= pair->o->size ||
	       !memcmp(pair->p + at, pair->q + at, pair->o->size - at);
}

static enum rp_verdict compare_all_refs(const struct pair *pair)
{
	enum rp_verdict verdict = RP_SAME;

	for (size_t i = 0; i < pair->o->nrefs; i++) {
		verdict = rp_worse(verdict,
			rp_compare_refs(pair->c, pair->old_atom,
					&pair->o->refs[i], pair->new_atom,
					&pair->n->refs[i]));
		if (verdict == RP_DIFFERENT) {
			note_offset(pair->c, pair->n->refs[i].offset);
			break;
		}
	}
	return verdict;
}

/* A reference inside an instruction, or NULL; they are visited in order. */
static const struct rp_ref *ref_in(const struct rp_atom *atom, size_t *next,
				   const struct rp_step *step,
				   unsigned int field)
{
	uint64_t at = step->offset + field;

	while (*next < atom->nrefs && atom->refs[*next].offset < at)
		(*next)++;
	return *next < atom->nrefs && atom->refs[*next].offset == at ?
	       &atom->refs[*next] : NULL;
}

static uint64_t read_field(const uint8_t *p, unsigned int size)
{
	uint64_t v = 0;

	while (size--)
		v = v << 8 | p[size];
	return v;
}

struct walk {
	struct pair pair;
	const struct rp_steps *x, *y;
	size_t old_ref, new_ref;
	size_t i;		/* instruction */
	const struct rp_step *o, *n;
};

static bool is_jump8(const uint8_t *code)
{
	return *code == 0xeb || (*code & 0xf0) == 0x70;
}

static bool is_prefix(uint8_t byte)
{
	return byte == 0x2e || byte == 0x3e || byte == 0x66 || byte == 0x67 ||
	       byte == 0xf2 || byte == 0xf3 || (byte & 0xf0) == 0x40;
}

/* The same jump, near or far: eb and e9, 7x and 0f 8x. */
static bool same_branch(const uint8_t *p, const uint8_t *q)
{
	for (; is_prefix(*p) || is_prefix(*q); p++, q++) {
		if (*p != *q)
			return false;
	}
	bool x = is_jump8(p), y = is_jump8(q);
	uint8_t a = x ? *p : *p == 0x0f ? p[1] - 0x10 : *p == 0xe9 ? 0xeb : *p;
	uint8_t b = y ? *q : *q == 0x0f ? q[1] - 0x10 : *q == 0xe9 ? 0xeb : *q;

	return a == b;
}

static enum rp_verdict compare_inner_branch(const struct walk *w)
{
	const uint8_t *p = w->pair.p + w->o->offset;
	const uint8_t *q = w->pair.q + w->n->offset;
	int64_t x = rp_insn_target(p, w->o->offset, &w->o->insn);
	int64_t y = rp_insn_target(q, w->n->offset, &w->n->insn);

	if (x >= 0 && y >= 0 && rp_step_at(w->x, x) == rp_step_at(w->y, y))
		return RP_SAME;
	rp_compare_why(w->pair.c, "branches elsewhere");
	return RP_DIFFERENT;
}

/* A label of its own code, as of a computed goto, or what no one knows. */
static bool same_inner_place(const struct walk *w)
{
	int64_t x, y;

	if (!w->o->insn.rip || !w->n->insn.rip)
		return false;
	x = rp_insn_rip_target(w->pair.p + w->o->offset, w->o->offset,
			       &w->o->insn);
	y = rp_insn_rip_target(w->pair.q + w->n->offset, w->n->offset,
			       &w->n->insn);
	return x >= 0 && y >= 0 && (uint64_t)x < w->pair.o->size &&
	       (uint64_t)y < w->pair.n->size &&
	       rp_step_at(w->x, x) == rp_step_at(w->y, y);
}

static enum rp_verdict compare_branch(struct walk *w)
{
	const struct rp_ref *x, *y;

	if (!same_branch(w->pair.p + w->o->offset, w->pair.q + w->n->offset))
		return RP_DIFFERENT;
	x = ref_in(w->pair.o, &w->old_ref, w->o, w->o->insn.imm);
	y = ref_in(w->pair.n, &w->new_ref, w->n, w->n->insn.imm);
	if (x && y)
		return rp_compare_refs(w->pair.c, w->pair.old_atom, x,
				       w->pair.new_atom, y);
	return x || y ? RP_DIFFERENT : compare_inner_branch(w);
}

/* What it adds may be any number: LEA is how compilers add. */
static bool is_lea(const uint8_t *p, const struct rp_insn *insn)
{
	unsigned int i = 0;

	while (i < insn->disp && (p[i] == 0x66 || p[i] == 0x67 ||
				  (p[i] & 0xf0) == 0x40))
		i++;
	return p[i] == 0x8d;
}

/* What an instruction does with its immediate: line numbers are passed on. */
static enum rp_line_use use_of(const uint8_t *code)
{
	bool extended = false;

	while (is_prefix(*code)) {
		extended = (*code & 0xf1) == 0x41;
		code++;
	}
	if (*code == 0x68 || *code == 0x6a)
		return RP_LINE_ARGUMENT;
	if (*code == 0xc7 || *code == 0x8d)
		return RP_LINE_MOVE;
	if ((*code & 0xf8) != 0xb8)
		return RP_LINE_OTHER;
	// rdi, rsi, rdx, rcx, r8, r9
	static const uint8_t arguments[2] = { 0xc6, 0x03 };
	return arguments[extended] >> (*code & 7) & 1 ? RP_LINE_ARGUMENT :
							RP_LINE_MOVE;
}

static enum rp_verdict compare_number(const struct walk *w, unsigned int x_at,
				      unsigned int y_at, unsigned int size,
				      bool immediate)
{
	uint64_t x = read_field(w->pair.p + w->o->offset + x_at, size);
	uint64_t y = read_field(w->pair.q + w->n->offset + y_at, size);

	if (x == y)
		return RP_SAME;
	if ((immediate || is_lea(w->pair.p + w->o->offset, &w->o->insn)) &&
	    x <= UINT32_MAX && y <= UINT32_MAX &&
	    rp_lines_in_code(w->pair.c, w->pair.old_atom, w->o->offset,
			     w->pair.new_atom, w->n->offset, x, y,
			     use_of(w->pair.p + w->o->offset)))
		return RP_NOISE;
	rp_compare_why(w->pair.c, "the constant %lld became %lld",
		       (long long)(size == 4 ? (int32_t)x : (int64_t)x),
		       (long long)(size == 4 ? (int32_t)y : (int64_t)y));
	w->pair.c->only_constants = true;
	return RP_DIFFERENT;
}

static enum rp_verdict compare_field(struct walk *w, unsigned int x_at,
				     unsigned int y_at, unsigned int size,
				     bool immediate)
{
	const struct rp_ref *x, *y;

	if (!size)
		return RP_SAME;
	x = ref_in(w->pair.o, &w->old_ref, w->o, x_at);
	y = ref_in(w->pair.n, &w->new_ref, w->n, y_at);
	if (x && y)
		return rp_compare_refs(w->pair.c, w->pair.old_atom, x,
				       w->pair.new_atom, y);
	if (x || y)
		return RP_DIFFERENT;
	if (!immediate && same_inner_place(w))
		return RP_SAME;
	return compare_number(w, x_at, y_at, size, immediate);
}

static bool same_opcode(const struct walk *w)
{
	const struct rp_insn *x = &w->o->insn, *y = &w->n->insn;
	unsigned int end = x->length;

	if (x->length != y->length || x->disp != y->disp ||
	    x->disp_size != y->disp_size || x->imm != y->imm ||
	    x->imm_size != y->imm_size)
		return false;
	if (x->imm_size && x->imm < end)
		end = x->imm;
	if (x->disp_size && x->disp < end)
		end = x->disp;
	return !memcmp(w->pair.p + w->o->offset, w->pair.q + w->n->offset, end);
}

/* What follows the fields: suffix bytes, a second immediate. */
static bool same_tail(const struct walk *w)
{
	const struct rp_insn *x = &w->o->insn;
	unsigned int end = 0;

	if (x->disp_size)
		end = x->disp + x->disp_size;
	if (x->imm_size && x->imm + x->imm_size > end)
		end = x->imm + x->imm_size;
	return !end || !memcmp(w->pair.p + w->o->offset + end,
			       w->pair.q + w->n->offset + end, x->length - end);
}

static enum rp_verdict compare_step(struct walk *w)
{
	const struct rp_insn *x = &w->o->insn, *y = &w->n->insn;
	enum rp_verdict verdict;

	if (x->relative && y->relative)
		return compare_branch(w);
	if (!same_opcode(w))
		return RP_DIFFERENT;
	verdict = compare_field(w, x->disp, y->disp, x->disp_size, false);
	if (verdict != RP_DIFFERENT)
		verdict = rp_worse(verdict, compare_field(w, x->imm, y->imm,
							  x->imm_size, true));
	return verdict == RP_DIFFERENT || !same_tail(w) ? RP_DIFFERENT : verdict;
}

static enum rp_verdict compare_steps(const struct pair *pair)
{
	struct walk w = { .pair = *pair };
	enum rp_verdict verdict = RP_SAME;

	w.x = rp_compare_steps(pair->c, false, pair->old_atom);
	w.y = rp_compare_steps(pair->c, true, pair->new_atom);
	if (!w.x || !w.y)
		return RP_SAME;
	for (; w.i < w.x->n && w.i < w.y->n; w.i++) {
		w.o = &w.x->v[w.i];
		w.n = &w.y->v[w.i];
		verdict = rp_worse(verdict, compare_step(&w));
		if (verdict == RP_DIFFERENT) {
			rp_compare_why(pair->c, "its instructions differ");
			note_offset(pair->c, w.n->offset);
			return verdict;
		}
	}
	if (w.x->n == w.y->n && w.x->whole && w.y->whole)
		return verdict;
	rp_compare_why(pair->c, "its instructions differ");
	note_offset(pair->c, w.i < w.y->n ? w.y->v[w.i].offset : pair->n->size);
	return RP_DIFFERENT;
}

/* Tables that say where exceptions go. */
static enum rp_verdict compare_unwind(const struct pair *pair)
{
	uint32_t x = rp_side_old(pair->c)->fde[pair->old_atom];
	uint32_t y = rp_side_new(pair->c)->fde[pair->new_atom];
	enum rp_verdict verdict = RP_SAME;

	if (!x || !y)
		return RP_SAME;
	const struct rp_atom *o = &rp_side_old(pair->c)->atoms.v[x];
	const struct rp_atom *n = &rp_side_new(pair->c)->atoms.v[y];
	// The first one is the function itself.
	for (size_t i = 1; i < o->nrefs && i < n->nrefs; i++)
		verdict = rp_worse(verdict, rp_compare_refs(pair->c, x,
			&o->refs[i], y, &n->refs[i]));
	if (o->nrefs != n->nrefs)
		verdict = RP_DIFFERENT;
	if (verdict == RP_DIFFERENT)
		rp_compare_why(pair->c, "its exception tables differ");
	return verdict;
}

static enum rp_verdict compare_records(const struct pair *pair)
{
	const struct rp_side *o = rp_side_old(pair->c);
	const struct rp_side *n = rp_side_new(pair->c);
	uint32_t x = o->records[pair->old_atom], y = n->records[pair->new_atom];
	enum rp_verdict verdict = RP_SAME;

	for (; x && y && verdict != RP_DIFFERENT;
	     x = o->next_record[x], y = n->next_record[y])
		verdict = rp_worse(verdict, rp_compare_data(pair->c, x, y));
	if (x || y)
		verdict = RP_DIFFERENT;
	if (verdict == RP_DIFFERENT) {
		pair->c->why[0] = '\0';
		rp_compare_why(pair->c, "its static branches, alternatives or "
			       "other patchable sites differ");
	}
	return verdict;
}

enum rp_verdict rp_compare_code(struct rp_compare *c, uint32_t old_atom,
				uint32_t new_atom)
{
	struct pair pair = {
		.c = c, .old_atom = old_atom, .new_atom = new_atom,
		.o = &rp_side_old(c)->atoms.v[old_atom],
		.n = &rp_side_new(c)->atoms.v[new_atom],
		.p = rp_atom_bytes(&rp_side_old(c)->atoms, old_atom),
		.q = rp_atom_bytes(&rp_side_new(c)->atoms, new_atom),
	};
	enum rp_verdict verdict;

	if (!pair.p || !pair.q)
		return RP_SAME;
	verdict = bytes_equal(&pair) ? compare_all_refs(&pair) :
				       compare_steps(&pair);
	if (verdict != RP_DIFFERENT)
		verdict = rp_worse(verdict, compare_unwind(&pair));
	if (verdict != RP_DIFFERENT)
		verdict = rp_worse(verdict, compare_records(&pair));
	return verdict;
}
