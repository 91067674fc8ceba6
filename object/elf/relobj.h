/* SPDX-License-Identifier: MIT */
/*
 * An object file in memory: sections, symbols, relocations.
 *
 *   int  rp_relobj_open(obj, image, size, diag);
 *   int  rp_relobj_open_linked(obj, image, size, diag);
 *   void rp_relobj_close(obj);
 *   int  rp_relobj_relocs(obj, rela, &relocs, diag);
 *
 * The input is not trusted. What open() accepts satisfies:
 *
 *   I1  header, section headers and sections lie inside the image, and no two
 *       of them share a byte; so work over all sections is bounded by its size
 *   I2  names of sections and symbols are terminated strings
 *   I3  a symbol's section, a relocation section's target and symbol table, a
 *       group's members and signature exist
 *   I4  every section is in at most one group
 *   I5  alignments are zero or powers of two
 *
 * Relocations are checked when they are read, because most are never read.
 */
#ifndef REPOINT_OBJECT_ELF_RELOBJ_H
#define REPOINT_OBJECT_ELF_RELOBJ_H

#include "../diag.h"

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A symbol that is not in a section of the file: absolute, common, ... */
#define RP_SECTION_NONE		UINT32_MAX

/**
 * struct rp_section - one section.
 * @hdr:   its header
 * @name:  its name
 * @scn:   libelf's handle
 * @group: index of the SHT_GROUP section that it is a member of, or 0
 * @rela:  index of the first SHT_RELA section that applies to it, or 0
 * @next_rela: for an SHT_RELA section, the next one with the same target
 */
struct rp_section {
	GElf_Shdr hdr;
	const char *name;
	Elf_Scn *scn;
	uint32_t group;
	uint32_t rela;
	uint32_t next_rela;
};

/**
 * struct rp_symbol - one symbol.
 * @section: index of its section; 0 if undefined; RP_SECTION_NONE
 */
struct rp_symbol {
	const char *name;
	uint64_t value;
	uint64_t size;
	uint32_t section;
	uint8_t type;
	uint8_t bind;
};

struct rp_reloc {
	uint64_t offset;
	uint32_t symbol;
	uint32_t type;
	int64_t addend;
};

/** struct rp_spot - a place in a section; section 0: none. */
struct rp_spot {
	uint32_t section;
	uint64_t offset;
};

/** rp_spot_compare() - by section and offset: two struct rp_spot, for qsort(). */
static inline int rp_spot_compare(const void *a, const void *b)
{
	const struct rp_spot *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

/** What the compiler left the machine code to: link-time optimization. */
enum rp_relobj_lto {
	RP_LTO_NONE,
	RP_LTO_FAT,	/**< bytecode beside ordinary machine code */
	RP_LTO_SLIM,	/**< bytecode alone */
};

/**
 * struct rp_relobj - a relocatable object.
 * @image:        the file; must outlive the model
 * @symtab:       index of the symbol table, or 0 if there is none
 * @symtab_shndx: index of its table of section indices, or 0
 * @symbols:      @nsymbols of them; number 0, which is none, can always be looked
 *                at
 * @first_global: symbols from here on are not local
 * @lto:          see enum rp_relobj_lto
 * @linked:       an executable or a shared object: see rp_relobj_open_linked()
 * @dynsym:       linked: index of the table of dynamic symbols, or 0
 * @first_dynamic: linked: the symbols from here on are its; those before are the
 *                symbol table's. Stripped files have dynamic ones alone.
 * @by_address:   internal, linked: sections in memory
 */
struct rp_relobj {
	const uint8_t *image;
	size_t size;
	Elf *elf;
	GElf_Ehdr ehdr;
	struct rp_section *sections;
	size_t nsections;
	struct rp_symbol *symbols;
	size_t nsymbols;
	size_t first_global;
	uint32_t shstrtab;
	uint32_t symtab;
	uint32_t symtab_shndx;
	enum rp_relobj_lto lto;
	bool linked;
	uint32_t dynsym;
	size_t first_dynamic;
	uint32_t *by_address;
	size_t nby_address;
};

/** struct rp_relocs - the relocations of one section, in file order. */
struct rp_relocs {
	struct rp_reloc *v;
	size_t n;
};

/**
 * rp_relobj_open() - parse and check an x86-64 relocatable object.
 * @obj:   filled in; to be closed also after a failure
 * @image: the bytes of the file
 * @size:  how many
 * @diag:  what is wrong, on failure
 *
 * LLVM bitcode is accepted, as an object without sections (@lto says so).
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_relobj_open(struct rp_relobj *obj, const void *image, size_t size,
		   struct rp_diag *diag);

/**
 * rp_relobj_open_linked() - the same, and executables and shared objects too.
 *
 * Of linked files (@linked), for reading only: values of symbols and offsets of
 * relocations are offsets in sections, as in relocatable objects; symbols of
 * thread-local data have none (RP_SECTION_NONE). Only relocations that the
 * linker was told to leave (--emit-relocs) belong to sections; for those of the
 * dynamic linker see rp_relobj_dynamic_relocs(). All else is as I1 to I5 say.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_relobj_open_linked(struct rp_relobj *obj, const void *image, size_t size,
			  struct rp_diag *diag);

/**
 * rp_relobj_refuse_debug_file() - is it debug information alone, whose code is in
 * another file (objcopy --only-keep-debug, .dwo)? Who looks at code finds none in it,
 * and would say that all is well.
 *
 * Return: 0: no; -EINVAL (RP_DIAG_DEBUG_FILE).
 */
int rp_relobj_refuse_debug_file(const struct rp_relobj *obj,
				struct rp_diag *diag);

/** rp_relobj_close() - free the model. The image stays. */
void rp_relobj_close(struct rp_relobj *obj);

/**
 * rp_relobj_relocs() - read one SHT_RELA section.
 * @obj:  the object
 * @rela: index of the section
 * @ret:  filled in; rp_relocs_deinit() frees it
 * @diag: what is wrong, on failure
 *
 * On success every symbol index and every offset is in range; an offset has
 * room for four bytes behind it, or for less if the type needs less.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_relobj_relocs(const struct rp_relobj *obj, uint32_t rela,
		     struct rp_relocs *ret, struct rp_diag *diag);

/**
 * rp_relobj_dynamic_relocs() - what the dynamic linker does to a linked file.
 * @ret: filled in, by offset; offsets are addresses, of any section;
 *       rp_relocs_deinit() frees it
 *
 * Symbols are indices into @obj's. Packed relative relocations (SHT_RELR) have the
 * addend that is in their place.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_relobj_dynamic_relocs(const struct rp_relobj *obj,
			     struct rp_relocs *ret, struct rp_diag *diag);

/**
 * rp_relobj_section_at() - the section of a linked file that is at an address.
 * @offset: filled in: the place in it
 *
 * Return: its index, or 0.
 */
uint32_t rp_relobj_section_at(const struct rp_relobj *obj, uint64_t address,
			      uint64_t *offset);

/** rp_relobj_address() - of a place in a linked file. */
static inline uint64_t rp_relobj_address(const struct rp_relobj *obj,
					 uint32_t section, uint64_t offset)
{
	return obj->sections[section].hdr.sh_addr + offset;
}

void rp_relocs_deinit(struct rp_relocs *relocs);

/** rp_relobj_spot() - the place that a symbol and an addend mean: in a section, or
 *  at its end. */
struct rp_spot rp_relobj_spot(const struct rp_relobj *obj, uint32_t symbol,
			      int64_t addend);

/** rp_section_data() - the bytes of a section; NULL if it has none. */
static inline const uint8_t *rp_section_data(const struct rp_relobj *obj,
					     uint32_t index)
{
	const GElf_Shdr *hdr = &obj->sections[index].hdr;

	if (hdr->sh_type == SHT_NOBITS || hdr->sh_type == SHT_NULL)
		return NULL;
	return obj->image + hdr->sh_offset;
}

/** rp_section_is_text() - does the section hold code that is loaded? */
static inline bool rp_section_is_text(const struct rp_section *section)
{
	const uint64_t need = SHF_ALLOC | SHF_EXECINSTR;

	return section->hdr.sh_type == SHT_PROGBITS &&
	       (section->hdr.sh_flags & need) == need &&
	       !(section->hdr.sh_flags & (SHF_EXCLUDE | SHF_COMPRESSED));
}

#endif /* REPOINT_OBJECT_ELF_RELOBJ_H */
