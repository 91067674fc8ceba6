/* SPDX-License-Identifier: MIT */
/*
 * Where everything of a payload is in memory, and what its bytes are there.
 * Pure computation: nothing here reads or writes another process.
 *
 *   int  rp_placement_init(placement, payload, diag);	sizes; no address yet
 *   int  rp_placement_relocate(placement, base, image, resolver, diag);
 *   void rp_placement_deinit(placement);
 *
 * An image has three parts, each of whole pages, one behind the other:
 *
 *   text    r-x  sections with SHF_EXECINSTR, then jump stubs
 *   consts  r--  sections that are not writable, the GOT, .eh_frame and four
 *                zero bytes behind it
 *   data    rw-  sections with SHF_WRITE
 *
 * A function of another object may be further away than a rel32 reaches: its
 * stub is `jmp *slot(%rip)`, with the slot in the GOT. Calls go there if they
 * do not reach the function itself.
 */
#ifndef REPOINT_PAYLOAD_PLACE_H
#define REPOINT_PAYLOAD_PLACE_H

#include "payload.h"
#include "reloc_type.h"

#define RP_PLACE_PAGE		4096u
#define RP_PLACE_STUB_SIZE	8u
/** Not part of the image. */
#define RP_PLACE_NONE		UINT32_MAX

enum rp_part {
	RP_PART_TEXT,
	RP_PART_CONSTS,
	RP_PART_DATA,
	RP_PART_NR
};

/** struct rp_extent - bytes of the image, from its start. */
struct rp_extent {
	uint32_t offset;
	uint32_t size;
};

/**
 * struct rp_got_entry - one entry of the GOT.
 * @offset: from the start of the image
 * @symbol: whose
 * @kind:   what is in it
 */
struct rp_got_entry {
	uint32_t offset;
	uint32_t symbol;
	enum rp_got_kind kind;
};

/**
 * struct rp_stub - one jump stub.
 * @offset: from the start of the image
 * @symbol: where it jumps to
 */
struct rp_stub {
	uint32_t offset;
	uint32_t symbol;
};

/**
 * struct rp_placement - the layout of an image.
 * @size:     of the image, whole pages
 * @align:    that its address needs
 * @parts:    @size of a part is in whole pages, and may be 0
 * @sections: offset of each section, or RP_PLACE_NONE
 * @got_of:   for each symbol and kind: number in @got counted from 1, or 0
 * @stub_of:  for each symbol: number in @stubs counted from 1, or 0
 * @eh_frame: the section with the zero behind it; size 0 if there is none
 */
struct rp_placement {
	const struct rp_payload *payload;
	uint32_t size;
	uint32_t align;
	struct rp_extent parts[RP_PART_NR];
	uint32_t *sections;
	struct rp_got_entry *got;
	size_t ngot;
	size_t got_capacity;
	struct rp_stub *stubs;
	size_t nstubs;
	size_t stubs_capacity;
	uint32_t (*got_of)[RP_GOT_NR];
	uint32_t *stub_of;
	struct rp_extent eh_frame;
};

/**
 * rp_placement_init() - lay an image out.
 * @placement: filled in; rp_placement_deinit() frees it, also after a failure
 * @payload:   must outlive it
 * @diag:      on failure
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_placement_init(struct rp_placement *placement,
		      const struct rp_payload *payload, struct rp_diag *diag);
void rp_placement_deinit(struct rp_placement *placement);

/** enum rp_resolve - what is asked about a bound symbol. */
enum rp_resolve {
	RP_RESOLVE_ADDRESS,
	RP_RESOLVE_TP_OFFSET,	/**< from the thread pointer, the same in every
				     thread; fails if its block is dynamic */
	RP_RESOLVE_TLS_MODULE,	/**< what __tls_get_addr() calls ti_module */
	RP_RESOLVE_TLS_OFFSET,	/**< in its module's block */
	RP_RESOLVE_NR
};

/**
 * struct rp_resolver - finds what the payload is bound to.
 * @resolve: returns 0 with *@ret set; -ENOENT if there is no such symbol; any
 *           other negative value for an error, with @diag set
 * @context: for @resolve
 *
 * Each question is asked at most once for each rp_placement_relocate().
 */
struct rp_resolver {
	int (*resolve)(void *context, const struct rp_payload *payload,
		       const struct rp_payload_binding *binding,
		       enum rp_resolve what, uint64_t *ret,
		       struct rp_diag *diag);
	void *context;
};

/**
 * rp_placement_relocate() - make the bytes of an image.
 * @placement: the layout
 * @base:      its final address, a multiple of @placement->align
 * @image:     @placement->size bytes, all of which are written
 * @resolver:  where bound symbols are
 * @diag:      on failure
 *
 * A weak symbol that is missing has the address 0.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM; what @resolver returned.
 */
int rp_placement_relocate(const struct rp_placement *placement, uint64_t base,
			  uint8_t *image, const struct rp_resolver *resolver,
			  struct rp_diag *diag);

/** rp_reloc_is_branch() - is its field the rel32 of a branch? */
bool rp_reloc_is_branch(const struct rp_payload *payload, uint32_t section,
			const struct rp_reloc *reloc);

/** rp_placement_symbol() - offset of a defined symbol of a loaded section. */
static inline uint64_t
rp_placement_symbol(const struct rp_placement *placement, uint32_t symbol)
{
	const struct rp_symbol *s = &placement->payload->obj.symbols[symbol];

	return placement->sections[s->section] + s->value;
}

#endif /* REPOINT_PAYLOAD_PLACE_H */
