/* SPDX-License-Identifier: MIT */
/*
 * The ORC table of a relocatable object.
 *
 * Each entry's place is a relocation against the section's own symbol: another
 * one could be taken over by a stronger definition elsewhere, and the entry with
 * it.
 */
#include "../elf/section_symbols.h"
#include "file.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct builder {
	struct rp_elf_edit *edit;
	const struct rp_relobj *obj;
	const struct rp_orc *orc;
	const struct rp_abi *abi;
	uint32_t *symbol;	/* of each section, as the edit numbers them */
	struct rp_orc_bytes bytes;
	struct rp_diag *diag;
};

/* Kernels load the table with the code. Ours is left out of what is linked: the
 * linker would put the parts one behind the other, and not sort them. */
static uint64_t section_flags(const struct rp_abi *abi)
{
	return abi->kernel ? SHF_ALLOC : SHF_EXCLUDE;
}

static GElf_Shdr section_header(const struct rp_abi *abi, size_t entry,
				size_t alignment)
{
	return (GElf_Shdr){
		.sh_type = SHT_PROGBITS,
		.sh_flags = section_flags(abi),
		.sh_addralign = abi->kernel ? 1 : alignment,
		.sh_entsize = entry,
	};
}

static int find_symbols(struct builder *b)
{
	bool *needed = calloc(b->obj->nsections, sizeof(*needed));

	if (!needed)
		return rp_diag_nomem(b->diag);
	for (size_t i = 0; i < b->orc->n; i++)
		needed[b->orc->v[i].section] = true;
	int rc = rp_section_symbols(b->edit, needed, b->symbol, b->diag);
	free(needed);
	return rc;
}

static int add_or_take(struct builder *b, const char *name,
		       const GElf_Shdr *hdr, uint32_t *ret)
{
	*ret = rp_orc_section(b->obj, name);
	if (!*ret)
		return rp_elf_edit_add_section(b->edit, name, hdr, 0, ret,
					       b->diag);
	GElf_Shdr *old = &b->edit->sections[*ret].hdr;

	old->sh_flags = (old->sh_flags & SHF_GROUP) | hdr->sh_flags;
	old->sh_addralign = hdr->sh_addralign;
	old->sh_entsize = hdr->sh_entsize;
	return 0;
}

static int put_bytes(struct builder *b, const char *name, size_t alignment,
		     uint8_t **data, size_t n, size_t entry)
{
	const GElf_Shdr hdr = section_header(b->abi, entry, alignment);
	uint32_t section;
	int rc = add_or_take(b, name, &hdr, &section);

	if (rc)
		return rc;
	rp_elf_edit_set_data(b->edit, section, *data, n * entry);
	*data = NULL;
	return 0;
}

static int put_relocs(struct builder *b, uint32_t ip)
{
	const GElf_Shdr hdr = {
		.sh_type = SHT_RELA,
		.sh_flags = SHF_INFO_LINK,
		.sh_link = b->obj->symtab,
		.sh_info = ip,
		.sh_addralign = sizeof(uint64_t),
		.sh_entsize = sizeof(Elf64_Rela),
	};
	const struct rp_orc *orc = b->orc;
	Elf64_Rela *relocs = calloc(orc->n ? orc->n : 1, sizeof(*relocs));
	uint32_t rela = ip < b->obj->nsections ? b->obj->sections[ip].rela : 0;
	int rc = 0;

	if (!relocs)
		return rp_diag_nomem(b->diag);
	for (size_t i = 0; i < orc->n; i++) {
		uint64_t symbol = b->symbol[orc->v[i].section];

		relocs[i] = (Elf64_Rela){
			.r_offset = htole64(i * RP_ORC_IP_SIZE),
			.r_info = htole64(ELF64_R_INFO(symbol, R_X86_64_PC32)),
			.r_addend = htole64(orc->v[i].offset),
		};
	}
	if (!rela)
		rc = rp_elf_edit_add_section(b->edit,
			".rela" RP_ORC_IP_SECTION, &hdr, 0, &rela, b->diag);
	if (rc) {
		free(relocs);
		return rc;
	}
	rp_elf_edit_set_data(b->edit, rela, relocs, orc->n * sizeof(*relocs));
	// Others of an old table would be applied as well.
	while (rela < b->obj->nsections &&
	       (rela = b->obj->sections[rela].next_rela) != 0)
		rp_elf_edit_set_data(b->edit, rela, NULL, 0);
	return 0;
}

static int put_places(struct builder *b)
{
	const GElf_Shdr hdr = section_header(b->abi, RP_ORC_IP_SIZE, 4);
	uint8_t *zero = calloc(b->orc->n ? b->orc->n : 1, RP_ORC_IP_SIZE);
	uint32_t ip;

	if (!zero)
		return rp_diag_nomem(b->diag);
	int rc = add_or_take(b, RP_ORC_IP_SECTION, &hdr, &ip);
	if (rc) {
		free(zero);
		return rc;
	}
	rp_elf_edit_set_data(b->edit, ip, zero, b->orc->n * RP_ORC_IP_SIZE);
	return put_relocs(b, ip);
}

static int put_all(struct builder *b)
{
	int rc = find_symbols(b);

	if (!rc)
		rc = rp_orc_pack(&b->bytes, b->orc, b->abi, b->diag);
	if (!rc)
		rc = put_bytes(b, RP_ORC_SECTION, 2, &b->bytes.entries,
			       b->bytes.n, RP_ORC_ENTRY_SIZE);
	if (!rc && (b->bytes.nwide ||
		    rp_orc_section(b->obj, RP_ORC_WIDE_SECTION)))
		rc = put_bytes(b, RP_ORC_WIDE_SECTION, 4, &b->bytes.wide,
			       b->bytes.nwide, RP_ORC_WIDE_SIZE);
	return rc ? rc : put_places(b);
}

int rp_orc_put(struct rp_elf_edit *edit, const struct rp_orc *orc,
	       const struct rp_abi *abi, struct rp_diag *diag)
{
	struct builder b = { .edit = edit, .obj = edit->obj, .orc = orc,
			     .abi = abi, .diag = diag };

	b.symbol = calloc(edit->obj->nsections, sizeof(*b.symbol));
	if (!b.symbol)
		return rp_diag_nomem(diag);
	int rc = put_all(&b);
	rp_orc_bytes_deinit(&b.bytes);
	free(b.symbol);
	return rc;
}

static bool headers_match(const struct rp_relobj *obj, const struct rp_abi *abi)
{
	static const char *const names[] = {
		RP_ORC_SECTION, RP_ORC_IP_SECTION, RP_ORC_WIDE_SECTION };
	const uint64_t relevant = SHF_ALLOC | SHF_EXCLUDE | SHF_WRITE;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint32_t section = rp_orc_section(obj, names[i]);

		if (section && (obj->sections[section].hdr.sh_flags &
				relevant) != section_flags(abi))
			return false;
	}
	return true;
}

static bool same_entries(const struct rp_orc *a, const struct rp_orc *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].section != b->v[i].section ||
		    a->v[i].offset != b->v[i].offset ||
		    !rp_orc_same(&a->v[i], &b->v[i]))
			return false;
	}
	return true;
}

int rp_orc_matches(const struct rp_relobj *obj, const struct rp_orc *orc,
		   const struct rp_abi *abi, bool *ret, struct rp_diag *diag)
{
	struct rp_orc old;
	struct rp_diag ignored;
	int rc = rp_orc_read(&old, obj, abi, &ignored);

	// A table that cannot be read is not the right one.
	*ret = rc == -ENOENT ? !orc->n :
	       !rc && headers_match(obj, abi) && same_entries(&old, orc);
	rp_orc_deinit(&old);
	return rc == -ENOMEM ? rp_diag_nomem(diag) : 0;
}
