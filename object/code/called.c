/* SPDX-License-Identifier: MIT */
/*
 * Functions of linked files that nothing describes, but that are called: by code,
 * by the tables of what runs before and behind main, and from where a program
 * starts. What lies between two of these is one piece of code, as far as is known.
 */
#include "../grow.h"
#include "internal.h"

#include <elf.h>
#include <stdlib.h>

bool rp_code_ends_flow(const struct rp_code_insn *insn)
{
	return insn->flow == RP_FLOW_RET || insn->flow == RP_FLOW_JMP ||
	       insn->flow == RP_FLOW_JMP_INDIRECT ||
	       insn->flow == RP_FLOW_UD || insn->flow == RP_FLOW_HLT;
}

// Is the place in a function that is known?
static bool is_described(const struct rp_code *code, struct rp_spot spot)
{
	uint32_t insn = rp_code_around(code, spot.section, spot.offset);
	size_t low = 1, high = code->nfunctions;

	if (insn)
		return code->insns[insn].function;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct rp_function *f = &code->functions[mid];

		if (f->section < spot.section ||
		    (f->section == spot.section && f->offset <= spot.offset))
			low = mid + 1;
		else
			high = mid;
	}
	const struct rp_function *f = &code->functions[low - 1];
	return low > 1 && f->section == spot.section &&
	       spot.offset - f->offset < f->size;
}

// As nearly all compilers have it.
#define ALIGNMENT	16

/* Does nothing run into the place? What is called by what nothing describes may be
 * no call at all. */
static bool looks_like_start(const struct rp_code *code, struct rp_spot spot)
{
	uint32_t insn = rp_code_at(code, spot.section, spot.offset);
	const struct rp_code_insn *before;

	if (!insn)
		return spot.offset % ALIGNMENT == 0;
	before = &code->insns[insn - 1];
	return insn == code->section_first[spot.section] ||
	       before->offset + before->length != spot.offset ||
	       before->function || rp_code_is_fill(before) || rp_code_ends_flow(before);
}

static int add_start(struct rp_code_build *b, struct rp_starts *s,
		     struct rp_spot spot)
{
	if (!spot.section || !rp_code_has(b->code, spot.section) ||
	    spot.offset >= b->obj->sections[spot.section].hdr.sh_size ||
	    rp_code_is_stub_section(b->code, spot.section) ||
	    is_described(b->code, spot))
		return 0;
	if (rp_grow(&s->v, &s->room, s->n + 1, sizeof(*s->v)))
		return rp_diag_nomem(b->diag);
	s->v[s->n++] = spot;
	return 0;
}

static int from_calls(struct rp_code_build *b, struct rp_starts *s)
{
	const struct rp_code *code = b->code;
	int rc = 0;

	for (uint32_t i = 1; i < code->ninsns && !rc; i++) {
		struct rp_spot spot;

		if (code->insns[i].flow != RP_FLOW_CALL)
			continue;
		spot = rp_code_written_target(code, i);
		if (code->insns[i].function || looks_like_start(code, spot))
			rc = add_start(b, s, spot);
	}
	return rc;
}

static int from_address(struct rp_code_build *b, struct rp_starts *s,
			uint64_t address)
{
	struct rp_spot spot = { 0 };

	spot.section = rp_relobj_section_at(b->obj, address, &spot.offset);
	return add_start(b, s, spot);
}

static bool is_array(const GElf_Shdr *hdr)
{
	return hdr->sh_type == SHT_INIT_ARRAY ||
	       hdr->sh_type == SHT_FINI_ARRAY ||
	       hdr->sh_type == SHT_PREINIT_ARRAY;
}

// A pointer of .init_array: what the dynamic linker makes it, or what it is.
static int from_array(struct rp_code_build *b, struct rp_starts *s,
		      uint32_t section)
{
	const GElf_Shdr *hdr = &b->obj->sections[section].hdr;
	struct rp_records words = {
		.data = rp_section_data(b->obj, section), .size = hdr->sh_size,
	};
	int rc = 0;

	if (!words.data)
		return 0;
	for (uint64_t at = 0; hdr->sh_size - at >= 8 && !rc; at += 8) {
		const struct rp_reloc *r =
			rp_dynamic_at(b->code, hdr->sh_addr + at);

		rc = from_address(b, s, r ? (uint64_t)r->addend :
				  rp_records_field(&words, at, 8));
	}
	return rc;
}

// So far behind its start a program has said where main is.
#define START_LENGTH	32

// main: the code that a program starts with loads its address.
static int from_entry(struct rp_code_build *b, struct rp_starts *s)
{
	const struct rp_code *code = b->code;
	struct rp_spot spot = { 0 };
	int rc = from_address(b, s, b->obj->ehdr.e_entry);

	spot.section = rp_relobj_section_at(b->obj, b->obj->ehdr.e_entry,
					    &spot.offset);
	uint32_t i = spot.section ?
		rp_code_at(code, spot.section, spot.offset) : 0;
	for (int n = 0; i && n < START_LENGTH && !rc; n++) {
		struct rp_insn_flow flow;

		if (rp_insn_flow(rp_code_bytes(code, i), code->insns[i].length,
				 &flow))
			break;
		spot = rp_code_reference(code, i, &flow);
		if (flow.reg != RP_REG_NONE && !flow.memory &&
		    looks_like_start(code, spot))
			rc = add_start(b, s, spot);
		i = rp_code_ends_flow(&code->insns[i]) ? 0 :
			rp_code_next(code, i);
	}
	return rc;
}

static void sort_starts(struct rp_starts *s)
{
	size_t n = 0;

	if (!s->n)
		return;
	qsort(s->v, s->n, sizeof(*s->v), rp_spot_compare);
	for (size_t i = 1; i < s->n; i++) {
		if (rp_spot_compare(&s->v[i], &s->v[n]))
			s->v[++n] = s->v[i];
	}
	s->n = n + 1;
}

/* Decoding went over it: it has to begin there anew. */
static int list_missed(struct rp_code_build *b, const struct rp_starts *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct rp_span span = { s->v[i].offset, s->v[i].offset,
					s->v[i].section, false };

		if (rp_code_at(b->code, span.section, span.start))
			continue;
		if (rp_code_add_span(&b->found, &b->nfound, &b->found_room,
				     span))
			return rp_diag_nomem(b->diag);
	}
	return 0;
}

int rp_code_find_called(struct rp_code_build *b, struct rp_starts *s)
{
	int rc = 0;

	if (!b->obj->linked)
		return 0;
	rc = from_calls(b, s);
	if (!rc)
		rc = from_entry(b, s);
	for (uint32_t i = 1; i < b->obj->nsections && !rc; i++) {
		if (is_array(&b->obj->sections[i].hdr))
			rc = from_array(b, s, i);
	}
	if (rc)
		return rc;
	sort_starts(s);
	return list_missed(b, s);
}

size_t rp_starts_behind(const struct rp_starts *s, uint32_t section,
			uint64_t offset)
{
	struct rp_spot key = { section, offset };
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (rp_spot_compare(&s->v[mid], &key) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}
