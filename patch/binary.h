/* SPDX-License-Identifier: MIT */
/*
 * The linked program or library that is to be patched: its identity, symbols,
 * bytes, and what it imports.
 *
 * Symbols are those of the file or of its separate debug file; addresses are
 * the file's own, before a load bias is added.
 */
#ifndef REPOINT_PATCH_BINARY_H
#define REPOINT_PATCH_BINARY_H

#include "../object/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct rp_binary_symbol - a defined symbol of .symtab, in its order; those
 * of files and sections, and those without a name, are left out.
 * @name:     without version, as .symtab has it
 * @file:     STT_FILE before it, if it is local; else "". Behind the last
 *            object's symbols a linker puts what it made local itself (hidden
 *            visibility, version scripts): GNU ld with a @file of "", others
 *            with the last object's.
 * @unit:     number of that STT_FILE symbol, counted from 1; 0 if not local,
 *            or if there is none before it. Two files of one name have
 *            different ones.
 * @value:    address; for STT_TLS the offset in the TLS block
 * @position: which one of its name in .symtab, counted from 1
 * @section:  index in the binary; UINT32_MAX (RP_SECTION_NONE) if absolute
 */
struct rp_binary_symbol {
	const char *name;
	const char *file;
	uint64_t value;
	uint64_t size;
	uint32_t unit;
	uint32_t position;
	uint32_t section;
	uint8_t type;
	uint8_t bind;
};

/**
 * struct rp_binary_import - a symbol that the dynamic linker finds for it: one
 * that others define, or one of its own that others may replace.
 * @version:   that it was linked against; "" if none
 * @plt:       address of its PLT entry (.plt, .plt.sec, .plt.got), or 0
 * @slot:      address of its GOT entry that is filled at start (GLOB_DAT), or 0
 * @jump_slot: address of its PLT's GOT entry (JUMP_SLOT), or 0; until the first
 *             call it may hold an address inside the PLT
 * @copy:      address of its copy (R_X86_64_COPY), or 0
 * @canonical: @plt is the function's address in all of the process: code of the
 *             program refers to it directly
 */
struct rp_binary_import {
	const char *name;
	const char *version;
	uint64_t plt;
	uint64_t slot;
	uint64_t jump_slot;
	uint64_t copy;
	uint8_t type;
	bool weak;
	bool canonical;
};

/** struct rp_binary_slot - a GOT entry that holds an IFUNC's choice. */
struct rp_binary_slot {
	uint64_t resolver;	/* address of the IFUNC symbol */
	uint64_t slot;
	uint64_t plt;		/* its iplt entry, or 0 */
};

/**
 * struct rp_binary_reloc - a relocation that the dynamic linker applies.
 * @address: of the field
 * @value:   address in the binary that it stands for: the addend, to which the
 *           symbol's value is added if the binary defines it
 * @name:    of its symbol; "" if none
 * @symbol:  index in .dynsym; 0 if none
 * @type:    R_X86_64_*; R_X86_64_RELATIVE for those of SHT_RELR
 */
struct rp_binary_reloc {
	uint64_t address;
	uint64_t value;
	const char *name;
	uint32_t symbol;
	uint32_t type;
};

struct rp_binary;

/** struct rp_binary_options - NULL and 0 mean the default. */
struct rp_binary_options {
	const char *debug_file;		/* separate debug file: no other is tried */
	const char *const *debug_dirs;	/* NULL-terminated; /usr/lib/debug */
};

/**
 * rp_binary_open() - read a binary, and its separate debug file if its own
 * symbol table is stripped (found by build-id, or by .gnu_debuglink and checked
 * by build-id).
 *
 * Refused: not x86-64, not linked, no build-id, no symbol table to be found
 * (with the places where it was looked for), the debug file of another build.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_binary_open(struct rp_binary **ret, const char *path,
		   const struct rp_binary_options *options,
		   struct rp_diag *diag);
void rp_binary_close(struct rp_binary *binary);

/** The separate debug file that was given or found; NULL if none. */
const char *rp_binary_debug_path(const struct rp_binary *binary);
const uint8_t *rp_binary_build_id(const struct rp_binary *binary, size_t *size);
/** Position-independent: addresses are not final. */
bool rp_binary_is_pie(const struct rp_binary *binary);
/** A shared object, not a program (PIE included in "program"). */
bool rp_binary_is_shared(const struct rp_binary *binary);
/** NULL, or how it shows that it was built with link-time optimization. */
const char *rp_binary_lto(const struct rp_binary *binary);

size_t rp_binary_nsymbols(const struct rp_binary *binary);
const struct rp_binary_symbol *rp_binary_symbol(const struct rp_binary *binary,
						size_t index);
/** All symbols of a name, in the order of .symtab: their indices, and how many
 *  there are (@n); NULL if none. */
const uint32_t *rp_binary_by_name(const struct rp_binary *binary,
				  const char *name, size_t *n);
/** All FUNC, OBJECT, NOTYPE and IFUNC symbols at exactly this address, in the
 *  order of .symtab: their indices; NULL if none. */
const uint32_t *rp_binary_all_at(const struct rp_binary *binary,
				 uint64_t address, size_t *n);
/** The first of them, or NULL. */
const struct rp_binary_symbol *rp_binary_at(const struct rp_binary *binary,
					    uint64_t address);
/** The sized symbol that covers this address, or NULL; of several, the one that
 *  begins last. */
const struct rp_binary_symbol *rp_binary_covering(const struct rp_binary *binary,
						  uint64_t address);

/** Bytes of the file at an address, if one segment has all of them; or NULL:
 *  also for what is zero at start. */
const uint8_t *rp_binary_bytes(const struct rp_binary *binary, uint64_t address,
			       uint64_t size);
/** How many bytes of the file there are from an address on; 0 if none. */
uint64_t rp_binary_room(const struct rp_binary *binary, uint64_t address);
/** Is the address in an executable / in a writable segment? */
bool rp_binary_is_text(const struct rp_binary *binary, uint64_t address);
bool rp_binary_is_writable(const struct rp_binary *binary, uint64_t address);

/** By name, or NULL. Of several versions, the first one. */
const struct rp_binary_import *rp_binary_import(const struct rp_binary *binary,
						const char *name);
/** By address of a PLT entry or GOT entry, or NULL. */
const struct rp_binary_import *rp_binary_import_at(const struct rp_binary *binary,
						   uint64_t address);
const struct rp_binary_slot *rp_binary_ifunc(const struct rp_binary *binary,
					     uint64_t resolver);
/** The slot whose PLT or GOT entry is at @address, or NULL. */
const struct rp_binary_slot *rp_binary_ifunc_at(const struct rp_binary *binary,
						uint64_t address);
/** Does .dynsym define a symbol, so that others can refer to it? */
bool rp_binary_exports(const struct rp_binary *binary, const char *name);
/** Can another object's definition take its place: a shared object's exported
 *  symbol of default visibility, not linked -Bsymbolic? What was linked with
 *  -Bsymbolic-functions does not show it. */
bool rp_binary_is_preemptible(const struct rp_binary *binary, const char *name);
/** The dynamic relocation at an address, or NULL. */
const struct rp_binary_reloc *
rp_binary_reloc_at(const struct rp_binary *binary, uint64_t address);
/** Size and alignment of its TLS block; 0 if it has none. */
uint64_t rp_binary_tls_size(const struct rp_binary *binary, uint64_t *align);
/** Initial bytes of its TLS block; NULL where it is zero at start. */
const uint8_t *rp_binary_tls_bytes(const struct rp_binary *binary,
				   uint64_t offset, uint64_t size);

/**
 * struct rp_library_symbol - who exports a symbol, among the binary's libraries.
 * @library: soname
 */
struct rp_library_symbol {
	char library[96];
	char version[64];	/* the default one; "" if none */
	uint8_t type;
	uint64_t size;
};

/**
 * rp_binary_find_library_symbol() - does a library that the binary needs,
 * directly or through others, export a symbol?
 *
 * Libraries are looked for as the dynamic linker does: DT_RPATH, DT_RUNPATH with
 * $ORIGIN, the linker's cache, default directories.
 *
 * Return: 1 if so; 0 if not; -1 if not but not every library could be found
 * (@missing, if not NULL, gets the name of the first one: 96 bytes).
 */
int rp_binary_find_library_symbol(struct rp_binary *binary, const char *name,
				  struct rp_library_symbol *ret, char *missing);

#endif /* REPOINT_PATCH_BINARY_H */
