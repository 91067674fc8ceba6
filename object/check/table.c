/* SPDX-License-Identifier: MIT */
/* Records of tables of places, in relocatable objects and in linked files. */
#include "table.h"

#include <errno.h>
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
		memcpy(v + to->n, more.v, more.n * sizeof(*v));
		to->v = v;
		to->n += more.n;
	} else {
		rc = rp_diag_nomem(diag);
	}
	rp_relocs_deinit(&more);
	return rc;
}

static int read_relocs(struct rp_check_table *table, struct rp_diag *diag)
{
	const struct rp_relobj *obj = table->obj;
	int rc = 0;

	for (uint32_t rela = obj->sections[table->section].rela; rela && !rc;
	     rela = obj->sections[rela].next_rela)
		rc = append_relocs(&table->relocs, obj, rela, diag);
	if (!rc && table->relocs.n)
		qsort(table->relocs.v, table->relocs.n,
		      sizeof(*table->relocs.v), by_offset);
	return rc;
}

int rp_check_table_init(struct rp_check_table *table,
			const struct rp_relobj *obj, uint32_t section,
			struct rp_diag *diag)
{
	*table = (struct rp_check_table){ .obj = obj, .section = section };
	table->data = rp_section_data(obj, section);
	table->size = table->data ? obj->sections[section].hdr.sh_size : 0;
	return obj->linked ? 0 : read_relocs(table, diag);
}

void rp_check_table_deinit(struct rp_check_table *table)
{
	rp_relocs_deinit(&table->relocs);
}

static bool linked_place(const struct rp_check_table *table, uint64_t offset,
			 unsigned int width, struct rp_table_place *ret)
{
	uint64_t address = table->obj->sections[table->section].hdr.sh_addr +
			   offset;
	uint64_t distance = (uint64_t)(int64_t)(int32_t)
			    rp_check_table_u32(table, offset);

	if (width == 8)
		distance = (uint32_t)distance |
			   (uint64_t)rp_check_table_u32(table, offset + 4) << 32;
	if (distance)
		ret->section = rp_relobj_section_at(table->obj,
						    address + distance,
						    &ret->offset);
	return ret->section != 0;
}

static const struct rp_reloc *find_reloc(const struct rp_relocs *relocs,
					 uint64_t offset)
{
	const struct rp_reloc key = { .offset = offset };

	return relocs->n ? bsearch(&key, relocs->v, relocs->n,
				   sizeof(*relocs->v), by_offset) : NULL;
}

bool rp_check_table_place(const struct rp_check_table *table, uint64_t offset,
			  unsigned int width, struct rp_table_place *ret)
{
	const struct rp_relobj *obj = table->obj;

	*ret = (struct rp_table_place){ 0 };
	if (obj->linked)
		return linked_place(table, offset, width, ret);
	const struct rp_reloc *r = find_reloc(&table->relocs, offset);
	if (!r || !r->symbol)
		return false;
	const struct rp_symbol *symbol = &obj->symbols[r->symbol];
	ret->symbol = r->symbol;
	ret->type = r->type;
	ret->addend = r->addend;
	if (symbol->section != RP_SECTION_NONE) {
		ret->section = symbol->section;
		ret->offset = symbol->value + (uint64_t)r->addend;
	}
	return true;
}
