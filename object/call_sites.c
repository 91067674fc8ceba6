/* SPDX-License-Identifier: MIT */
/*
 * Finding the call sites of static calls.
 *
 * In three steps for each text section: collect the relocations that refer to
 * a trampoline, sort them, then decode the code once from front to back and
 * see which instruction each relocation belongs to.
 *
 * Where decoding stops (data between functions, an instruction that is newer
 * than the decoder) the relocation still shows where the opcode must be, so
 * that one instruction is decoded by itself. That cannot invent a call: the
 * assembler said "branch displacement to a trampoline" here, and the library
 * checks the bytes again before it writes.
 */
#include "call_sites.h"
#include "insn.h"
#include "places.h"
#include "relobj_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PATCH_BLOCK	16	/* one store is one update inside such a block */
#define FIELD_SIZE	4
/* A rel32 counts from the end of the instruction, which is the field's end. */
#define FIELD_ADDEND	(-4)

struct candidate {
	uint64_t offset;	/* of the 32-bit field */
	uint32_t tramp;
	uint32_t type;
};

struct finder {
	const struct rp_relobj *obj;
	struct rp_places tramps;
	struct rp_places labels;
	struct candidate *v;	/* of one section */
	size_t n;
	size_t room;
	struct rp_call_sites *ret;
	struct rp_diag *diag;
};

static bool is_tramp(const struct rp_symbol *symbol)
{
	return symbol->type != STT_SECTION &&
	       !strncmp(symbol->name, RP_TRAMP_PREFIX,
			sizeof(RP_TRAMP_PREFIX) - 1);
}

static bool want_tramp(const struct rp_relobj *obj,
		       const struct rp_symbol *symbol)
{
	(void)obj;
	return is_tramp(symbol);
}

static bool want_label(const struct rp_relobj *obj,
		       const struct rp_symbol *symbol)
{
	return rp_section_is_text(&obj->sections[symbol->section]) &&
	       (symbol->type == STT_FUNC || symbol->type == STT_NOTYPE ||
		symbol->type == STT_GNU_IFUNC);
}

static bool object_has_tramps(const struct rp_relobj *obj)
{
	for (size_t i = 1; i < obj->nsymbols; i++) {
		if (is_tramp(&obj->symbols[i]))
			return true;
	}
	return false;
}

/*
 * The trampoline that a relocation refers to, or 0. Assemblers write a local
 * symbol as its section and an offset.
 */
static uint32_t reloc_tramp(const struct finder *f, const struct rp_reloc *r)
{
	const struct rp_symbol *symbol = &f->obj->symbols[r->symbol];
	const struct rp_place *place;

	if (is_tramp(symbol))
		return r->symbol;
	if (symbol->type != STT_SECTION || !symbol->section ||
	    symbol->section == RP_SECTION_NONE)
		return 0;
	place = rp_places_at(&f->tramps, symbol->section,
		symbol->value + (uint64_t)r->addend - FIELD_ADDEND);
	return place ? place->symbol : 0;
}

// Could it be the field of a branch to the beginning of the symbol?
static bool is_field(const struct finder *f, const struct rp_reloc *r)
{
	const uint32_t type = r->type;

	if (r->addend != FIELD_ADDEND &&
	    f->obj->symbols[r->symbol].type != STT_SECTION)
		return false;
	return type == R_X86_64_PC32 || type == R_X86_64_PLT32 ||
	       type == R_X86_64_GOTPCREL || type == R_X86_64_GOTPCRELX ||
	       type == R_X86_64_REX_GOTPCRELX;
}

static int add_candidate(struct finder *f, const struct rp_reloc *r,
			 uint32_t tramp)
{
	if (f->n == f->room) {
		size_t room = f->room ? 2 * f->room : 64;
		struct candidate *v = reallocarray(f->v, room, sizeof(*v));

		if (!v)
			return rp_diag_nomem(f->diag);
		f->v = v;
		f->room = room;
	}
	f->v[f->n++] = (struct candidate){ r->offset, tramp, r->type };
	return 0;
}

static int collect(struct finder *f, uint32_t rela)
{
	struct rp_relocs relocs;
	int rc = rp_relobj_relocs(f->obj, rela, &relocs, f->diag);

	for (size_t i = 0; i < relocs.n && !rc; i++) {
		const struct rp_reloc *r = &relocs.v[i];
		uint32_t tramp = reloc_tramp(f, r);

		if (!tramp)
			continue;
		if (is_field(f, r))
			rc = add_candidate(f, r, tramp);
		else
			f->ret->others++;
	}
	rp_relocs_deinit(&relocs);
	return rc;
}

static int by_offset(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static int sort_candidates(struct finder *f, uint32_t section)
{
	struct rp_where where;

	if (f->n)
		qsort(f->v, f->n, sizeof(*f->v), by_offset);
	for (size_t i = 1; i < f->n; i++) {
		if (f->v[i].offset - f->v[i - 1].offset >= FIELD_SIZE)
			continue;
		rp_where_section(&where, f->obj, section);
		return rp_diag_set_at(f->diag, RP_DIAG_RELOC_TWICE, where.text,
			f->v[i].offset, "two relocations change the same bytes");
	}
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
		    ret->branch != RP_INSN_OTHER && ret->field == back &&
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

static enum rp_site_kind site_kind(const struct rp_insn *insn, uint32_t type)
{
	bool direct = type == R_X86_64_PC32 || type == R_X86_64_PLT32;

	switch (insn->branch) {
	case RP_INSN_CALL:
		return direct ? RP_SITE_CALL : 0;
	case RP_INSN_JMP:
		return direct ? RP_SITE_JMP : 0;
	case RP_INSN_JCC:
		return direct ? RP_SITE_JCC : 0;
	case RP_INSN_CALL_MEM:
		return direct ? 0 : RP_SITE_CALL_GOT;
	case RP_INSN_JMP_MEM:
		return direct ? 0 : RP_SITE_JMP_GOT;
	default:
		return 0;
	}
}

// Below an alignment of 16 only the linker knows; then trust the object.
static bool crosses_block(uint64_t field)
{
	return field / PATCH_BLOCK != (field + FIELD_SIZE - 1) / PATCH_BLOCK;
}

static int add_site(struct finder *f, const struct rp_call_site *site)
{
	struct rp_call_sites *ret = f->ret;

	if (ret->n == ret->room) {
		size_t room = ret->room ? 2 * ret->room : 64;
		struct rp_call_site *v = reallocarray(ret->v, room, sizeof(*v));

		if (!v)
			return rp_diag_nomem(f->diag);
		ret->v = v;
		ret->room = room;
	}
	ret->v[ret->n++] = *site;
	return 0;
}

static int classify(struct finder *f, uint32_t section, uint64_t *pos,
		    const struct candidate *c)
{
	struct rp_insn insn;
	uint64_t start;

	if (!find_insn(f, section, pos, c->offset, &start, &insn) ||
	    start + insn.field != c->offset) {
		f->ret->others++;
		return 0;
	}
	enum rp_site_kind kind = site_kind(&insn, c->type);
	if (!kind) {
		f->ret->others++;
		return 0;
	}
	if (insn.prefixed) {
		f->ret->prefixed++;
		return 0;
	}
	return add_site(f, &(struct rp_call_site){
		.offset = start, .section = section, .tramp = c->tramp,
		.kind = kind, .crosses = crosses_block(c->offset) });
}

static int find_in_section(struct finder *f, uint32_t section)
{
	uint64_t pos = 0;
	int rc = 0;

	f->n = 0;
	for (uint32_t rela = f->obj->sections[section].rela; rela && !rc;
	     rela = f->obj->sections[rela].next_rela)
		rc = collect(f, rela);
	if (!rc)
		rc = sort_candidates(f, section);
	for (size_t i = 0; i < f->n && !rc; i++)
		rc = classify(f, section, &pos, &f->v[i]);
	return rc;
}

int rp_call_sites_find(const struct rp_relobj *obj, struct rp_call_sites *ret,
		       struct rp_diag *diag)
{
	struct finder f = { .obj = obj, .ret = ret, .diag = diag };
	int rc = 0;

	memset(ret, 0, sizeof(*ret));
	if (!object_has_tramps(obj))
		return 0;
	if (rp_places_init(&f.tramps, obj, want_tramp) ||
	    rp_places_init(&f.labels, obj, want_label))
		rc = rp_diag_nomem(diag);
	for (size_t i = 1; i < obj->nsections && !rc; i++) {
		if (rp_section_is_text(&obj->sections[i]))
			rc = find_in_section(&f, i);
	}
	free(f.v);
	rp_places_deinit(&f.tramps);
	rp_places_deinit(&f.labels);
	return rc;
}

void rp_call_sites_deinit(struct rp_call_sites *sites)
{
	free(sites->v);
	memset(sites, 0, sizeof(*sites));
}

const char *rp_site_kind_name(enum rp_site_kind kind)
{
	static const char *const names[RP_SITE_KIND_NR] = {
		[RP_SITE_CALL] = "call",
		[RP_SITE_JMP] = "jmp",
		[RP_SITE_JCC] = "jcc",
		[RP_SITE_CALL_GOT] = "call-got",
		[RP_SITE_JMP_GOT] = "jmp-got",
	};

	return (size_t)kind < RP_SITE_KIND_NR && names[kind] ? names[kind] :
							       "unknown";
}
