/* SPDX-License-Identifier: MIT */
/*
 * The file format of live-patch payloads (.rpp): an ELF relocatable object for
 * x86-64 whose sections, symbols and relocations mean what they mean in any
 * object, and these sections without SHF_ALLOC, all little endian:
 *
 *   .rp.payload    struct rp_payload_header, once
 *   .rp.functions  struct rp_payload_function: what is replaced
 *   .rp.bindings   struct rp_payload_binding: one for each undefined symbol
 *   .rp.hooks      struct rp_payload_hook
 *   .rp.data       struct rp_payload_data: live data that is set
 *   .rp.masks      struct rp_payload_range: bytes of functions that may differ
 *   .rp.depends    struct rp_payload_depend: payloads that must be applied
 *   .rp.strings    terminated strings; the first one is empty
 *   .note.gnu.build-id   identity of the payload: SHA-256 of the file with
 *                  these 32 bytes zero
 *
 * Strings are named by their offset in .rp.strings; offset 0 says "none".
 * Symbols are named by their index in the symbol table. Addresses of the target
 * are those of its ELF file, before the load bias is added.
 *
 * docs/payload.md describes it for other implementations.
 */
#ifndef REPOINT_PAYLOAD_FORMAT_H
#define REPOINT_PAYLOAD_FORMAT_H

#include <stdint.h>

#define RP_PAYLOAD_MAGIC	"RPPAYLD"	/* with its zero: 8 bytes */
#define RP_PAYLOAD_VERSION	1u
#define RP_PAYLOAD_ID_SIZE	32u
#define RP_PAYLOAD_BUILD_ID_MAX	64u

/**
 * struct rp_payload_header - what the payload is, and for what.
 * @magic:         RP_PAYLOAD_MAGIC
 * @version:       RP_PAYLOAD_VERSION; a reader refuses others
 * @size:          of this structure; a reader takes a longer one whose further
 *                 bytes are zero
 * @name:          of the patch: letters, digits, and -_.+ (string)
 * @patch_version: as its author counts (string)
 * @description:   one line (string)
 * @tool:          name and version of what made it (string)
 * @target:        file name of the target, without directories (string)
 * @build_id_size: bytes of @build_id that count, at least 1
 * @build_id:      of the target
 * @reserved:      0
 */
struct rp_payload_header {
	char magic[8];
	uint32_t version;
	uint32_t size;
	uint32_t name;
	uint32_t patch_version;
	uint32_t description;
	uint32_t tool;
	uint32_t target;
	uint32_t build_id_size;
	uint8_t build_id[RP_PAYLOAD_BUILD_ID_MAX];
	uint64_t reserved;
};

/**
 * struct rp_payload_function - a function that is replaced.
 * @address:    of the old one
 * @old_size:   its bytes
 * @symbol:     the new one: defined here, STT_FUNC
 * @name:       of the old one (string)
 * @file:       source file that the target's symbol table names before it, for
 *              local functions; else none (string)
 * @position:   which one of the symbols of that name in the target's symbol
 *              table, counted from 1
 * @detour:     offset of the detour from @address: 0, or 4 behind endbr64
 * @first_mask: index in .rp.masks of the first range of bytes, counted from
 *              @address, that are zero for @hash
 * @nmasks:     how many
 * @flags:      0
 * @reserved:   0
 * @cold:       of a part that the compiler split off the old one, or 0: code of
 *              the function that a thread may be in
 * @cold_size:  its bytes; 0 without one
 * @hash:       SHA-256 of the @old_size bytes that are expected in memory
 */
struct rp_payload_function {
	uint64_t address;
	uint64_t old_size;
	uint32_t symbol;
	uint32_t name;
	uint32_t file;
	uint32_t position;
	uint32_t detour;
	uint32_t first_mask;
	uint32_t nmasks;
	uint32_t flags;
	uint64_t reserved;
	uint64_t cold;
	uint64_t cold_size;
	uint8_t hash[32];
};

/** struct rp_payload_range - a part of a function. */
struct rp_payload_range {
	uint32_t offset;
	uint32_t size;
};

/** enum rp_payload_bind - where the address of an undefined symbol is from. */
enum rp_payload_bind {
	/** In the target: load bias + @value. */
	RP_BIND_TARGET = 1,
	/** Exported by another object: looked up by name and version, in the
	 *  order in which the dynamic linker would look it up for the target. */
	RP_BIND_IMPORT = 2,
	/** Thread-local in the target: @value is the offset in its TLS block. */
	RP_BIND_TLS = 3,
	/** Stored at load bias + @slot by the dynamic linker: an IFUNC. */
	RP_BIND_SLOT = 4,
	/** Defined by the payload @depend, under this name. */
	RP_BIND_PAYLOAD = 5,
	/** The process's live-patch root, see <repoint/livepatch.h>. */
	RP_BIND_ROOT = 6,
	/** Thread-local in another object: by name, as RP_BIND_IMPORT. */
	RP_BIND_IMPORT_TLS = 7,
	RP_BIND_NR
};

/** The symbol may be missing: its address is 0 then. */
#define RP_BIND_WEAK	0x1u
/** It is a function: calls may go through a jump that is near. */
#define RP_BIND_FUNCTION 0x2u

/**
 * struct rp_payload_binding - where an undefined symbol is found.
 * @value:    see enum rp_payload_bind; for RP_BIND_IMPORT the target's own
 *            PLT entry for it, or 0
 * @slot:     RP_BIND_SLOT, and RP_BIND_IMPORT: the target's GOT entry, or 0
 * @size:     of what it is, if known
 * @symbol:   index of the undefined symbol
 * @kind:     enum rp_payload_bind
 * @flags:    RP_BIND_* bits
 * @name:     in its object (string)
 * @file:     as in struct rp_payload_function (string)
 * @position: the same; 0 unless RP_BIND_TARGET, RP_BIND_TLS or RP_BIND_SLOT
 * @version:  of an import (string)
 * @depend:   RP_BIND_PAYLOAD: index in .rp.depends
 * @reserved: 0
 */
struct rp_payload_binding {
	uint64_t value;
	uint64_t slot;
	uint64_t size;
	uint32_t symbol;
	uint32_t kind;
	uint32_t flags;
	uint32_t name;
	uint32_t file;
	uint32_t position;
	uint32_t version;
	uint32_t depend;
	uint64_t reserved;
};

/** enum rp_payload_hook_kind - when a hook runs; as in <repoint/livepatch.h>. */
enum rp_payload_hook_kind {
	RP_HOOK_PRE_APPLY = 1,
	RP_HOOK_APPLY = 2,
	RP_HOOK_POST_APPLY = 3,
	RP_HOOK_PRE_REVERT = 4,
	RP_HOOK_REVERT = 5,
	RP_HOOK_POST_REVERT = 6,
	RP_HOOK_NR
};

/**
 * struct rp_payload_hook - a function that runs in the target.
 * @kind:   enum rp_payload_hook_kind; hooks of one kind run in this order
 * @symbol: defined here, STT_FUNC
 */
struct rp_payload_hook {
	uint32_t kind;
	uint32_t symbol;
};

/**
 * struct rp_payload_data - live data that gets a new value.
 * @size:     bytes
 * @target:   symbol: undefined, bound with RP_BIND_TARGET
 * @value:    symbol: defined here: the new bytes
 * @expected: symbol: defined here: the bytes that must be there before
 * @reserved: 0
 */
struct rp_payload_data {
	uint64_t size;
	uint32_t target;
	uint32_t value;
	uint32_t expected;
	uint32_t reserved;
};

/**
 * struct rp_payload_depend - a payload that must be applied before.
 * @id:       its identity
 * @name:     its name, for messages (string)
 * @reserved: 0
 */
struct rp_payload_depend {
	uint8_t id[RP_PAYLOAD_ID_SIZE];
	uint32_t name;
	uint32_t reserved;
};

#define RP_PAYLOAD_SECTION_HEADER	".rp.payload"
#define RP_PAYLOAD_SECTION_FUNCTIONS	".rp.functions"
#define RP_PAYLOAD_SECTION_BINDINGS	".rp.bindings"
#define RP_PAYLOAD_SECTION_HOOKS	".rp.hooks"
#define RP_PAYLOAD_SECTION_DATA		".rp.data"
#define RP_PAYLOAD_SECTION_MASKS	".rp.masks"
#define RP_PAYLOAD_SECTION_DEPENDS	".rp.depends"
#define RP_PAYLOAD_SECTION_STRINGS	".rp.strings"

#endif /* REPOINT_PAYLOAD_FORMAT_H */
