/* SPDX-License-Identifier: MIT */
/* The layout of a payload's image. */
#include "place.h"
#include "../object/grow.h"

#include <errno.h>
#include <string.h>

/* Where the layout has come to; 64 bits: what does not fit is noticed late. */
struct cursor {
	uint64_t at;
	uint64_t align;		/* the largest one asked for */
};

static uint64_t take(struct cursor *cursor, uint64_t size, uint64_t align)
{
	uint64_t at;

	if (align > cursor->align)
		cursor->align = align;
	if (align > 1)
		cursor->at = (cursor->at + align - 1) & ~(align - 1);
	at = cursor->at;
	cursor->at += size;
	return at;
}

static enum rp_part part_of(const struct rp_section *section)
{
	if (section->hdr.sh_flags & SHF_EXECINSTR)
		return RP_PART_TEXT;
	return section->hdr.sh_flags & SHF_WRITE ? RP_PART_DATA :
						   RP_PART_CONSTS;
}

static void take_sections(struct rp_placement *p, struct cursor *cursor,
			  enum rp_part part)
{
	const struct rp_relobj *obj = &p->payload->obj;

	for (size_t i = 1; i < obj->nsections; i++) {
		const struct rp_section *section = &obj->sections[i];

		if (rp_payload_is_loaded(section) && part_of(section) == part &&
		    i != p->payload->eh_frame)
			p->sections[i] = take(cursor, section->hdr.sh_size,
					      section->hdr.sh_addralign);
	}
}

static void take_stubs(struct rp_placement *p, struct cursor *cursor)
{
	for (size_t i = 0; i < p->nstubs; i++)
		p->stubs[i].offset = take(cursor, RP_PLACE_STUB_SIZE,
					  RP_PLACE_STUB_SIZE);
}

static void take_got(struct rp_placement *p, struct cursor *cursor)
{
	for (size_t i = 0; i < p->ngot; i++)
		p->got[i].offset = take(cursor, rp_got_size(p->got[i].kind), 8);
}

/*
 * The end of .eh_frame is known by a length of zero. Bytes between two parts of
 * it would be such a length, so there is only one section of that name.
 */
static void take_eh_frame(struct rp_placement *p, struct cursor *cursor)
{
	const uint32_t index = p->payload->eh_frame;
	const GElf_Shdr *hdr = &p->payload->obj.sections[index].hdr;

	if (!index)
		return;
	p->eh_frame.size = hdr->sh_size + sizeof(uint32_t);
	p->eh_frame.offset = take(cursor, p->eh_frame.size, hdr->sh_addralign);
	p->sections[index] = p->eh_frame.offset;
}

static int lay_out(struct rp_placement *p, struct rp_diag *diag)
{
	struct cursor cursor = { .align = RP_PLACE_PAGE };

	for (enum rp_part part = 0; part < RP_PART_NR; part++) {
		uint64_t start = cursor.at;

		take_sections(p, &cursor, part);
		if (part == RP_PART_TEXT)
			take_stubs(p, &cursor);
		if (part == RP_PART_CONSTS) {
			take_got(p, &cursor);
			take_eh_frame(p, &cursor);
		}
		take(&cursor, 0, RP_PLACE_PAGE);
		// Sections have 256 MiB; alignment and stubs could add much.
		if (cursor.at > 2 * (uint64_t)RP_PAYLOAD_SIZE_MAX)
			return rp_diag_set(diag, RP_DIAG_PAYLOAD_SECTION, NULL,
				"more than 512 MiB to be loaded, with stubs "
				"and padding");
		p->parts[part].offset = start;
		p->parts[part].size = cursor.at - start;
	}
	p->size = cursor.at;
	p->align = cursor.align;
	return 0;
}

static int want_got(struct rp_placement *p, uint32_t symbol,
		    enum rp_got_kind kind)
{
	if (p->got_of[symbol][kind])
		return 0;
	if (rp_grow(&p->got, &p->got_capacity, p->ngot + 1, sizeof(*p->got)))
		return -ENOMEM;
	p->got[p->ngot++] = (struct rp_got_entry){ 0, symbol, kind };
	p->got_of[symbol][kind] = p->ngot;
	return 0;
}

static int want_stub(struct rp_placement *p, uint32_t symbol)
{
	if (p->stub_of[symbol])
		return 0;
	if (rp_grow(&p->stubs, &p->stubs_capacity, p->nstubs + 1,
		    sizeof(*p->stubs)))
		return -ENOMEM;
	p->stubs[p->nstubs++] = (struct rp_stub){ 0, symbol };
	p->stub_of[symbol] = p->nstubs;
	return want_got(p, symbol, RP_GOT_ADDRESS);
}

/*
 * Does the field belong to a branch: e8, e9, or 0f 80 to 0f 8f before it? Before
 * the displacement of an operand in memory, there is a ModRM byte, which is
 * none of these: its low three bits are 5, its two high ones 0.
 */
bool rp_reloc_is_branch(const struct rp_payload *payload, uint32_t section,
			const struct rp_reloc *reloc)
{
	const uint8_t *code = rp_section_data(&payload->obj, section);
	uint64_t at = reloc->offset;

	if (reloc->type == R_X86_64_PLT32)
		return true;
	if (reloc->type != R_X86_64_PC32 || reloc->addend != -4 || !at ||
	    !rp_section_is_text(&payload->obj.sections[section]))
		return false;
	return code[at - 1] == 0xe8 || code[at - 1] == 0xe9 ||
	       (at > 1 && code[at - 2] == 0x0f &&
		(code[at - 1] & 0xf0) == 0x80);
}

// What is in the target is near; it needs no stub.
static bool may_be_far(const struct rp_payload *payload, uint32_t symbol)
{
	const struct rp_payload_binding *b;

	b = rp_payload_binding_of(payload, symbol);
	return b && b->kind != RP_BIND_TARGET &&
	       (b->kind == RP_BIND_SLOT || (b->flags & RP_BIND_FUNCTION));
}

static int want(struct rp_placement *p, uint32_t section,
		const struct rp_reloc *reloc)
{
	const struct rp_reloc_type *type = rp_reloc_type(reloc->type);

	if (type->got)
		return want_got(p, reloc->symbol, type->got);
	if (may_be_far(p->payload, reloc->symbol) &&
	    rp_reloc_is_branch(p->payload, section, reloc))
		return want_stub(p, reloc->symbol);
	return 0;
}

static int want_all(struct rp_placement *p)
{
	const struct rp_payload *payload = p->payload;

	for (size_t i = 0; i < payload->nrelocs; i++) {
		const struct rp_payload_relocs *in = &payload->relocs[i];

		for (size_t r = 0; r < in->relocs.n; r++) {
			if (want(p, in->section, &in->relocs.v[r]))
				return -ENOMEM;
		}
	}
	return 0;
}

int rp_placement_init(struct rp_placement *placement,
		      const struct rp_payload *payload, struct rp_diag *diag)
{
	const struct rp_relobj *obj = &payload->obj;

	memset(placement, 0, sizeof(*placement));
	placement->payload = payload;
	placement->sections = malloc(obj->nsections * sizeof(uint32_t));
	placement->got_of = calloc(obj->nsymbols, sizeof(*placement->got_of));
	placement->stub_of = calloc(obj->nsymbols, sizeof(uint32_t));
	if (!placement->sections || !placement->got_of || !placement->stub_of)
		return rp_diag_nomem(diag);
	for (size_t i = 0; i < obj->nsections; i++)
		placement->sections[i] = RP_PLACE_NONE;
	if (want_all(placement))
		return rp_diag_nomem(diag);
	return lay_out(placement, diag);
}

void rp_placement_deinit(struct rp_placement *placement)
{
	free(placement->sections);
	free(placement->got);
	free(placement->stubs);
	free(placement->got_of);
	free(placement->stub_of);
	memset(placement, 0, sizeof(*placement));
}
