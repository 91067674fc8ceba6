/* SPDX-License-Identifier: MIT */
/*
 * The program and the libraries that are loaded in a process, and what they
 * export.
 *
 * All of it is read from the target's memory: the files may have been replaced
 * since, or lie in another mount namespace. A file is opened only for a symbol
 * table that is not loaded, through the target's own root, and checked by
 * build-id.
 */
#ifndef REPOINT_LIVE_MODULES_H
#define REPOINT_LIVE_MODULES_H

#include "target.h"

#include <elf.h>

#define RP_BUILD_ID_MAX	64u

/** enum rp_libc - whose private structures there are. */
enum rp_libc { RP_LIBC_UNKNOWN, RP_LIBC_GLIBC, RP_LIBC_MUSL };

/**
 * struct rp_module - a loaded ELF file.
 * @path:       as the process's maps name it; "[vdso]"
 * @bias:       what is added to the file's addresses
 * @low, @high: extent of its segments in memory
 * @fixed:      not position-independent: code may hold addresses in 32 bits
 * @program:    the program itself
 * @phdrs:      with the file's addresses
 * @eh_frame_hdr: address in memory, 0: none; @eh_frame_hdr_size
 * @dynamic:    address in memory of PT_DYNAMIC, 0: none
 * @link_map:   address of the dynamic linker's entry; 0: none
 * @tls_size, @tls_align, @tls_image, @tls_filesz: PT_TLS; size 0: none; @image
 *              is an address in memory
 * @tls_module: what __tls_get_addr() calls it; 0: not known or none
 * @tls_offset: its block is at thread pointer - @tls_offset in each thread; 0:
 *              not known, or allocated by each thread when first used
 * @startup:    loaded before the program started, not by dlopen(); not known
 *              before somebody asked (rp_scope_startup())
 * @abi_tag:    it has the note of programs that were linked with glibc's start
 *              code
 * @space:      namespace of dlmopen(), 0 for the usual one
 * @order:      place in the lists of the dynamic linker; UINT32_MAX: in none
 * @dyn, @symbols: read when needed
 */
struct rp_module {
	char *path;
	uint64_t bias, low, high;
	bool fixed;
	bool program;
	bool vdso;
	Elf64_Phdr *phdrs;
	size_t nphdrs;
	uint8_t build_id[RP_BUILD_ID_MAX];
	size_t build_id_size;
	uint64_t eh_frame_hdr, eh_frame_hdr_size;
	uint64_t dynamic;
	uint64_t link_map;
	uint64_t tls_size, tls_align, tls_image, tls_filesz;
	uint64_t tls_module, tls_offset;
	bool startup;
	bool abi_tag;
	uint32_t space;
	uint32_t order;
	struct rp_dynamic *dyn;
	struct rp_symbol_file *symbols;
};

/**
 * struct rp_modules - those of a process, as they were when they were read.
 * @libc:      whose functions the program runs on
 * @libc_module: where that is; the program itself if static; NULL: not known
 * @is_static: no dynamic linker took part
 */
struct rp_modules {
	const struct rp_target *target;
	struct rp_maps maps;
	struct rp_module *v;	/* in the dynamic linker's order, others behind */
	size_t n;
	enum rp_libc libc;
	struct rp_module *libc_module;	/* the program itself if static */
	bool is_static;
	struct rp_module **by_address;
	struct rp_page_cache *pages;	/* of tables that do not change */
	uint64_t searchlist;	/* in glibc's struct link_map; 0: not known */
	bool has_searchlist;	/* it was looked for */
	bool has_startup;
};

/**
 * rp_modules_read() - find out what is loaded. The process may run: what a
 * dlopen() or dlclose() is about to change is then seen before or behind it.
 *
 * What looks like an ELF file in memory but is not sound, or is not mapped as
 * its segments say, is no module.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM; -ESRCH, the latter with @diag too.
 */
int rp_modules_read(struct rp_modules *modules, const struct rp_target *target,
		    struct rp_diag *diag);
void rp_modules_free(struct rp_modules *modules);

/** By build-id, by address; NULL if there is none. */
struct rp_module *rp_modules_by_build_id(const struct rp_modules *modules,
					 const uint8_t *build_id, size_t size);
struct rp_module *rp_modules_at(const struct rp_modules *modules,
				uint64_t address);
/** Is an address in an executable segment of this module? */
bool rp_module_is_text(const struct rp_module *module, uint64_t address);

/**
 * struct rp_live_symbol - a symbol in memory.
 * @address: in the process; for STT_TLS the offset in @module's block
 * @type:    STT_*
 */
struct rp_live_symbol {
	const struct rp_module *module;
	uint64_t address;
	uint64_t size;
	uint8_t type;
};

/**
 * rp_modules_lookup() - find an exported symbol as the dynamic linker would for
 * a reference in @from.
 * @from:    whose reference: decides the scope; NULL: the global scope
 * @version: "" : the default one, as dlsym() finds it; NULL: as a reference that
 *           has no version finds it, which may be the oldest one
 *
 * Order: what @from's own list of scopes says (glibc), or its list of global
 * objects (musl): the global scope (the program, then what it was linked with,
 * breadth first), then @from's own if it was loaded by dlopen(). Where these
 * lists are not found they are made from DT_NEEDED; objects that were opened with
 * RTLD_GLOBAL or RTLD_DEEPBIND are then taken for ordinary ones.
 *
 * Versions as _dl_lookup_symbol_x() takes them; musl only knows default ones.
 * A function of which the program has a PLT entry that stands for its address
 * everywhere (st_value of an undefined symbol) has that address.
 *
 * Return: 0; -ENOENT; -ENOMEM. Tables that are not sound have no symbols.
 */
int rp_modules_lookup(struct rp_modules *modules, struct rp_module *from,
		      const char *name, const char *version,
		      struct rp_live_symbol *ret);

/** rp_module_export() - a symbol that one module defines in its .dynsym.
 *  @version, return: as rp_modules_lookup(). */
int rp_module_export(struct rp_modules *modules, struct rp_module *module,
		     const char *name, const char *version,
		     struct rp_live_symbol *ret);

/**
 * rp_module_local() - a function or variable of its .symtab: of the file, if
 * that still is this build, or of a separate debug file (by build-id, in the
 * target's /usr/lib/debug or in this process's). One without a build-id has none.
 *
 * Return: 0; -ENOENT; -ENOTUNIQ: several local ones, none global; -ENOMEM.
 */
int rp_module_local(struct rp_modules *modules, struct rp_module *module,
		    const char *name, struct rp_live_symbol *ret);

/**
 * rp_modules_ifunc() - what an IFUNC was resolved to: from a slot of any loaded
 * module that refers to it and has been filled.
 * @symbol: the IFUNC, of rp_modules_lookup()
 * Return: 0; -ENOENT: nobody refers to it; -ENOMEM.
 */
int rp_modules_ifunc(struct rp_modules *modules,
		     const struct rp_live_symbol *symbol, const char *name,
		     uint64_t *ret);

/**
 * rp_modules_slot_is_lazy() - is what a GOT entry of @module holds its own PLT:
 * has the function not been looked up yet?
 */
bool rp_modules_slot_is_lazy(struct rp_modules *modules,
			     const struct rp_module *module, uint64_t value);

#endif /* REPOINT_LIVE_MODULES_H */
