/* SPDX-License-Identifier: MIT */
/* What pointers in unwind information point to: relocations say it in relocatable
 * objects, values in linked files. */
#include "../grow.h"
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Behind what is wrong, where nothing can be done but that. */
#define ADVICE	"; the unwind information is damaged: compile it again"

struct rp_eh_place rp_eh_at_address(const struct rp_relobj *obj,
				    uint64_t address)
{
	struct rp_eh_place ret = { .offset = address };

	ret.section = rp_relobj_section_at(obj, address, &ret.offset);
	if (!ret.section)
		ret.offset = address;
	return ret;
}

/* A section's bytes and relocations. */

static int by_offset(const void *a, const void *b)
{
	const struct rp_reloc *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int append_relocs(struct rp_eh_section *section, uint32_t rela,
			 struct rp_diag *diag)
{
	struct rp_relocs more;
	int rc = rp_relobj_relocs(section->obj, rela, &more, diag);

	if (rc)
		return rc;
	struct rp_reloc *v = reallocarray(section->relocs,
					  section->nrelocs + more.n + 1,
					  sizeof(*v));
	if (v) {
		section->relocs = v;
		if (more.n)
			memcpy(v + section->nrelocs, more.v,
			       more.n * sizeof(*v));
		section->nrelocs += more.n;
	}
	rp_relocs_deinit(&more);
	return v ? 0 : rp_diag_nomem(diag);
}

int rp_eh_section_init(struct rp_eh_section *section,
		       const struct rp_relobj *obj, uint32_t index,
		       struct rp_diag *diag)
{
	const struct rp_section *sections = obj->sections;
	int rc = 0;

	*section = (struct rp_eh_section){
		.obj = obj, .index = index,
		.data = rp_section_data(obj, index),
	};
	section->size = section->data ? sections[index].hdr.sh_size : 0;
	/* Linked files may have kept theirs (--emit-relocs): done already. */
	for (uint32_t rela = obj->linked ? 0 : sections[index].rela;
	     rela && !rc; rela = sections[rela].next_rela)
		rc = append_relocs(section, rela, diag);
	if (section->nrelocs)
		qsort(section->relocs, section->nrelocs,
		      sizeof(*section->relocs), by_offset);
	return rc;
}

void rp_eh_section_deinit(struct rp_eh_section *section)
{
	free(section->relocs);
	section->relocs = NULL;
}

int rp_eh_bad(const struct rp_eh_section *section, uint64_t offset,
	      const char *what, struct rp_diag *diag)
{
	return rp_diag_set_at(diag, RP_DIAG_EH_FRAME,
		section->obj->sections[section->index].name, offset,
		"%s" ADVICE, what);
}

int rp_eh_fault(struct rp_frame_fault **v, size_t *n, size_t *room,
		const struct rp_frame_fault *fault, const struct rp_diag *why)
{
	size_t length = strlen(why->text), advice = strlen(ADVICE);
	struct rp_frame_fault *f;

	if (rp_grow(v, room, *n + 1, sizeof(**v)))
		return -ENOMEM;
	f = &(*v)[(*n)++];
	*f = *fault;
	if (length > advice && !strcmp(why->text + length - advice, ADVICE))
		length -= advice;
	snprintf(f->what, sizeof(f->what), "%.*s", (int)length, why->text);
	return 0;
}

/* The first relocation at or behind an offset. */
static const struct rp_reloc *first_reloc(const struct rp_eh_section *section,
					  uint64_t offset)
{
	size_t low = 0, high = section->nrelocs;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (section->relocs[middle].offset < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < section->nrelocs ? &section->relocs[low] : NULL;
}

bool rp_eh_relocated(const struct rp_eh_section *section, const uint8_t *start,
		     const uint8_t *end)
{
	const struct rp_reloc *reloc =
		first_reloc(section, (uint64_t)(start - section->data));

	return reloc && reloc->offset < (uint64_t)(end - section->data);
}

/* Pointers. */

/* Does a relocation make a number of @size bytes, counted from @base? */
static bool reloc_fits(uint32_t type, size_t size, uint8_t base)
{
	switch (type) {
	case R_X86_64_PC32:
	case R_X86_64_PLT32: return size == 4 && base == DW_EH_PE_pcrel;
	case R_X86_64_PC64:  return size == 8 && base == DW_EH_PE_pcrel;
	case R_X86_64_32:
	case R_X86_64_32S:   return size == 4 && base == DW_EH_PE_absptr;
	case R_X86_64_64:    return size == 8 && base == DW_EH_PE_absptr;
	default:             return false;
	}
}

static struct rp_eh_place reloc_place(const struct rp_relobj *obj,
				      const struct rp_reloc *reloc)
{
	const struct rp_symbol *symbol = &obj->symbols[reloc->symbol];
	uint64_t offset = symbol->value + (uint64_t)reloc->addend;

	if (!reloc->symbol || symbol->section == RP_SECTION_NONE)
		return (struct rp_eh_place){ 0, 0, true };
	return (struct rp_eh_place){ symbol->section, offset, true };
}

static struct rp_eh_place linked_place(const struct rp_eh_section *section,
				       uint64_t at, uint64_t v, uint8_t base)
{
	const GElf_Shdr *hdr =
		&section->obj->sections[section->index].hdr;

	if (!v)		/* none, whatever it is counted from */
		return (struct rp_eh_place){ 0, 0, false };
	if (base == DW_EH_PE_pcrel)
		v += hdr->sh_addr + at;
	return rp_eh_at_address(section->obj, v);
}

/* A number in a relocatable object: what a relocation says, or what is there. */
static int relocated_number(const struct rp_eh_section *section, uint64_t at,
			    size_t size, uint8_t base, struct rp_eh_place *ret,
			    struct rp_diag *diag)
{
	const struct rp_reloc *reloc = first_reloc(section, at);

	if (!reloc || reloc->offset >= at + size ||
	    reloc->type == R_X86_64_NONE)
		return 0;
	if (reloc->offset != at || !reloc_fits(reloc->type, size, base))
		return rp_eh_bad(section, at, "a pointer with a relocation that "
				 "does not fit it", diag);
	*ret = reloc_place(section->obj, reloc);
	return 0;
}

int rp_eh_number(const struct rp_eh_section *section,
		 struct rp_eh_reader *reader, uint8_t encoding,
		 struct rp_eh_place *ret, struct rp_diag *diag)
{
	uint64_t at = (uint64_t)(reader->at - section->data);
	uint64_t v = rp_eh_form(reader, encoding);
	size_t size = (size_t)(reader->at - section->data) - at;
	uint8_t base = encoding & RP_EH_PE_BASE;

	if (reader->bad)
		return rp_eh_bad(section, at, "a pointer that is cut off, or of "
				 "an unknown encoding", diag);
	if (encoding & RP_EH_PE_INDIRECT ||
	    (base != DW_EH_PE_absptr && base != DW_EH_PE_pcrel))
		return rp_eh_bad(section, at, "a pointer of an encoding that is "
				 "not used for code", diag);
	*ret = (struct rp_eh_place){ .offset = v };
	if (section->obj->linked)
		return 0;
	return relocated_number(section, at, size, base, ret, diag);
}

int rp_eh_pointer(const struct rp_eh_section *section,
		  struct rp_eh_reader *reader, uint8_t encoding,
		  struct rp_eh_place *ret, struct rp_diag *diag)
{
	uint64_t at = (uint64_t)(reader->at - section->data);
	int rc = rp_eh_number(section, reader, encoding, ret, diag);

	if (!rc && section->obj->linked)
		*ret = linked_place(section, at, ret->offset,
				    encoding & RP_EH_PE_BASE);
	return rc;
}
