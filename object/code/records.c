/* SPDX-License-Identifier: MIT */
/* Tables of records that describe places in code, by fields relative to
 * themselves. */
#include "internal.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

static int by_offset(const void *a, const void *b)
{
	const struct rp_reloc *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static void drop_empty(struct rp_relocs *relocs)
{
	size_t n = 0;

	for (size_t i = 0; i < relocs->n; i++) {
		if (relocs->v[i].type != R_X86_64_NONE)
			relocs->v[n++] = relocs->v[i];
	}
	relocs->n = n;
}

int rp_records_init(struct rp_records *r, struct rp_code_build *b,
		    uint32_t section)
{
	const struct rp_section *s = &b->obj->sections[section];
	int rc = 0;

	memset(r, 0, sizeof(*r));
	r->obj = b->obj;
	r->section = section;
	r->data = rp_section_data(b->obj, section);
	r->size = r->data ? s->hdr.sh_size : 0;
	if (s->rela && !b->obj->linked)
		rc = rp_relobj_relocs(b->obj, s->rela, &r->relocs, b->diag);
	if (!rc)
		drop_empty(&r->relocs);
	if (!rc && r->relocs.n)
		qsort(r->relocs.v, r->relocs.n, sizeof(*r->relocs.v), by_offset);
	return rc;
}

void rp_records_deinit(struct rp_records *r)
{
	rp_relocs_deinit(&r->relocs);
}

uint64_t rp_records_field(const struct rp_records *r, uint64_t offset,
			  size_t size)
{
	uint64_t v = 0;

	if (offset > r->size || r->size - offset < size)
		return 0;
	memcpy(&v, r->data + offset, size);
	return le64toh(v);
}

const struct rp_reloc *rp_records_reloc(const struct rp_records *r,
					uint64_t offset)
{
	size_t low = 0, high = r->relocs.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (r->relocs.v[mid].offset < offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->relocs.n && r->relocs.v[low].offset == offset ?
		&r->relocs.v[low] : NULL;
}

struct rp_spot rp_records_target(const struct rp_records *r, uint64_t offset)
{
	const struct rp_reloc *reloc;
	struct rp_spot none = { 0 };

	if (r->obj->linked) {
		uint64_t at = r->obj->sections[r->section].hdr.sh_addr + offset;
		uint64_t distance = (int32_t)rp_records_field(r, offset, 4);
		struct rp_spot spot;

		spot.section = rp_relobj_section_at(r->obj, at + distance,
						    &spot.offset);
		return spot;
	}
	reloc = rp_records_reloc(r, offset);
	return reloc ? rp_code_spot(r->obj, reloc->symbol, reloc->addend) : none;
}

bool rp_code_is_table(const struct rp_code *code, uint32_t section,
		      const char *name)
{
	const struct rp_section *s = &code->obj->sections[section];

	return s->hdr.sh_type == SHT_PROGBITS && !strcmp(s->name, name) &&
	       !(s->hdr.sh_flags & SHF_COMPRESSED);
}
