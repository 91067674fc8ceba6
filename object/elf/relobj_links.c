/* SPDX-License-Identifier: MIT */
/* How sections of a relocatable object belong together, and relocations. */
#include "../bytes.h"
#include "relobj_internal.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int check_symtab_link(const struct rp_relobj *obj, size_t i,
			     struct rp_diag *diag)
{
	const GElf_Shdr *hdr = &obj->sections[i].hdr;
	struct rp_where where;

	if (hdr->sh_link == obj->symtab && obj->symtab)
		return 0;
	rp_where_section(&where, obj, i);
	return rp_diag_set(diag, RP_DIAG_SECTION_LINK, where.text,
		"refers to section %u as the symbol table", hdr->sh_link);
}

static int add_group_member(struct rp_relobj *obj, size_t group,
			    uint64_t offset, uint32_t member,
			    struct rp_diag *diag)
{
	struct rp_where where;

	rp_where_section(&where, obj, group);
	if (!member || member >= obj->nsections ||
	    obj->sections[member].hdr.sh_type == SHT_GROUP)
		return rp_diag_set_at(diag, RP_DIAG_GROUP, where.text, offset,
			"section %u cannot be a member of a group", member);
	if (obj->sections[member].group)
		return rp_diag_set_at(diag, RP_DIAG_GROUP, where.text, offset,
			"section %u is in a group already", member);
	obj->sections[member].group = group;
	return 0;
}

static int read_group(struct rp_relobj *obj, size_t i, struct rp_diag *diag)
{
	const GElf_Shdr *hdr = &obj->sections[i].hdr;
	const uint8_t *data = rp_section_data(obj, i);
	const size_t word = sizeof(Elf64_Word);
	struct rp_where where;

	rp_where_section(&where, obj, i);
	int rc = check_symtab_link(obj, i, diag);
	if (rc)
		return rc;
	if (hdr->sh_size < word || hdr->sh_size % word)
		return rp_diag_set(diag, RP_DIAG_GROUP, where.text,
			"a group of 0x%llx bytes",
			(unsigned long long)hdr->sh_size);
	if (hdr->sh_info >= obj->nsymbols)
		return rp_diag_set(diag, RP_DIAG_GROUP, where.text,
			"named after symbol %u of %zu", hdr->sh_info,
			obj->nsymbols);
	for (uint64_t at = word; at < hdr->sh_size && !rc; at += word)
		rc = add_group_member(obj, i, at, rp_load_le32(data + at), diag);
	return rc;
}

static int check_rela(struct rp_relobj *obj, size_t i, struct rp_diag *diag)
{
	const GElf_Shdr *hdr = &obj->sections[i].hdr;
	struct rp_where where;

	rp_where_section(&where, obj, i);
	int rc = check_symtab_link(obj, i, diag);
	if (rc)
		return rc;
	if (hdr->sh_info >= obj->nsections)
		return rp_diag_set(diag, RP_DIAG_SECTION_LINK, where.text,
			"relocates section %u of %zu", hdr->sh_info,
			obj->nsections);
	size_t entry = hdr->sh_type == SHT_RELA ? sizeof(Elf64_Rela) :
						  sizeof(Elf64_Rel);
	if (hdr->sh_entsize != entry || hdr->sh_size % entry)
		return rp_diag_set(diag, RP_DIAG_ENTSIZE, where.text,
			"0x%llx bytes of relocations in entries of 0x%llx",
			(unsigned long long)hdr->sh_size,
			(unsigned long long)hdr->sh_entsize);
	return 0;
}

static int check_text_rel(const struct rp_relobj *obj, size_t i,
			  struct rp_diag *diag)
{
	const GElf_Shdr *hdr = &obj->sections[i].hdr;
	struct rp_where where;

	if (hdr->sh_info >= obj->nsections ||
	    !rp_section_is_text(&obj->sections[hdr->sh_info]))
		return 0;
	rp_where_section(&where, obj, i);
	return rp_diag_set(diag, RP_DIAG_RELOC_FORM, where.text,
		"relocations of code in the form %s; compile so that the "
		"assembler writes SHT_RELA (no -Wa,--crel)",
		hdr->sh_type == SHT_REL ? "SHT_REL" : "SHT_CREL");
}

static int read_link(struct rp_relobj *obj, size_t i, struct rp_diag *diag)
{
	struct rp_section *section = &obj->sections[i];
	struct rp_where where;

	if (obj->linked)
		return 0;
	switch (section->hdr.sh_type) {
	case SHT_GROUP:
		return read_group(obj, i, diag);
	case SHT_REL:
		return check_rela(obj, i, diag) ?: check_text_rel(obj, i, diag);
	case SHT_RELA:
		return check_rela(obj, i, diag);
	case RP_SHT_CREL:
		return check_text_rel(obj, i, diag);
	}
	if (!(section->hdr.sh_flags & SHF_LINK_ORDER) ||
	    section->hdr.sh_link < obj->nsections)
		return 0;
	rp_where_section(&where, obj, i);
	return rp_diag_set(diag, RP_DIAG_SECTION_LINK, where.text,
		"linked to section %u of %zu", section->hdr.sh_link,
		obj->nsections);
}

// Of a linked file: left by --emit-relocs. The dynamic linker's are others.
static bool is_left_over(const struct rp_relobj *obj,
			 const struct rp_section *rela)
{
	return !(rela->hdr.sh_flags & SHF_ALLOC) &&
	       rela->hdr.sh_link == obj->symtab && obj->symtab &&
	       rela->hdr.sh_info < obj->nsections &&
	       rela->hdr.sh_entsize == sizeof(Elf64_Rela);
}

int rp_relobj_read_links(struct rp_relobj *obj, struct rp_diag *diag)
{
	int rc = 0;

	for (size_t i = 1; i < obj->nsections && !rc; i++)
		rc = read_link(obj, i, diag);
	// From the last to the first, so that chains are in file order.
	for (size_t i = obj->nsections; !rc && --i > 0;) {
		struct rp_section *rela = &obj->sections[i];

		if (rela->hdr.sh_type != SHT_RELA || !rela->hdr.sh_info ||
		    (obj->linked && !is_left_over(obj, rela)))
			continue;
		rela->next_rela = obj->sections[rela->hdr.sh_info].rela;
		obj->sections[rela->hdr.sh_info].rela = i;
	}
	return rc;
}

// Bytes that a relocation changes, as far as this library looks at it.
static size_t reloc_size(uint32_t type)
{
	switch (type) {
	case R_X86_64_NONE:
		return 0;
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
	case R_X86_64_GOTPCREL:
	case R_X86_64_GOTPCRELX:
	case R_X86_64_REX_GOTPCRELX:
	case R_X86_64_32:
	case R_X86_64_32S:
	case R_X86_64_GOTTPOFF:
	case R_X86_64_TPOFF32:
	case R_X86_64_DTPOFF32:
	case R_X86_64_TLSGD:
	case R_X86_64_TLSLD:
		return 4;
	case R_X86_64_64:
	case R_X86_64_PC64:
	case R_X86_64_TPOFF64:
	case R_X86_64_DTPOFF64:
		return 8;
	default:
		return 1;
	}
}

void rp_relobj_rela(const uint8_t *image, struct rp_reloc *ret)
{
	Elf64_Rela r;

	memcpy(&r, image, sizeof(r));
	ret->offset = le64toh(r.r_offset);
	ret->symbol = ELF64_R_SYM(le64toh(r.r_info));
	ret->type = ELF64_R_TYPE(le64toh(r.r_info));
	ret->addend = (int64_t)le64toh(r.r_addend);
}

static int read_reloc(const struct rp_relobj *obj, uint32_t rela, size_t i,
		      struct rp_reloc *ret, struct rp_diag *diag)
{
	uint32_t target = obj->sections[rela].hdr.sh_info;
	uint64_t size = obj->sections[target].hdr.sh_size;
	uint64_t at = i * sizeof(Elf64_Rela);
	struct rp_where where;

	rp_relobj_rela(rp_section_data(obj, rela) + at, ret);
	if (obj->linked)	// an address
		ret->offset -= obj->sections[target].hdr.sh_addr;
	if (ret->symbol < obj->nsymbols && ret->offset <= size &&
	    size - ret->offset >= reloc_size(ret->type))
		return 0;
	rp_where_section(&where, obj, rela);
	if (ret->symbol >= obj->nsymbols)
		return rp_diag_set_at(diag, RP_DIAG_RELOC_SYMBOL, where.text, at,
			"relocation against symbol %u of %zu", ret->symbol,
			obj->nsymbols);
	return rp_diag_set_at(diag, RP_DIAG_RELOC_OFFSET, where.text, at,
		"relocation at offset 0x%llx of section %u, which has "
		"0x%llx bytes", (unsigned long long)ret->offset, target,
		(unsigned long long)size);
}

int rp_relobj_relocs(const struct rp_relobj *obj, uint32_t rela,
		     struct rp_relocs *ret, struct rp_diag *diag)
{
	size_t n = obj->sections[rela].hdr.sh_size / sizeof(Elf64_Rela);
	int rc = 0;

	ret->v = NULL;
	ret->n = 0;
	if (!n)
		return 0;
	ret->v = calloc(n, sizeof(*ret->v));
	if (!ret->v)
		return rp_diag_nomem(diag);
	for (size_t i = 0; i < n && !rc; i++)
		rc = read_reloc(obj, rela, i, &ret->v[i], diag);
	if (rc)
		rp_relocs_deinit(ret);
	else
		ret->n = n;
	return rc;
}

void rp_relocs_deinit(struct rp_relocs *relocs)
{
	free(relocs->v);
	relocs->v = NULL;
	relocs->n = 0;
}
