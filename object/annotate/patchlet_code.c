/* SPDX-License-Identifier: MIT */
/* The instructions of a patchlet: do they keep to what it declares? */
#include "../insn/effects.h"
#include "patchlets.h"
#include "patchlets_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <repoint/abi.h>

/* ---- relocations ---- */

static int by_offset(const void *a, const void *b)
{
	const struct rp_reloc *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static int append_relocs(struct rp_patchlet_checker *c, uint32_t rela)
{
	struct rp_relocs more;
	struct rp_reloc *v;

	int rc = rp_relobj_relocs(c->obj, rela, &more, c->diag);
	if (rc || !more.n)
		return rc;
	v = reallocarray(c->relocs.v, c->relocs.n + more.n, sizeof(*v));
	if (v) {
		memcpy(v + c->relocs.n, more.v, more.n * sizeof(*v));
		c->relocs.v = v;
		c->relocs.n += more.n;
	} else {
		rc = rp_diag_nomem(c->diag);
	}
	rp_relocs_deinit(&more);
	return rc;
}

static int read_relocs(struct rp_patchlet_checker *c, uint32_t section)
{
	int rc = 0;

	if (c->relocs_of == section)
		return 0;
	rp_relocs_deinit(&c->relocs);
	c->relocs_of = section;
	for (uint32_t rela = c->obj->sections[section].rela; rela && !rc;
	     rela = c->obj->sections[rela].next_rela)
		rc = append_relocs(c, rela);
	if (!rc && c->relocs.n)
		qsort(c->relocs.v, c->relocs.n, sizeof(*c->relocs.v),
		      by_offset);
	return rc;
}

/* The relocation of the displacement of a branch or call, or NULL. */
static const struct rp_reloc *
branch_reloc(const struct rp_patchlet_checker *c, uint64_t at,
	     const struct rp_effects *e)
{
	const struct rp_reloc key = { .offset = at + e->field };

	if (!c->relocs.n || !e->field)
		return NULL;
	return bsearch(&key, c->relocs.v, c->relocs.n, sizeof(key), by_offset);
}

/* ---- messages ---- */

/* Where the branch with the relocation @r goes, in words. */
static void target_text(const struct rp_patchlet_checker *c,
			const struct rp_reloc *r, const struct rp_effects *e,
			char *text, size_t size)
{
	const struct rp_symbol *symbol = &c->obj->symbols[r->symbol];
	uint64_t addend = (uint64_t)r->addend + e->length - e->field;
	const struct rp_place *place = NULL;
	const char *name = symbol->name;

	// Assemblers write a local symbol as its section and an offset.
	if (symbol->type == STT_SECTION && symbol->section &&
	    symbol->section != RP_SECTION_NONE) {
		name = c->obj->sections[symbol->section].name;
		place = rp_places_at(&c->names, symbol->section,
				     symbol->value + addend);
	}
	if (place)
		snprintf(text, size, "%s", c->obj->symbols[place->symbol].name);
	else if (addend)
		snprintf(text, size, "%s%+" PRId64, name,
			 (int64_t)addend);
	else
		snprintf(text, size, "%s", name);
}

static void insn_text(const struct rp_patchlet_checker *c,
		      const struct rp_patchlet_range *p, uint64_t at,
		      char *text, size_t size)
{
	const uint8_t *code = rp_section_data(c->obj, p->section);
	const struct rp_reloc *r;
	struct rp_effects e;
	char *space;

	rp_effects_text(code + at, p->end - at, text, size);
	if (rp_effects_decode(code + at, p->end - at, &e))
		return;
	r = branch_reloc(c, at, &e);
	space = strrchr(text, ' ');
	if (r && space)
		target_text(c, r, &e, space + 1, size - (space + 1 - text));
}

/* About the instruction at @at, which counts from the section's beginning. */
static int report_insn(struct rp_patchlet_checker *c,
		       const struct rp_patchlet_range *p, uint64_t at,
		       enum rp_diag_id id, const char *what)
{
	char where[64], text[96];

	snprintf(where, sizeof(where), "patchlet %s", p->name);
	insn_text(c, p, at, text, sizeof(text));
	return rp_diag_set_at(c->diag, id, where, at - p->start, "\"%s\" %s",
			      text, what);
}

static const char *const bit_names[] = {
	"RAX", "RCX", "RDX", "RBX", NULL, "RBP", "RSI", "RDI",
	"R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15",
	"FLAGS", "VECTOR", "MASK", "X87",
};

static void list_bits(uint32_t bits, char *text, size_t size)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(bit_names) / sizeof(*bit_names); i++) {
		if (!(bits & 1u << i) || !bit_names[i] || at >= size)
			continue;
		at += snprintf(text + at, size - at, "%sRP_CLOBBER_%s",
			       at ? " | " : "", bit_names[i]);
	}
}

static int report_undeclared(struct rp_patchlet_checker *c,
			     const struct rp_patchlet_range *p, uint64_t at,
			     uint32_t missing)
{
	const bool kept = missing & ~(uint32_t)RP_CLOBBERS_C;
	char bits[96], what[280];

	list_bits(missing, bits, sizeof(bits));
	snprintf(what, sizeof(what), "changes what is not declared; add %s to "
		 "RP_PATCHLET(%s, ...)%s", bits, p->name, kept ? "; but then "
		 "no member with the C ABI's clobbers will take it (see "
		 "RP_OP_CLOBBERS())" : "");
	return report_insn(c, p, at, RP_DIAG_PATCHLET_UNDECLARED, what);
}

/* ---- instructions ---- */

static int check_effects(struct rp_patchlet_checker *c,
			 const struct rp_patchlet_range *p, uint64_t at,
			 const struct rp_effects *e)
{
	if (e->flow == RP_EFFECT_CALL &&
	    (p->clobbers & RP_CLOBBERS_C) != RP_CLOBBERS_C)
		return report_insn(c, p, at, RP_DIAG_PATCHLET_CALL,
			"calls a function, which may change RP_CLOBBERS_C; "
			"declare that, or do without");
	if (e->flow == RP_EFFECT_AWAY)
		return report_insn(c, p, at, RP_DIAG_PATCHLET_FLOW,
			"leaves the patchlet; it has to come out at its end, "
			"without ret");
	if (e->stack)
		return report_insn(c, p, at, RP_DIAG_PATCHLET_STACK,
			"changes %rsp, which its surroundings count on; keep "
			"values in registers that are declared");
	if (e->frame)
		return report_insn(c, p, at, RP_DIAG_PATCHLET_STACK,
			"goes by %rsp, but the stack is the caller's; keep "
			"values in registers that are declared");
	if (e->beyond)
		return report_insn(c, p, at, RP_DIAG_PATCHLET_STATE,
			"changes state that a callee has to keep and that "
			"cannot be declared; make it a function");
	if (e->clobbers & ~p->clobbers)
		return report_undeclared(c, p, at, e->clobbers & ~p->clobbers);
	return 0;
}

/* Marks the beginnings of instructions and the end, relative to the start. */
static int check_insns(struct rp_patchlet_checker *c,
		       const struct rp_patchlet_range *p, bool *boundary)
{
	const uint8_t *code = rp_section_data(c->obj, p->section);
	struct rp_effects e;
	int rc = 0;

	for (uint64_t at = p->start; at < p->end && !rc; at += e.length) {
		boundary[at - p->start] = true;
		if (rp_effects_decode(code + at, p->end - at, &e))
			return report_insn(c, p, at, RP_DIAG_PATCHLET_DECODE,
				"is no instruction that is known, or its end "
				"is behind the patchlet's");
		rc = check_effects(c, p, at, &e);
	}
	boundary[p->end - p->start] = true;
	return rc;
}

/*
 * Where the branch at @at goes. A relocation decides for itself; what another
 * file has the last word about is outside.
 */
static uint64_t branch_target(const struct rp_patchlet_checker *c,
			      const struct rp_patchlet_range *p, uint64_t at,
			      const struct rp_effects *e)
{
	const struct rp_reloc *r = branch_reloc(c, at, e);
	const struct rp_symbol *symbol;

	if (!r)
		return at + e->length + (uint64_t)e->displacement;
	symbol = &c->obj->symbols[r->symbol];
	if (symbol->section != p->section)
		return UINT64_MAX;
	return symbol->value + (uint64_t)r->addend + e->length - e->field;
}

static int check_branch(struct rp_patchlet_checker *c,
			const struct rp_patchlet_range *p, uint64_t at,
			const struct rp_effects *e, const bool *boundary)
{
	uint64_t target = branch_target(c, p, at, e);

	if (target < p->start || target > p->end)
		return report_insn(c, p, at, RP_DIAG_PATCHLET_FLOW,
			"branches out of the patchlet; it has to come out at "
			"its end");
	if (!boundary[target - p->start])
		return report_insn(c, p, at, RP_DIAG_PATCHLET_TARGET,
			"branches into the middle of an instruction");
	return 0;
}

static int check_branches(struct rp_patchlet_checker *c,
			  const struct rp_patchlet_range *p,
			  const bool *boundary)
{
	const uint8_t *code = rp_section_data(c->obj, p->section);
	struct rp_effects e;

	int rc = 0;

	for (uint64_t at = p->start; at < p->end && !rc; at += e.length) {
		rp_effects_decode(code + at, p->end - at, &e);
		if (e.flow == RP_EFFECT_BRANCH)
			rc = check_branch(c, p, at, &e, boundary);
	}
	return rc;
}

int rp_patchlet_check_code(struct rp_patchlet_checker *c,
			   const struct rp_patchlet_range *p)
{
	bool boundary[RP_PATCHLET_SIZE_MAX + 1] = { false };
	int rc = read_relocs(c, p->section);

	if (!rc)
		rc = check_insns(c, p, boundary);
	return rc ? rc : check_branches(c, p, boundary);
}
