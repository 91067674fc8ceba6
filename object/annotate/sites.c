/* SPDX-License-Identifier: MIT */
/*
 * Finding call sites and ops sites.
 *
 * In three steps for each text section: collect the relocations that refer to
 * a trampoline or an ops table, sort them, then decode the code once from
 * front to back and see which instruction each relocation belongs to.
 *
 * Where decoding stops (data between functions, an instruction that is newer
 * than the decoder) the relocation still shows where the opcode must be, so
 * that one instruction is decoded by itself. That cannot invent a call: the
 * assembler said "branch displacement to a trampoline" here, and the library
 * checks the bytes again before it writes.
 */
#include "../elf/places.h"
#include "../elf/relobj_internal.h"
#include "../insn/insn.h"
#include "site_type.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PATCH_BLOCK	16	/* one store is one update inside such a block */
#define FIELD_SIZE	4
/* A rel32 counts from the end of the instruction, which is the field's end. */
#define FIELD_ADDEND	(-4)
/* ff 15 disp32, ff 25 disp32: what is left without prefixes. */
#define OP_INSN_SIZE	6

struct candidate {
	uint64_t offset;	/* of the 32-bit field */
	int64_t addend;		/* from the symbol */
	uint32_t symbol;
	uint32_t type;
	size_t order;		/* of its relocation, in the file */
	uint8_t recorded;	/* length that a record says, or 0 */
	bool named;		/* refers to a target, by the symbols */
};

/* The field of an instruction that an existing record names. */
struct recorded {
	uint64_t offset;
	uint32_t section;
	uint8_t length;
};

struct finder {
	const struct rp_relobj *obj;
	const struct rp_site_type *type;
	bool (*want)(const struct rp_relobj *obj,
		     const struct rp_symbol *symbol);
	struct rp_places targets;
	struct rp_places labels;
	struct recorded *recorded;	/* by section and offset */
	size_t nrecorded;
	struct candidate *v;	/* of one section */
	size_t n;
	size_t room;
	struct rp_sites *ret;
	struct rp_diag *diag;
};

static bool want_tramp(const struct rp_relobj *obj,
		       const struct rp_symbol *symbol)
{
	(void)obj;
	return rp_symbol_is_target(symbol, &rp_site_types[RP_TABLE_CALLS]);
}

static bool want_kernel_tramp(const struct rp_relobj *obj,
			      const struct rp_symbol *symbol)
{
	(void)obj;
	return rp_symbol_is_target(symbol, &rp_site_types[RP_TABLE_KERNEL]);
}

// Without a size nobody knows which places are inside.
static bool want_ops(const struct rp_relobj *obj,
		     const struct rp_symbol *symbol)
{
	(void)obj;
	return symbol->size &&
	       rp_symbol_is_target(symbol, &rp_site_types[RP_TABLE_OPS]);
}

static bool want_label(const struct rp_relobj *obj,
		       const struct rp_symbol *symbol)
{
	return rp_section_is_text(&obj->sections[symbol->section]) &&
	       (symbol->type == STT_FUNC || symbol->type == STT_NOTYPE ||
		symbol->type == STT_GNU_IFUNC);
}

static bool object_has_targets(const struct finder *f)
{
	for (size_t i = 1; i < f->obj->nsymbols; i++) {
		if (rp_symbol_is_target(&f->obj->symbols[i], f->type))
			return true;
	}
	return false;
}

/* The trampoline at a place, or the ops table around it. */
static const struct rp_place *place_of_target(const struct finder *f,
					      uint32_t section, uint64_t offset)
{
	const struct rp_place *place;

	if (!f->type->members)
		return rp_places_at(&f->targets, section, offset);
	place = rp_places_before(&f->targets, section, offset);
	if (!place || offset - place->offset >=
		      f->obj->symbols[place->symbol].size)
		return NULL;
	return place;
}

static int compare_recorded(const void *a, const void *b)
{
	const struct recorded *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* The length of the instruction with that field by a record, or 0. */
static uint8_t recorded_length(const struct finder *f, uint32_t section,
			       uint64_t offset)
{
	const struct recorded key = { .offset = offset, .section = section };
	const struct recorded *at = NULL;

	if (f->nrecorded)
		at = bsearch(&key, f->recorded, f->nrecorded, sizeof(key),
			     compare_recorded);
	return at ? at->length : 0;
}

/* Does a relocation in @text refer to what sites refer to? And to what? */
static bool refers(const struct finder *f, uint32_t text,
		   const struct rp_reloc *r, struct candidate *ret)
{
	const struct rp_symbol *symbol = &f->obj->symbols[r->symbol];
	uint64_t addend = (uint64_t)r->addend - FIELD_ADDEND;
	const struct rp_place *place = NULL;

	*ret = (struct candidate){
		.offset = r->offset, .addend = addend, .symbol = r->symbol,
		.type = r->type,
		.recorded = recorded_length(f, text, r->offset),
		.named = rp_symbol_is_target(symbol, f->type) };
	if (ret->named)
		return true;
	// Assemblers write a local symbol as its section and an offset.
	if (symbol->type == STT_SECTION && symbol->section &&
	    symbol->section != RP_SECTION_NONE)
		place = place_of_target(f, symbol->section,
					symbol->value + addend);
	if (!place)
		return r->symbol && ret->recorded;
	ret->symbol = place->symbol;
	ret->addend = symbol->value + addend - place->offset;
	ret->named = true;
	return true;
}

static int add_candidate(struct finder *f, const struct candidate *c)
{
	if (f->n == f->room) {
		size_t room = f->room ? 2 * f->room : 64;
		struct candidate *v = reallocarray(f->v, room, sizeof(*v));

		if (!v)
			return rp_diag_nomem(f->diag);
		f->v = v;
		f->room = room;
	}
	f->v[f->n] = *c;
	f->v[f->n].order = f->n;
	f->n++;
	return 0;
}

static int collect(struct finder *f, uint32_t text, uint32_t rela)
{
	struct rp_relocs relocs;
	int rc = rp_relobj_relocs(f->obj, rela, &relocs, f->diag);

	for (size_t i = 0; i < relocs.n && !rc; i++) {
		struct candidate c;

		if (!refers(f, text, &relocs.v[i], &c))
			continue;
		switch (f->type->reference(c.type, c.addend)) {
		case RP_REFERENCE_FIELD:
			rc = add_candidate(f, &c);
			break;
		case RP_REFERENCE_GOT:
			f->ret->got++;
			break;
		default:
			rc = rp_sites_add_other(f->ret, &(struct rp_other){
				c.offset, text, c.symbol }, f->diag);
		}
	}
	rp_relocs_deinit(&relocs);
	return rc;
}

static int by_offset(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/*
 * Of relocations that overlap one counts: the one that refers to a target, or
 * else, for a record's sake, the first. Two that do are an error.
 */
static int sort_candidates(struct finder *f, uint32_t section)
{
	struct rp_where where;
	size_t n = 0;

	if (f->n)
		qsort(f->v, f->n, sizeof(*f->v), by_offset);
	for (size_t i = 0; i < f->n; i++) {
		const struct candidate *c = &f->v[i];
		struct candidate *last = n ? &f->v[n - 1] : NULL;

		if (!last || c->offset - last->offset >= FIELD_SIZE) {
			f->v[n++] = *c;
		} else if (!last->named) {
			*last = c->named ? *c : *last;
		} else if (c->named) {
			rp_where_section(&where, f->obj, section);
			return rp_diag_set_at(f->diag, RP_DIAG_RELOC_TWICE,
				where.text, c->offset,
				"two relocations change the same bytes");
		}
	}
	f->n = n;
	return 0;
}

/*
 * The instruction whose field is at @offset, when it cannot be reached from a
 * symbol: one opcode byte precedes the field of a call and jmp, two that of
 * the others.
 */
static bool decode_backwards(const uint8_t *code, uint64_t size,
			     uint64_t offset, uint64_t *start,
			     struct rp_insn *ret)
{
	for (uint64_t back = 1; back <= 2 && back <= offset; back++) {
		*start = offset - back;
		if (!rp_insn_decode(code + *start, size - *start, ret) &&
		    ret->branch != RP_INSN_OTHER && rp_insn_field(ret) == back &&
		    !ret->prefixed)
			return true;
	}
	return false;
}

/*
 * Decode from *@pos to the instruction that holds @offset. *@pos is left
 * behind it, so that the whole section is decoded once at most.
 */
static bool decode_to(const uint8_t *code, uint64_t size, uint64_t *pos,
		      uint64_t offset, uint64_t *start, struct rp_insn *ret)
{
	while (*pos <= offset) {
		*start = *pos;
		if (rp_insn_decode(code + *pos, size - *pos, ret))
			return false;
		*pos += ret->length;
		if (*pos > offset)
			return true;
	}
	return false;
}

static bool find_insn(struct finder *f, uint32_t section, uint64_t *pos,
		      uint64_t offset, uint64_t *start, struct rp_insn *ret)
{
	const uint8_t *code = rp_section_data(f->obj, section);
	uint64_t size = f->obj->sections[section].hdr.sh_size;
	const struct rp_place *label;

	label = rp_places_before(&f->labels, section, offset);
	if (label && label->offset > *pos)
		*pos = label->offset;
	if (decode_to(code, size, pos, offset, start, ret))
		return true;
	if (!decode_backwards(code, size, offset, start, ret))
		return false;
	*pos = *start + ret->length;
	return true;
}

/*
 * Below an alignment of 16 only the linker knows; then trust the object. A call
 * keeps its opcode; of an ops site all bytes behind the prefixes may change.
 */
static bool crosses_block(const struct finder *f, const struct candidate *c)
{
	uint64_t end = c->offset + FIELD_SIZE;
	uint64_t first = end - (f->type->members ? OP_INSN_SIZE : FIELD_SIZE);

	return first / PATCH_BLOCK != (end - 1) / PATCH_BLOCK;
}

/*
 * Prefixes that a record leaves out are no part of the site: rp_op_asm() aligns
 * with them.
 */
static void trim_prefixes(struct rp_site *site, uint8_t recorded)
{
	if (recorded < OP_INSN_SIZE || recorded >= site->length)
		return;
	site->offset += site->length - recorded;
	site->length = recorded;
}

static bool has_bad_prefix(const struct finder *f, const struct rp_insn *insn)
{
	return insn->prefixed && !(f->type->cs_prefixes && insn->only_cs);
}

static int classify(struct finder *f, uint32_t section, uint64_t *pos,
		    const struct candidate *c)
{
	struct rp_insn insn;
	unsigned int kind = 0;
	uint64_t start;

	if (find_insn(f, section, pos, c->offset, &start, &insn) &&
	    start + rp_insn_field(&insn) == c->offset)
		kind = f->type->kind(&insn, c->type);
	if (!kind)
		return rp_sites_add_other(f->ret, &(struct rp_other){
			c->offset, section, c->symbol }, f->diag);
	if (has_bad_prefix(f, &insn)) {
		f->ret->prefixed++;
		return 0;
	}
	struct rp_site site = {
		.offset = start, .section = section, .symbol = c->symbol,
		.addend = c->addend, .kind = kind, .length = insn.length,
		.crosses = crosses_block(f, c) };
	trim_prefixes(&site, c->recorded);
	return rp_sites_add(f->ret, &site, f->diag);
}

static int find_in_section(struct finder *f, uint32_t section)
{
	uint64_t pos = 0;
	int rc = 0;

	f->n = 0;
	for (uint32_t rela = f->obj->sections[section].rela; rela && !rc;
	     rela = f->obj->sections[rela].next_rela)
		rc = collect(f, section, rela);
	if (!rc)
		rc = sort_candidates(f, section);
	for (size_t i = 0; i < f->n && !rc; i++)
		rc = classify(f, section, &pos, &f->v[i]);
	return rc;
}

// A record that is not one names nothing: the table is written anew then.
static void note_record(struct finder *f, uint32_t table,
			const struct rp_reloc *r)
{
	const struct rp_symbol *symbol = &f->obj->symbols[r->symbol];
	uint64_t size = f->obj->sections[table].hdr.sh_size;

	if (r->offset % RP_RECORD_SIZE != RP_RECORD_CODE ||
	    size - r->offset < RP_RECORD_SIZE || r->type != R_X86_64_PC32 ||
	    !symbol->section || symbol->section == RP_SECTION_NONE)
		return;
	uint8_t length = rp_section_data(f->obj, table)[r->offset +
					offsetof(struct rp_op_site, len)];
	f->recorded[f->nrecorded++] = (struct recorded){
		symbol->value + (uint64_t)r->addend + length - FIELD_SIZE,
		symbol->section, length };
}

static int note_records(struct finder *f, uint32_t table, uint32_t rela)
{
	struct rp_relocs relocs;
	struct recorded *v;

	int rc = rp_relobj_relocs(f->obj, rela, &relocs, f->diag);
	if (rc || !relocs.n)
		return rc;
	v = reallocarray(f->recorded, f->nrecorded + relocs.n, sizeof(*v));
	if (v) {
		f->recorded = v;
		for (size_t i = 0; i < relocs.n; i++)
			note_record(f, table, &relocs.v[i]);
	} else {
		rc = rp_diag_nomem(f->diag);
	}
	rp_relocs_deinit(&relocs);
	return rc;
}

static int find_recorded(struct finder *f)
{
	const struct rp_relobj *obj = f->obj;
	int rc = 0;

	if (!f->type->by_assembler)
		return 0;
	for (size_t i = 1; i < obj->nsections && !rc; i++) {
		if (!rp_section_is_site_table(&obj->sections[i], f->type))
			continue;
		for (uint32_t rela = obj->sections[i].rela; rela && !rc;
		     rela = obj->sections[rela].next_rela)
			rc = note_records(f, i, rela);
	}
	if (!rc && f->nrecorded)
		qsort(f->recorded, f->nrecorded, sizeof(*f->recorded),
		      compare_recorded);
	return rc;
}

static int find_all(struct finder *f)
{
	const struct rp_relobj *obj = f->obj;
	int rc = 0;

	if (rp_places_init(&f->targets, obj, f->want) ||
	    rp_places_init(&f->labels, obj, want_label))
		rc = rp_diag_nomem(f->diag);
	for (size_t i = 1; i < obj->nsections && !rc; i++) {
		if (rp_section_is_text(&obj->sections[i]))
			rc = find_in_section(f, i);
	}
	rp_sites_sort_others(f->ret);
	free(f->v);
	rp_places_deinit(&f->targets);
	rp_places_deinit(&f->labels);
	return rc;
}

int rp_sites_find(const struct rp_relobj *obj, enum rp_site_table table,
		  struct rp_sites *ret, struct rp_diag *diag)
{
	static bool (*const wants[])(const struct rp_relobj *obj,
				     const struct rp_symbol *symbol) = {
		[RP_TABLE_CALLS] = want_tramp, [RP_TABLE_OPS] = want_ops,
		[RP_TABLE_KERNEL] = want_kernel_tramp,
	};
	struct finder f = { .obj = obj, .type = &rp_site_types[table],
			    .want = wants[table], .ret = ret, .diag = diag };

	memset(ret, 0, sizeof(*ret));
	int rc = find_recorded(&f);
	if (!rc && (f.nrecorded || object_has_targets(&f)))
		rc = find_all(&f);
	free(f.recorded);
	return rc;
}
