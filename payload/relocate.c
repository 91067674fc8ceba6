/* SPDX-License-Identifier: MIT */
/*
 * The bytes of an image at its final address. Sums are modulo 2^64, as the
 * psABI has them; then the field must be able to hold the result.
 */
#include "place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What the resolver has answered about one binding. */
struct answers {
	uint8_t have;		/* bit per enum rp_resolve */
	uint64_t v[RP_RESOLVE_NR];
};

struct run {
	const struct rp_placement *p;
	uint64_t base;
	uint8_t *image;
	const struct rp_resolver *resolver;
	struct answers *answers;
	struct rp_diag *diag;
};

static const char *name_of(const struct run *run, uint32_t symbol)
{
	const struct rp_symbol *s = rp_payload_symbol(run->p->payload, symbol);

	// A section's symbol has no name of its own.
	if (s->type == STT_SECTION && !*s->name)
		return run->p->payload->obj.sections[s->section].name;
	return s->name;
}

static int missing(const struct run *run, const char *name,
		   const struct rp_payload_binding *binding)
{
	const char *version = rp_payload_string(run->p->payload,
						binding->version);

	return rp_diag_set(run->diag, RP_DIAG_PAYLOAD_UNBOUND, NULL,
		"the payload needs the symbol %s%s%s, which does not exist "
		"here", name, *version ? "@" : "", version);
}

static int ask(struct run *run, uint32_t symbol, enum rp_resolve what,
	       uint64_t *ret)
{
	const struct rp_payload *payload = run->p->payload;
	uint32_t number = payload->bound[symbol] - 1;
	const struct rp_payload_binding *b = &payload->bindings[number];
	struct answers *known = &run->answers[number];

	if (!(known->have & 1u << what)) {
		int rc = run->resolver->resolve(run->resolver->context, payload,
						b, what, &known->v[what],
						run->diag);

		if (rc == -ENOENT && (b->flags & RP_BIND_WEAK))
			known->v[what] = 0;
		else if (rc == -ENOENT)
			return missing(run, name_of(run, symbol), b);
		else if (rc)
			return rc;
		known->have |= 1u << what;
	}
	*ret = known->v[what];
	return 0;
}

static int address_of(struct run *run, uint32_t symbol, uint64_t *ret)
{
	if (!rp_payload_symbol(run->p->payload, symbol)->section)
		return ask(run, symbol, RP_RESOLVE_ADDRESS, ret);
	*ret = run->base + rp_placement_symbol(run->p, symbol);
	return 0;
}

static void copy_sections(const struct run *run)
{
	const struct rp_relobj *obj = &run->p->payload->obj;
	const struct rp_extent *text = &run->p->parts[RP_PART_TEXT];

	memset(run->image, 0, run->p->size);
	// Between functions there is nothing to be run: int3.
	memset(run->image + text->offset, 0xcc, text->size);
	for (size_t i = 1; i < obj->nsections; i++) {
		const uint8_t *bytes = rp_section_data(obj, i);

		if (run->p->sections[i] != RP_PLACE_NONE && bytes)
			memcpy(run->image + run->p->sections[i], bytes,
			       obj->sections[i].hdr.sh_size);
	}
}

static int fill_got_entry(struct run *run, const struct rp_got_entry *entry)
{
	uint64_t word[2] = { 0, 0 };
	int rc = 0;

	switch (entry->kind) {
	case RP_GOT_ADDRESS:
		rc = address_of(run, entry->symbol, &word[0]);
		break;
	case RP_GOT_TP_OFFSET:
		rc = ask(run, entry->symbol, RP_RESOLVE_TP_OFFSET, &word[0]);
		break;
	case RP_GOT_TLS_GENERAL:
		rc = ask(run, entry->symbol, RP_RESOLVE_TLS_OFFSET, &word[1]);
		if (rc)
			break;
		// fall through
	case RP_GOT_TLS_LOCAL:
		rc = ask(run, entry->symbol, RP_RESOLVE_TLS_MODULE, &word[0]);
		break;
	default:
		break;
	}
	if (!rc)
		memcpy(run->image + entry->offset, word,
		       rp_got_size(entry->kind));
	return rc;
}

static uint32_t got_offset(const struct run *run, uint32_t symbol,
			   enum rp_got_kind kind)
{
	return run->p->got[run->p->got_of[symbol][kind] - 1].offset;
}

// Images are far smaller than 2 GiB: the slot is in reach.
static void fill_stub(const struct run *run, const struct rp_stub *stub)
{
	uint8_t code[RP_PLACE_STUB_SIZE] = {
		0xff, 0x25, 0, 0, 0, 0,		// jmp *slot(%rip)
		0xcc,				// int3
		0xcc,				// int3
	};
	int32_t distance = got_offset(run, stub->symbol, RP_GOT_ADDRESS) -
			   (stub->offset + 6);

	memcpy(code + 2, &distance, sizeof(distance));
	memcpy(run->image + stub->offset, code, sizeof(code));
}

static bool fits(const struct rp_reloc_type *type, uint64_t value)
{
	if (type->width == 8)
		return true;
	return type->is_signed ? (int64_t)value == (int32_t)value :
				 value == (uint32_t)value;
}

/* The value that the type asks for, before P is subtracted. */
static int target_of(struct run *run, const struct rp_reloc *reloc,
		     const struct rp_reloc_type *type, uint64_t *ret)
{
	switch (type->value) {
	case RP_VALUE_GOT:
		*ret = run->base + got_offset(run, reloc->symbol, type->got);
		return 0;
	case RP_VALUE_TP_OFFSET:
		return ask(run, reloc->symbol, RP_RESOLVE_TP_OFFSET, ret);
	case RP_VALUE_TLS_OFFSET:
		return ask(run, reloc->symbol, RP_RESOLVE_TLS_OFFSET, ret);
	default:
		return address_of(run, reloc->symbol, ret);
	}
}

static int out_of_range(const struct run *run, uint32_t section,
			const struct rp_reloc *reloc, uint64_t target,
			uint64_t value)
{
	const struct rp_reloc_type *type = rp_reloc_type(reloc->type);

	return rp_diag_set_at(run->diag, RP_DIAG_PAYLOAD_RANGE,
		run->p->payload->obj.sections[section].name, reloc->offset,
		"R_X86_64_%s against %s (0x%llx): the value 0x%llx does not "
		"fit into 32 bits; the image is at 0x%llx", type->name,
		name_of(run, reloc->symbol), (unsigned long long)target,
		(unsigned long long)value, (unsigned long long)run->base);
}

// An address that is taken must be the function's own, not its stub's.
static bool may_use_stub(const struct run *run, uint32_t section,
			 const struct rp_reloc *reloc)
{
	return run->p->stub_of[reloc->symbol] &&
	       rp_reloc_is_branch(run->p->payload, section, reloc);
}

static int relocate(struct run *run, uint32_t section,
		    const struct rp_reloc *reloc)
{
	const struct rp_reloc_type *type = rp_reloc_type(reloc->type);
	uint64_t place = run->p->sections[section] + reloc->offset;
	uint64_t pc = type->pc_relative ? run->base + place : 0;
	uint64_t target;

	int rc = target_of(run, reloc, type, &target);
	if (rc)
		return rc;
	uint64_t value = target + reloc->addend - pc;
	if (!fits(type, value) && may_use_stub(run, section, reloc)) {
		uint32_t number = run->p->stub_of[reloc->symbol];

		value = run->base + run->p->stubs[number - 1].offset +
			reloc->addend - pc;
	}
	if (!fits(type, value))
		return out_of_range(run, section, reloc, target, value);
	memcpy(run->image + place, &value, type->width);
	return 0;
}

static int fill(struct run *run)
{
	const struct rp_placement *p = run->p;
	int rc = 0;

	copy_sections(run);
	for (size_t i = 0; i < p->ngot && !rc; i++)
		rc = fill_got_entry(run, &p->got[i]);
	for (size_t i = 0; i < p->nstubs && !rc; i++)
		fill_stub(run, &p->stubs[i]);
	for (size_t i = 0; i < p->payload->nrelocs; i++) {
		const struct rp_payload_relocs *in = &p->payload->relocs[i];

		for (size_t r = 0; r < in->relocs.n && !rc; r++)
			rc = relocate(run, in->section, &in->relocs.v[r]);
	}
	return rc;
}

int rp_placement_relocate(const struct rp_placement *placement, uint64_t base,
			  uint8_t *image, const struct rp_resolver *resolver,
			  struct rp_diag *diag)
{
	struct run run = { placement, base, image, resolver, NULL, diag };

	if (base & (placement->align - 1))
		return rp_diag_set(diag, RP_DIAG_PAYLOAD_RANGE, NULL,
			"the address 0x%llx is no multiple of 0x%x",
			(unsigned long long)base, placement->align);
	run.answers = calloc(placement->payload->nbindings + 1,
			     sizeof(*run.answers));
	if (!run.answers)
		return rp_diag_nomem(diag);
	int rc = fill(&run);
	free(run.answers);
	return rc;
}
