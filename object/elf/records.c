/* SPDX-License-Identifier: MIT */
/* Tables of records: bytes, relocations, and what fields refer to. */
#include "records.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

static int by_offset(const void *a, const void *b)
{
	const struct rp_reloc *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static int append_relocs(struct rp_relocs *to, const struct rp_relobj *obj,
			 uint32_t rela, struct rp_diag *diag)
{
	struct rp_relocs more;
	struct rp_reloc *v;

	int rc = rp_relobj_relocs(obj, rela, &more, diag);
	if (rc || !more.n)
		return rc;
	v = reallocarray(to->v, to->n + more.n, sizeof(*v));
	if (v) {
		to->v = v;
		for (size_t i = 0; i < more.n; i++) {
			if (more.v[i].type != R_X86_64_NONE)
				v[to->n++] = more.v[i];
		}
	} else {
		rc = rp_diag_nomem(diag);
	}
	rp_relocs_deinit(&more);
	return rc;
}

static int read_relocs(struct rp_records *records, struct rp_diag *diag)
{
	const struct rp_relobj *obj = records->obj;
	struct rp_relocs *relocs = &records->relocs;
	int rc = 0;

	for (uint32_t rela = obj->sections[records->section].rela; rela && !rc;
	     rela = obj->sections[rela].next_rela)
		rc = append_relocs(relocs, obj, rela, diag);
	if (!rc && relocs->n)
		qsort(relocs->v, relocs->n, sizeof(*relocs->v), by_offset);
	return rc;
}

int rp_records_init(struct rp_records *records, const struct rp_relobj *obj,
		    uint32_t section, struct rp_diag *diag)
{
	*records = (struct rp_records){ .obj = obj, .section = section };
	records->data = rp_section_data(obj, section);
	records->size = records->data ? obj->sections[section].hdr.sh_size : 0;
	return obj->linked ? 0 : read_relocs(records, diag);
}

void rp_records_deinit(struct rp_records *records)
{
	rp_relocs_deinit(&records->relocs);
}

uint64_t rp_records_field(const struct rp_records *records, uint64_t offset,
			  size_t size)
{
	uint64_t v = 0;

	if (offset > records->size || records->size - offset < size)
		return 0;
	memcpy(&v, records->data + offset, size);
	return le64toh(v);
}

const struct rp_reloc *rp_records_reloc(const struct rp_records *records,
					uint64_t offset)
{
	const struct rp_relocs *relocs = &records->relocs;
	size_t low = 0, high = relocs->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (relocs->v[mid].offset < offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low < relocs->n && relocs->v[low].offset == offset ?
		&relocs->v[low] : NULL;
}

static struct rp_spot linked_target(const struct rp_records *records,
				    uint64_t offset)
{
	uint64_t at = rp_relobj_address(records->obj, records->section, offset);
	uint64_t distance = (int32_t)rp_records_field(records, offset, 4);
	struct rp_spot spot;

	spot.section = rp_relobj_section_at(records->obj, at + distance,
					    &spot.offset);
	return spot;
}

struct rp_spot rp_records_target(const struct rp_records *records,
				 uint64_t offset)
{
	const struct rp_reloc *reloc;

	if (records->obj->linked)
		return linked_target(records, offset);
	reloc = rp_records_reloc(records, offset);
	return reloc ? rp_relobj_spot(records->obj, reloc->symbol,
				      reloc->addend) : (struct rp_spot){ 0 };
}
