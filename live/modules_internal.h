/* SPDX-License-Identifier: MIT */
/*
 * Parts of modules.h. What is read here was written by the target: addresses and
 * sizes are checked against the module's extent, loops are bounded.
 */
#ifndef REPOINT_LIVE_MODULES_INTERNAL_H
#define REPOINT_LIVE_MODULES_INTERNAL_H

#include "modules.h"

/* No linker makes more than some dozen segments. */
#define RP_PHDRS_MAX	128u
/* Entries of a dynamic section; there are about 30. */
#define RP_DYNAMIC_MAX	1024u
/* Symbols in one chain of a hash table; more, and it is none. */
#define RP_CHAIN_MAX	65536u
/* Bytes of glibc's struct link_map that are looked at; it has about 1150. */
#define RP_LINK_MAP_SIZE 1536u

/**
 * struct rp_dynamic - what a dynamic section says.
 * @strtab, @symtab, ...: addresses in memory, inside the module; 0: none
 * @debug:    value of DT_DEBUG
 * @symbolic: its references look in itself first
 * @needed:   offsets in @strtab, @nneeded of them
 * @scope:    where its references look; made when needed, @has_scope
 */
struct rp_dynamic {
	uint64_t strtab, strsz, symtab;
	uint64_t gnu_hash, hash;
	uint64_t versym, verdef, verneed;
	uint64_t verdefnum, verneednum;
	uint64_t rela, relasz, relacount, jmprel, pltrelsz;
	uint64_t debug, soname;
	bool symbolic;
	uint32_t *needed;
	size_t nneeded;
	struct rp_module **scope;
	size_t nscope;
	bool has_scope;
};

/** rp_module_contains() - are all these bytes in the module's extent? */
static inline bool rp_module_contains(const struct rp_module *module,
				      uint64_t address, uint64_t size)
{
	return address >= module->low && address <= module->high &&
	       size <= module->high - address;
}

/* dynamic.c */

/** rp_dynamic_of() - read it if that was not done. NULL: it has none, or no
 *  memory is left. */
struct rp_dynamic *rp_dynamic_of(const struct rp_modules *modules,
				 struct rp_module *module);
void rp_dynamic_free(struct rp_dynamic *dyn);

/** rp_modules_peek() - bytes of @module that do not change: pages are kept.
 *  Return: 0; -EFAULT; -ENOMEM. */
int rp_modules_peek(struct rp_modules *modules, const struct rp_module *module,
		    uint64_t address, void *buffer, size_t size);
void rp_page_cache_free(struct rp_page_cache *cache);

/** rp_dynamic_string() - a string of .dynstr, cut at @size - 1 bytes.
 *  Return: 0; -EFAULT; -ENOMEM. */
int rp_dynamic_string(struct rp_modules *modules, struct rp_module *module,
		      uint64_t offset, char *buffer, size_t size);
/** rp_dynamic_string_is() - is it this one? */
bool rp_dynamic_string_is(struct rp_modules *modules, struct rp_module *module,
			  uint64_t offset, const char *string);
/** rp_dynamic_symbol() - an entry of .dynsym. */
int rp_dynamic_symbol(struct rp_modules *modules, struct rp_module *module,
		      uint64_t index, Elf64_Sym *ret);

/** rp_dynamic_symbol_version() - name of version @index (without the hidden bit) that the
 *  module defines or needs; the base version, its own file name, has none.
 *  Return: 0 with the offset of its name; -ENOENT; -EFAULT; -ENOMEM. */
int rp_dynamic_symbol_version(struct rp_modules *modules, struct rp_module *module,
		       unsigned int index, uint64_t *ret);

/* link_map.c */

/** rp_link_maps_order() - @order, @link_map and which one is the program.
 *  @started: an address in what the kernel started, AT_PHDR
 *  Return: 0; -ENOMEM. */
int rp_link_maps_order(struct rp_modules *modules, uint64_t started);
/** rp_link_maps_details() - the rest, when they are in order: thread-local
 *  storage, libc. Return: 0; -ENOMEM. */
int rp_link_maps_details(struct rp_modules *modules);

/** rp_modules_by_link_map() - NULL if it is none's. */
struct rp_module *rp_modules_by_link_map(const struct rp_modules *modules,
					 uint64_t link_map);

/* scope.c */

/**
 * rp_scope_of() - the modules that a reference of @from is looked up in, in
 * their order.
 * Return: 0; -ENOMEM.
 */
int rp_scope_of(struct rp_modules *modules, struct rp_module *from,
		struct rp_module *const **ret, size_t *n);

/** rp_scope_startup() - set @startup of all that were not loaded by dlopen(). */
int rp_scope_startup(struct rp_modules *modules);

/* symbols.c */

/** rp_symbol_of_reference() - what the dynamic linker finds for entry @index of
 *  @from's .dynsym. Return: as rp_modules_lookup(). */
int rp_symbol_of_reference(struct rp_modules *modules, struct rp_module *from,
			   uint64_t index, const char *name,
			   struct rp_live_symbol *ret);

/* symbol_file.c */

void rp_symbol_file_free(struct rp_symbol_file *file);

#endif /* REPOINT_LIVE_MODULES_INTERNAL_H */
