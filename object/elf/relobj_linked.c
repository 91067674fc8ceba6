/* SPDX-License-Identifier: MIT */
/* What only linked files have: addresses, and the dynamic linker's relocations. */
#include "../bytes.h"
#include "../grow.h"
#include "relobj_internal.h"

#include <stdlib.h>
#include <string.h>

#ifndef SHT_RELR
#define SHT_RELR	19
#endif

static bool has_address(const struct rp_section *section)
{
	uint64_t end;

	// Thread-local zeroes take no room in the image's addresses.
	return (section->hdr.sh_flags & SHF_ALLOC) && section->hdr.sh_size &&
	       !(section->hdr.sh_type == SHT_NOBITS &&
		 (section->hdr.sh_flags & SHF_TLS)) &&
	       !__builtin_add_overflow(section->hdr.sh_addr,
				       section->hdr.sh_size, &end);
}

struct start {
	uint64_t address;
	uint32_t section;
};

static int by_address(const void *a, const void *b)
{
	const struct start *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return (x->section > y->section) - (x->section < y->section);
}

int rp_relobj_sort_sections(struct rp_relobj *obj, struct rp_diag *diag)
{
	struct start *v = calloc(obj->nsections, sizeof(*v));
	size_t n = 0;

	obj->by_address = calloc(obj->nsections, sizeof(*obj->by_address));
	if (!v || !obj->by_address) {
		free(v);
		return rp_diag_nomem(diag);
	}
	for (size_t i = 1; i < obj->nsections; i++) {
		if (has_address(&obj->sections[i]))
			v[n++] = (struct start){
				obj->sections[i].hdr.sh_addr, i };
	}
	qsort(v, n, sizeof(*v), by_address);
	for (size_t i = 0; i < n; i++)
		obj->by_address[i] = v[i].section;
	obj->nby_address = n;
	free(v);
	return 0;
}

uint32_t rp_relobj_section_at(const struct rp_relobj *obj, uint64_t address,
			      uint64_t *offset)
{
	size_t low = 0, high = obj->nby_address;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (obj->sections[obj->by_address[mid]].hdr.sh_addr <= address)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return 0;
	const GElf_Shdr *hdr = &obj->sections[obj->by_address[low - 1]].hdr;
	*offset = address - hdr->sh_addr;
	return *offset < hdr->sh_size ? obj->by_address[low - 1] : 0;
}

/* struct list - of relocations that grows. */
struct list {
	struct rp_relocs *to;
	size_t room;
};

static int append(struct list *list, const struct rp_reloc *reloc,
		  struct rp_diag *diag)
{
	if (rp_grow(&list->to->v, &list->room, list->to->n + 1,
		    sizeof(*reloc)))
		return rp_diag_nomem(diag);
	list->to->v[list->to->n++] = *reloc;
	return 0;
}

static int add_rela(const struct rp_relobj *obj, uint32_t section,
		    struct list *list, struct rp_diag *diag)
{
	const GElf_Shdr *hdr = &obj->sections[section].hdr;
	const uint8_t *data = rp_section_data(obj, section);
	int rc = 0;

	for (uint64_t at = 0; !rc && hdr->sh_size - at >= sizeof(Elf64_Rela);
	     at += sizeof(Elf64_Rela)) {
		struct rp_reloc r;
		struct rp_where where;

		rp_relobj_rela(data + at, &r);
		if (r.symbol >= obj->nsymbols - obj->first_dynamic &&
		    r.symbol) {
			rp_where_section(&where, obj, section);
			return rp_diag_set_at(diag, RP_DIAG_RELOC_SYMBOL,
				where.text, at, "relocation against dynamic "
				"symbol %u of %zu", r.symbol,
				obj->nsymbols - obj->first_dynamic);
		}
		if (r.symbol)
			r.symbol += obj->first_dynamic;
		rc = append(list, &r, diag);
	}
	return rc;
}

static uint64_t word_at(const struct rp_relobj *obj, uint64_t address, bool *ok)
{
	uint64_t offset;
	uint32_t section = rp_relobj_section_at(obj, address, &offset);
	const uint8_t *data = section ? rp_section_data(obj, section) : NULL;

	*ok = data && obj->sections[section].hdr.sh_size - offset >=
		      sizeof(uint64_t);
	return *ok ? rp_load_le64(data + offset) : 0;
}

static int add_relative(const struct rp_relobj *obj, uint64_t address,
			struct list *list, struct rp_diag *diag)
{
	struct rp_reloc r = { .offset = address, .type = R_X86_64_RELATIVE };
	bool ok;

	// More of them than words in the file can only be repetitions.
	r.addend = (int64_t)word_at(obj, address, &ok);
	return ok && list->to->n <= obj->size / 8 ? append(list, &r, diag) : 0;
}

// An even word is an address; an odd one has a bit for each of the next 63
// words.
static int add_relr(const struct rp_relobj *obj, uint32_t section,
		    struct list *list, struct rp_diag *diag)
{
	const GElf_Shdr *hdr = &obj->sections[section].hdr;
	const uint8_t *data = rp_section_data(obj, section);
	uint64_t next = 0;
	int rc = 0;

	for (uint64_t at = 0; !rc && hdr->sh_size - at >= 8; at += 8) {
		uint64_t v = rp_load_le64(data + at);

		if (!(v & 1)) {
			rc = add_relative(obj, v, list, diag);
			next = v + 8;
			continue;
		}
		for (unsigned int bit = 1; bit < 64 && !rc; bit++) {
			if (v >> bit & 1)
				rc = add_relative(obj, next + 8 * (bit - 1),
						  list, diag);
		}
		next += 63 * 8;
	}
	return rc;
}

static int by_offset(const void *a, const void *b)
{
	const struct rp_reloc *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

int rp_relobj_dynamic_relocs(const struct rp_relobj *obj,
			     struct rp_relocs *ret, struct rp_diag *diag)
{
	struct list list = { .to = ret };
	int rc = 0;

	ret->v = NULL;
	ret->n = 0;
	for (uint32_t i = 1; obj->linked && i < obj->nsections && !rc; i++) {
		const GElf_Shdr *hdr = &obj->sections[i].hdr;

		if (!(hdr->sh_flags & SHF_ALLOC))
			continue;
		if (hdr->sh_type == SHT_RELA)
			rc = add_rela(obj, i, &list, diag);
		else if (hdr->sh_type == SHT_RELR)
			rc = add_relr(obj, i, &list, diag);
	}
	if (rc)
		rp_relocs_deinit(ret);
	else if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_offset);
	return rc;
}
