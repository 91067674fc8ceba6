/* SPDX-License-Identifier: MIT */
/* Instructions and relocations of an object's code, as they are written. */
#include "../bytes.h"
#include "../grow.h"
#include "internal.h"

#include <stdlib.h>
#include <string.h>

static int by_offset(const void *a, const void *b)
{
	const struct rp_reloc *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static void sort_relocs(struct rp_reloc *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (v[i].offset < v[i - 1].offset) {
			qsort(v, n, sizeof(*v), by_offset);
			return;
		}
	}
}

// A relocation of no bytes keeps a section alive: it says nothing of the code.
static void copy_relocs(struct rp_code *code, const struct rp_relocs *relocs)
{
	for (size_t i = 0; i < relocs->n; i++) {
		if (relocs->v[i].type != R_X86_64_NONE)
			code->relocs[code->nrelocs++] = relocs->v[i];
	}
}

static int append_relocs(struct rp_code_build *b, uint32_t rela)
{
	struct rp_code *code = b->code;
	struct rp_relocs relocs;

	int rc = rp_relobj_relocs(b->obj, rela, &relocs, b->diag);
	if (rc || !relocs.n)
		return rc;
	if (relocs.n > UINT32_MAX - code->nrelocs ||
	    rp_grow(&code->relocs, &b->reloc_room, code->nrelocs + relocs.n,
		    sizeof(*code->relocs))) {
		rp_relocs_deinit(&relocs);
		return rp_diag_nomem(b->diag);
	}
	copy_relocs(code, &relocs);
	rp_relocs_deinit(&relocs);
	return 0;
}

/*
 * What is left of relocations in linked code (--emit-relocs) describes what it
 * was before the linker rewrote it; the code itself says where it goes.
 */
static int read_relocs(struct rp_code_build *b, uint32_t section)
{
	size_t first = b->code->nrelocs;
	uint32_t rela = b->obj->sections[section].rela;
	int rc = 0;

	if (b->obj->linked)
		return 0;
	for (; rela && !rc; rela = b->obj->sections[rela].next_rela)
		rc = append_relocs(b, rela);
	if (!rc)
		sort_relocs(b->code->relocs + first, b->code->nrelocs - first);
	return rc;
}

static int add_op(struct rp_code_build *b, const struct rp_stack_op *op,
		  uint32_t *ret)
{
	struct rp_code *code = b->code;
	uint32_t *cached;

	// The same few operations occur again and again.
	cached = &b->op_cache[(op->kind * 7u + op->dest * 31u + op->src * 61u +
			       (uint32_t)op->offset * 13u) % RP_OP_CACHE];
	if (!memcmp(&code->ops[*cached], op, sizeof(*op))) {
		*ret = *cached;
		return 0;
	}
	if (rp_grow(&code->ops, &b->op_room, code->nops + 1,
		    sizeof(*code->ops)))
		return rp_diag_nomem(b->diag);
	code->ops[code->nops] = *op;
	*ret = *cached = code->nops++;
	return 0;
}

// The place that a branch is written to go to; kept in @dest until it is
// connected. The section's end is a place, of jumps out of replacements.
// UINT32_MAX: outside.
static uint32_t raw_target(const uint8_t *bytes, uint32_t offset,
			   const struct rp_insn_flow *flow, uint64_t size)
{
	int64_t target = (int64_t)offset + flow->length;

	if (flow->target_size == 1)
		target += (int8_t)bytes[flow->target];
	else if (flow->target_size == 4)
		target += rp_load_sle32(bytes + flow->target);
	else
		return UINT32_MAX;
	return target < 0 || (uint64_t)target > size ? UINT32_MAX : target;
}

static int add_insn(struct rp_code_build *b, const uint8_t *bytes,
		    uint32_t offset, uint64_t size,
		    const struct rp_insn_flow *flow)
{
	struct rp_code *code = b->code;
	struct rp_code_insn *insn;
	int rc = 0;

	if (code->ninsns == UINT32_MAX ||
	    rp_grow(&code->insns, &b->insn_room, code->ninsns + 1,
		    sizeof(*insn)))
		return rp_diag_nomem(b->diag);
	insn = &code->insns[code->ninsns++];
	memset(insn, 0, sizeof(*insn));
	insn->offset = offset;
	insn->length = flow->length;
	insn->flow = flow->flow;
	// Some that are no branches have such an operand, too.
	if (flow->target && (flow->flow == RP_FLOW_JMP ||
			     flow->flow == RP_FLOW_JCC ||
			     flow->flow == RP_FLOW_CALL))
		insn->dest = raw_target(bytes, offset, flow, size);
	if (flow->op.kind != RP_OP_NONE)
		rc = add_op(b, &flow->op, &insn->op);
	return rc;
}

/* struct cursor - where decoding is, and what comes next in the section. */
struct cursor {
	uint32_t section;
	uint64_t at;
	size_t reloc;
	struct rp_bounds bounds;
};

static int add_bad(struct rp_code_build *b, uint32_t section, uint64_t start,
		   uint64_t end)
{
	struct rp_span *last = b->nbad ? &b->bad[b->nbad - 1] : NULL;

	if (last && last->section == section && last->end == start) {
		last->end = end;
		return 0;
	}
	return rp_code_add_span(&b->bad, &b->nbad, &b->bad_room,
				(struct rp_span){ start, end, section,
							  false }) ?
		rp_diag_nomem(b->diag) : 0;
}

static void attach_reloc(struct rp_code_build *b, struct cursor *c)
{
	struct rp_code_insn *insn = &b->code->insns[b->code->ninsns - 1];
	const struct rp_code *code = b->code;

	while (c->reloc < code->nrelocs &&
	       code->relocs[c->reloc].offset < insn->offset)
		c->reloc++;
	if (c->reloc < code->nrelocs &&
	    code->relocs[c->reloc].offset < insn->offset + insn->length)
		insn->reloc = c->reloc;
}

static int decode_one(struct rp_code_build *b, struct cursor *c, uint64_t end)
{
	const uint8_t *bytes = rp_section_data(b->obj, c->section) + c->at;
	uint64_t size = b->obj->sections[c->section].hdr.sh_size;
	struct rp_insn_flow flow;
	uint64_t start = c->at;

	if (rp_insn_flow(bytes, end - start, &flow)) {
		// Nothing that begins here ends before what follows does begin:
		// one byte at a time, until it fits again.
		c->at++;
		return add_bad(b, c->section, start, c->at);
	}
	c->at += flow.length;
	int rc = add_insn(b, bytes, start, size, &flow);
	if (!rc)
		attach_reloc(b, c);
	return rc;
}

static int decode_section(struct rp_code_build *b, struct cursor *c)
{
	const GElf_Shdr *hdr = &b->obj->sections[c->section].hdr;
	int rc;

	if (hdr->sh_size >= UINT32_MAX)
		return rp_diag_set(b->diag, RP_DIAG_SECTION_BOUNDS,
			b->obj->sections[c->section].name,
			"a section of code of 4 GB or more");
	c->reloc = b->code->nrelocs;
	rc = read_relocs(b, c->section);
	c->at = 0;
	rp_bounds_start(&c->bounds, c->section);
	while (!rc && c->at < hdr->sh_size) {
		uint64_t end = rp_bounds_end(b, &c->bounds, &c->at);

		if (c->at < end)
			rc = decode_one(b, c, end);
	}
	return rc;
}

static bool is_code(const struct rp_relobj *obj, uint32_t section)
{
	return rp_section_is_text(&obj->sections[section]) &&
	       obj->sections[section].hdr.sh_size;
}

static int make_room(struct rp_code_build *b)
{
	struct rp_code *code = b->code;
	uint64_t bytes = 0;

	for (uint32_t i = 1; i < b->obj->nsections; i++) {
		if (is_code(b->obj, i))
			bytes += b->obj->sections[i].hdr.sh_size;
	}
	// Four bytes each, as they are on average: an estimate.
	if (rp_grow(&code->insns, &b->insn_room, bytes / 4 + 16,
		    sizeof(*code->insns)) ||
	    rp_grow(&code->ops, &b->op_room, 1, sizeof(*code->ops)) ||
	    rp_grow(&code->relocs, &b->reloc_room, 1, sizeof(*code->relocs)))
		return rp_diag_nomem(b->diag);
	memset(&code->insns[0], 0, sizeof(code->insns[0]));
	memset(&code->ops[0], 0, sizeof(code->ops[0]));
	memset(&code->relocs[0], 0, sizeof(code->relocs[0]));
	code->ninsns = code->nops = code->nrelocs = 1;
	return 0;
}

int rp_code_decode(struct rp_code_build *b)
{
	struct rp_code *code = b->code;
	struct cursor c = { 0 };

	int rc = make_room(b);
	for (uint32_t i = 0; i < b->obj->nsections && !rc; i++) {
		code->section_first[i] = code->ninsns;
		c.section = i;
		if (i && is_code(b->obj, i))
			rc = decode_section(b, &c);
	}
	code->section_first[b->obj->nsections] = code->ninsns;
	return rc;
}
