/* SPDX-License-Identifier: MIT */
/*
 * Addresses within functions that are taken: by code, and by pointers in data.
 * An indirect jump that goes through no table may go to any of its function's
 * (computed gotos).
 */
#include "../grow.h"
#include "switches.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* struct label - instruction @insn of whole function @function. */
struct label {
	uint32_t function;
	uint32_t insn;
};

/*
 * struct labels - @wanted: for each function, whether it has jumps that go
 * through no table; @said: the last one whose jumps were said to be too many.
 */
struct labels {
	struct rp_code_build *b;
	struct label *v;
	size_t n, room;
	uint8_t *wanted;
	uint32_t said;
};

static int add_label(struct labels *l, struct rp_spot spot)
{
	struct rp_code *code = l->b->code;
	uint32_t insn = spot.section ?
		rp_code_at(code, spot.section, spot.offset) : 0;
	uint32_t f = insn ? code->insns[insn].function : 0;

	if (!insn)
		return 0;
	code->insns[insn].flags |= RP_CODE_LABEL;
	if (!f || code->insns[insn].offset == code->functions[f].offset)
		return 0;
	f = rp_function_whole(code, f);
	if (!l->wanted[f])
		return 0;
	if (rp_grow(&l->v, &l->room, l->n + 1, sizeof(*l->v)))
		return rp_diag_nomem(l->b->diag);
	l->v[l->n++] = (struct label){ f, insn };
	return 0;
}

static int from_code(struct labels *l, const struct rp_switches *s)
{
	int rc = 0;

	for (size_t i = 0; i < s->nrefs && !rc; i++) {
		if (s->refs[i].reg != RP_REG_NONE &&
		    !rp_large_is_got_base(l->b->code, &s->refs[i]))
			rc = add_label(l, s->refs[i].place);
	}
	return rc;
}

// Tables that describe code do not let anything jump there.
static bool is_description(const struct rp_code *code, const char *name)
{
	static const char *const names[] = {
		".eh_frame", ".gcc_except_table", ".orc_unwind_ip",
		"__patchable_function_entries", ".llvm_addrsig", "__mcount_loc",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	}
	return !strncmp(name, "rp_", 3) || !strcmp(name, code->abi->key_sites) ||
	       !strcmp(name, code->abi->alternatives);
}

static bool is_data(const struct rp_code *code, uint32_t section)
{
	const struct rp_section *s = &code->obj->sections[section];

	return (s->hdr.sh_flags & SHF_ALLOC) &&
	       !(s->hdr.sh_flags & SHF_EXECINSTR) &&
	       s->hdr.sh_type != SHT_NOBITS && s->hdr.sh_type != SHT_NOTE &&
	       !is_description(code, s->name);
}

static int from_relocs(struct labels *l, uint32_t section)
{
	const struct rp_relobj *obj = l->b->obj;
	uint32_t rela = obj->sections[section].rela;
	struct rp_relocs relocs;
	int rc = 0;

	for (; rela && !rc; rela = obj->sections[rela].next_rela) {
		rc = rp_relobj_relocs(obj, rela, &relocs, l->b->diag);
		if (rc)
			return rc;
		for (size_t i = 0; i < relocs.n && !rc; i++) {
			const struct rp_reloc *r = &relocs.v[i];

			if (r->type == R_X86_64_64 || r->type == R_X86_64_32 ||
			    r->type == R_X86_64_32S)
				rc = add_label(l, rp_relobj_spot(obj, r->symbol,
								 r->addend));
		}
		rp_relocs_deinit(&relocs);
	}
	return rc;
}

static int from_address(struct labels *l, uint64_t address)
{
	struct rp_spot spot = { 0 };

	spot.section = rp_relobj_section_at(l->b->obj, address, &spot.offset);
	return add_label(l, spot);
}

// What is linked to a fixed address has pointers without relocations.
static int from_words(struct labels *l, uint32_t section)
{
	const uint8_t *data = rp_section_data(l->b->obj, section);
	uint64_t size = l->b->obj->sections[section].hdr.sh_size;
	struct rp_records words = { .data = data, .size = size };
	int rc = 0;

	if (!data || l->b->obj->sections[section].hdr.sh_addr & 7)
		return 0;
	for (uint64_t at = 0; size - at >= 8 && !rc; at += 8)
		rc = from_address(l, rp_records_field(&words, at, 8));
	return rc;
}

static int from_dynamic(struct labels *l)
{
	const struct rp_relocs *relocs = &l->b->code->index->dynamic;
	int rc = 0;

	for (size_t i = 0; i < relocs->n && !rc; i++) {
		if (relocs->v[i].type == R_X86_64_RELATIVE)
			rc = from_address(l, relocs->v[i].addend);
	}
	return rc;
}

static int from_data(struct labels *l)
{
	const struct rp_relobj *obj = l->b->obj;
	int rc = obj->linked ? from_dynamic(l) : 0;

	for (uint32_t i = 1; i < obj->nsections && !rc; i++) {
		if (!is_data(l->b->code, i))
			continue;
		if (!obj->linked)
			rc = from_relocs(l, i);
		else if (obj->ehdr.e_type == ET_EXEC)
			rc = from_words(l, i);
	}
	return rc;
}

static bool is_unknown(const struct rp_code *code, uint32_t i)
{
	const struct rp_code_insn *insn = &code->insns[i];

	return insn->flow == RP_FLOW_JMP_INDIRECT &&
	       !(insn->flags & (RP_CODE_EDGES | RP_CODE_THUNK)) &&
	       !rp_code_pointer_symbol(code, i) && !rp_large_goes_to_function(code, i);
}

static int by_function(const void *a, const void *b)
{
	const struct label *x = a, *y = b;

	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	return (x->insn > y->insn) - (x->insn < y->insn);
}

static void sort_labels(struct labels *l)
{
	size_t n = 0;

	if (!l->n)
		return;
	qsort(l->v, l->n, sizeof(*l->v), by_function);
	for (size_t i = 1; i < l->n; i++) {
		if (by_function(&l->v[i], &l->v[n]))
			l->v[++n] = l->v[i];
	}
	l->n = n + 1;
}

static size_t labels_of(const struct labels *l, uint32_t function)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (l->v[mid].function < function)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int connect(struct labels *l, uint32_t jump)
{
	struct rp_code *code = l->b->code;
	struct rp_code_insn *insn = &code->insns[jump];
	uint32_t f = rp_function_whole(code, insn->function);
	int rc = 0;

	for (size_t i = labels_of(l, f); f && i < l->n &&
	     l->v[i].function == f && !rc; i++) {
		insn->flags |= RP_CODE_EDGES;
		rc = rp_code_add_edge(l->b, jump, l->v[i].insn, RP_EDGE_LABEL);
	}
	if (!(insn->flags & RP_CODE_EDGES))
		insn->flags |= RP_CODE_TAIL;
	return rc;
}

// One for all of a function's: interpreters have thousands of them.
static void say_too_many(struct labels *l, uint32_t i)
{
	const struct rp_code *code = l->b->code;
	uint32_t f = code->insns[i].function;

	if (f && f == l->said)
		return;
	l->said = f;
	rp_findings_add(l->b->findings, RP_DIAG_CHECK_INDIRECT, RP_WARNING,
			rp_code_section(code, i), code->insns[i].offset,
			"this jump, and others of its function, may go to too "
			"many places: not followed");
}

static int connect_all(struct labels *l)
{
	struct rp_code *code = l->b->code;
	int rc = 0;

	for (uint32_t i = 1; i < code->ninsns && !rc; i++) {
		if (code->insns[i].flow != RP_FLOW_JMP_INDIRECT ||
		    (code->insns[i].flags & RP_CODE_EDGES))
			continue;
		if (!is_unknown(code, i))
			code->insns[i].flags |= RP_CODE_TAIL;
		else if (rp_code_has_too_many_edges(code))
			say_too_many(l, i);
		else
			rc = connect(l, i);
	}
	return rc;
}

static bool is_computed(const struct rp_code *code, uint32_t i)
{
	size_t n;
	const struct rp_edge *edges;

	if (code->insns[i].flow != RP_FLOW_JMP_INDIRECT ||
	    !(code->insns[i].flags & RP_CODE_EDGES))
		return false;
	edges = rp_code_edges(code, i, &n);
	return n && edges->kind == RP_EDGE_LABEL;
}

// Fill and traps are not there to be reached.
static bool is_missed(const struct rp_code_build *b, uint32_t i)
{
	const struct rp_code_insn *insn = &b->code->insns[i];

	return !b->reached[i] && !rp_code_is_fill(insn) &&
	       insn->flow != RP_FLOW_UD &&
	       !(insn->flags & RP_CODE_IGNORE) &&
	       !(b->code->insns[i - 1].flags & RP_CODE_DEAD_END);
}

// For each whole function, how many instructions nothing leads to.
static uint32_t *count_missed(const struct rp_code_build *b)
{
	const struct rp_code *code = b->code;
	uint32_t *missed = calloc(code->nfunctions, sizeof(*missed));

	for (uint32_t i = 1; missed && i < code->ninsns; i++) {
		if (is_missed(b, i))
			missed[rp_function_whole(code,
						 code->insns[i].function)]++;
	}
	return missed;
}

/*
 * Labels may be numbers that count from another label: `goto *(&&a + t[i])`.
 * Nothing tells these from other numbers, but what they lead to is not reached.
 */
int rp_code_say_computed(struct rp_code_build *b)
{
	const struct rp_code *code = b->code;
	uint32_t *missed, *n;

	if (!b->reached)
		return 0;
	missed = count_missed(b);
	if (!missed)
		return rp_diag_nomem(b->diag);
	missed[0] = 0;
	for (uint32_t i = 1; i < code->ninsns; i++) {
		n = &missed[rp_function_whole(code, code->insns[i].function)];
		if (!*n || !b->reached[i] || !is_computed(code, i))
			continue;
		rp_findings_add(b->findings, RP_DIAG_CHECK_INDIRECT, RP_WARNING,
				rp_code_section(code, i), code->insns[i].offset,
				"where this jump goes is not all known: %u "
				"instructions of its function are reached in no "
				"other way", *n);
		*n = 0;		// once is enough
	}
	free(missed);
	return 0;
}

int rp_code_find_labels(struct rp_code_build *b, const struct rp_switches *s)
{
	struct rp_code *code = b->code;
	struct labels l = { .b = b, .wanted = calloc(code->nfunctions, 1) };

	if (!l.wanted)
		return rp_diag_nomem(b->diag);
	for (uint32_t i = 1; i < code->ninsns; i++) {
		if (is_unknown(code, i))
			l.wanted[rp_function_whole(code,
				code->insns[i].function)] = 1;
	}
	int rc = from_code(&l, s);
	if (!rc)
		rc = from_data(&l);
	sort_labels(&l);
	if (!rc)
		rc = connect_all(&l);
	free(l.v);
	free(l.wanted);
	return rc;
}
