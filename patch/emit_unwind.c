/* SPDX-License-Identifier: MIT */
/* Unwind entries of a payload: one .eh_frame for all of its code. */
#include "../object/bytes.h"
#include "patch_internal.h"

#include "../object/grow.h"

#include <stdlib.h>
#include <string.h>

/* A CIE that was written, to be shared by entries of functions. */
struct cie {
	struct rp_node node;
	uint64_t offset;
};

struct unwind {
	struct rp_patch *p;
	uint8_t *bytes;
	size_t size, room;
	struct cie *cies;
	size_t ncies, cies_room;
	uint32_t section;
	bool second;		/* the section exists; now relocations */
};

static const struct rp_side *side_of(const struct unwind *u,
				     const struct rp_node *node)
{
	return &u->p->units[node->unit].new_side;
}

static int append(struct unwind *u, const struct rp_node *node, uint64_t *at)
{
	const struct rp_side *side = side_of(u, node);
	const struct rp_atom *a = &side->atoms.v[node->atom];

	*at = u->size;
	if (rp_grow(&u->bytes, &u->room, u->size + a->size + 4, 1))
		return rp_diag_nomem(u->p->diag);
	memcpy(u->bytes + u->size, rp_atom_bytes(&side->atoms, node->atom),
	       a->size);
	u->size += a->size;
	return 0;
}

static int add_relocs(struct unwind *u, const struct rp_node *node, uint64_t at)
{
	const struct rp_atom *a = &side_of(u, node)->atoms.v[node->atom];
	int rc = 0;

	for (size_t i = 0; i < a->nrefs && rc >= 0; i++) {
		const struct rp_ref *ref = &a->refs[i];
		struct rp_payload_reloc_in reloc = {
			.offset = at + ref->offset, .type = ref->type,
			.addend = ref->addend,
		};
		struct rp_target target;

		rc = rp_patch_resolve(u->p, node->unit, node->atom, ref,
				      &target);
		if (!rc)
			rc = rp_patch_target_symbol(u->p, &target,
						    &reloc.symbol);
		if (!rc)
			rc = rp_payload_add_reloc(u->p->builder, u->section,
						  &reloc, u->p->diag);
	}
	return rc < 0 ? rc : 0;
}

uint32_t rp_patch_cie_of(const struct rp_side *side, uint32_t fde)
{
	const struct rp_atom *a = &side->atoms.v[fde];
	uint32_t distance = rp_load_le32(rp_atom_bytes(&side->atoms, fde) + 4);

	if (distance > a->offset + 4)
		return RP_ATOM_NONE;
	uint32_t cie = rp_atom_at(&side->atoms, a->section,
				  a->offset + 4 - distance);
	return side->atoms.v[cie].kind == RP_ATOM_CIE ? cie : RP_ATOM_NONE;
}

static bool same_cie(const struct unwind *u, const struct rp_node *a,
		     const struct rp_node *b)
{
	const struct rp_side *x = side_of(u, a), *y = side_of(u, b);
	const struct rp_atom *p = &x->atoms.v[a->atom];
	const struct rp_atom *q = &y->atoms.v[b->atom];

	if (p->size != q->size || p->nrefs != q->nrefs ||
	    memcmp(rp_atom_bytes(&x->atoms, a->atom),
		   rp_atom_bytes(&y->atoms, b->atom), p->size))
		return false;
	// The only reference is to the personality routine.
	for (size_t i = 0; i < p->nrefs; i++) {
		if (strcmp(x->obj.symbols[p->refs[i].symbol].name,
			   y->obj.symbols[q->refs[i].symbol].name))
			return false;
	}
	return true;
}

static int add_cie(struct unwind *u, const struct rp_node *node, uint64_t *at)
{
	for (size_t i = 0; i < u->ncies; i++) {
		if (same_cie(u, &u->cies[i].node, node)) {
			*at = u->cies[i].offset;
			return 0;
		}
	}
	if (rp_grow(&u->cies, &u->cies_room, u->ncies + 1, sizeof(*u->cies)))
		return rp_diag_nomem(u->p->diag);
	int rc = append(u, node, at);
	if (!rc && u->second)
		rc = add_relocs(u, node, *at);
	u->cies[u->ncies++] = (struct cie){ *node, *at };
	return rc;
}

static int add_fde(struct unwind *u, uint32_t unit, uint32_t fde)
{
	const struct rp_side *side = &u->p->units[unit].new_side;
	const struct rp_node node = { unit, fde };
	const struct rp_node cie = { unit, rp_patch_cie_of(side, fde) };
	uint64_t cie_at, at;
	int rc;

	if (!cie.atom)
		return rp_diag_set_at(u->p->diag, RP_DIAG_EH_FRAME, ".eh_frame",
			side->atoms.v[fde].offset, "an entry without a CIE");
	rc = add_cie(u, &cie, &cie_at);
	if (!rc)
		rc = append(u, &node, &at);
	if (rc)
		return rc;
	rp_store_le32(u->bytes + at + 4, at + 4 - cie_at);
	return u->second ? add_relocs(u, &node, at) : 0;
}

static int add_all(struct unwind *u)
{
	int rc = 0;

	u->size = u->ncies = 0;
	for (uint32_t i = 0; i < u->p->nunits && !rc; i++) {
		const struct rp_side *side = &u->p->units[i].new_side;

		for (uint32_t k = 1; k < side->atoms.n && !rc; k++) {
			if (u->p->picks[i][k].picked && side->fde[k])
				rc = add_fde(u, i, side->fde[k]);
		}
	}
	return rc;
}

static int add_section(struct unwind *u)
{
	struct rp_payload_section_in in = {
		.name = ".eh_frame", .type = SHT_PROGBITS, .flags = SHF_ALLOC,
		.align = 8, .bytes = u->bytes, .size = u->size + 4,
	};

	// A length of zero ends the table.
	memset(u->bytes + u->size, 0, 4);
	return rp_payload_add_section(u->p->builder, &in, &u->section,
				      u->p->diag);
}

int rp_patch_emit_unwind(struct rp_patch *p)
{
	struct unwind u = { .p = p };
	int rc = add_all(&u);

	if (!rc && u.size) {
		rc = add_section(&u);
		u.second = true;
		if (!rc)
			rc = add_all(&u);
	}
	free(u.bytes);
	free(u.cies);
	return rc;
}
