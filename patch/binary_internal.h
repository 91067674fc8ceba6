/* SPDX-License-Identifier: MIT */
/* What the files of the binary's model share. */
#ifndef REPOINT_PATCH_BINARY_INTERNAL_H
#define REPOINT_PATCH_BINARY_INTERNAL_H

#include "binary.h"

#include <elf.h>
#include <libelf.h>

/** In .gnu.version: not the default version. */
#define RP_VERSION_HIDDEN	0x8000u

/**
 * struct rp_image - a linked ELF file in memory: a program, a library, or the
 * debug file of one. libelf checks that sections lie inside the file.
 */
struct rp_image {
	char *path;
	const uint8_t *map;
	size_t size;
	Elf *elf;
	const Elf64_Ehdr *ehdr;
	const Elf64_Phdr *phdr;
	size_t nphdr;
	size_t nsections;
};

int rp_image_open(struct rp_image *image, const char *path,
		  struct rp_diag *diag);
void rp_image_close(struct rp_image *image);

/** rp_image_header() - of a section; NULL if there is none of this index. */
const Elf64_Shdr *rp_image_header(const struct rp_image *image, size_t index);
const char *rp_image_section_name(const struct rp_image *image, size_t index);
/** rp_image_find() - the first section of a type; 0 if there is none. */
size_t rp_image_find(const struct rp_image *image, uint32_t type);
size_t rp_image_find_name(const struct rp_image *image, const char *name);
/** rp_image_data() - its bytes in the file; NULL if none. */
const void *rp_image_data(const struct rp_image *image, size_t index,
			  size_t *size);
/** rp_image_table() - entries of a fixed size. Return: 0; -EINVAL. */
int rp_image_table(const struct rp_image *image, size_t index, size_t entry,
		   const void **ret, size_t *n, struct rp_diag *diag);
/** rp_image_damaged() - say which section makes no sense. Return: -EINVAL. */
int rp_image_damaged(const struct rp_image *image, size_t index,
		     const char *what, struct rp_diag *diag);
/** rp_image_build_id() - NULL if there is none. */
const uint8_t *rp_image_build_id(const struct rp_image *image, size_t *size);

/** struct rp_dynamic - what the dynamic linker reads, checked. */
struct rp_dynamic {
	const Elf64_Sym *symbols;
	const char **names;
	size_t nsymbols;
	const Elf64_Half *versym;	/* one for each symbol, or NULL */
	const char **versions;		/* by version index; NULL: none */
	size_t nversions;
	const char **needed;
	size_t nneeded;
	const char *soname;
	const char *rpath;
	const char *runpath;
	bool symbolic;
	bool program;			/* says itself that it is one */
};

int rp_dynamic_init(struct rp_dynamic *dynamic, const struct rp_image *image,
		    struct rp_diag *diag);
void rp_dynamic_deinit(struct rp_dynamic *dynamic);
const char *rp_dynamic_version(const struct rp_dynamic *dynamic, size_t symbol);
static inline bool rp_dynamic_is_defined(const Elf64_Sym *symbol)
{
	return symbol->st_shndx != SHN_UNDEF &&
	       ELF64_ST_BIND(symbol->st_info) != STB_LOCAL;
}

/** struct rp_address - an entry of an index by address. */
struct rp_address {
	uint64_t address;
	uint32_t index;
};

/** struct rp_cut_name - a symbol's name without its version. */
struct rp_cut_name {
	struct rp_cut_name *next;
	char name[];
};

/** struct rp_export - a symbol of .dynsym that is defined. */
struct rp_export {
	const char *name;
	uint32_t symbol;
};

/** struct rp_library - a library that the binary needs. */
struct rp_library;

struct rp_binary {
	struct rp_image image;
	struct rp_image debug;		/* path NULL if there is none */
	bool separate;			/* symbols are from @debug */
	struct rp_dynamic dynamic;
	bool shared;
	char lto[96];

	struct rp_binary_symbol *symbols;
	size_t nsymbols;
	struct rp_cut_name *cut_names;
	uint32_t *name_slots;		/* hash table: number of a name, or 0 */
	size_t name_mask;
	uint32_t *name_first;		/* of name i - 1, in @name_order */
	size_t nnames;
	uint32_t *name_order;
	uint32_t *by_address;		/* symbols that have one, sorted */
	size_t nby_address;
	struct rp_address *sized;	/* sorted */
	uint64_t *reach;		/* where the first i + 1 of them end */
	size_t nsized;

	struct rp_binary_reloc *relocs;	/* sorted by address */
	size_t nrelocs;
	struct rp_binary_import *imports;	/* sorted by name */
	size_t nimports;
	struct rp_address *import_at;
	size_t nimport_at;
	struct rp_binary_slot *slots;
	size_t nslots;
	struct rp_export *exports;	/* sorted by name */
	size_t nexports;

	struct rp_library *libraries;
	bool libraries_read;
	char missing[96];
};

int rp_binary_read_symbols(struct rp_binary *binary, struct rp_diag *diag);
void rp_binary_free_symbols(struct rp_binary *binary);
int rp_binary_read_relocs(struct rp_binary *binary, struct rp_diag *diag);
int rp_binary_read_imports(struct rp_binary *binary, struct rp_diag *diag);
void rp_binary_free_imports(struct rp_binary *binary);
/** Set the plt fields of imports and slots; fill import_at in. */
int rp_binary_read_plt(struct rp_binary *binary, struct rp_diag *diag);
int rp_binary_find_debug(struct rp_binary *binary,
			 const struct rp_binary_options *options,
			 struct rp_diag *diag);
void rp_binary_find_lto(struct rp_binary *binary);
void rp_binary_free_libraries(struct rp_binary *binary);

#endif /* REPOINT_PATCH_BINARY_INTERNAL_H */
