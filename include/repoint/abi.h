/* SPDX-License-Identifier: MIT */
/*
 * The tables that sites are recorded in: the one definition, shared by the
 * headers' macros, the library and the object tool.
 *
 * Sections (each name is a C identifier, so that every linker provides
 * __start_ and __stop_ symbols for it):
 *
 *   rp_static_call_keys   int32_t: each key, relative to the field, written by
 *                         RP_DEFINE_STATIC_CALL
 *   rp_static_call_sites  struct rp_static_call_site, written by
 *                         `repoint object annotate`
 *   rp_static_key_sites   struct rp_static_key_site, written by the
 *                         rp_static_branch_*() macros
 *
 * All are read-only and need no dynamic relocation for any record: addresses
 * are relative to the field that holds them. They carry SHF_LINK_ORDER towards
 * the text they describe, so that --gc-sections can drop the records of dropped
 * functions and keeps those of kept ones. (GNU ld keeps all, and their
 * functions, unless it is told -z start-stop-gc, which is lld's default.)
 *
 * A static call's trampoline may live in another shared object, out of reach
 * of 32 bits, so the record refers to the *GOT entry* of the trampoline
 * (R_X86_64_GOTPCREL): one dynamic relocation per trampoline and object,
 * none per site. The key is found from the trampoline.
 */
#ifndef REPOINT_ABI_H
#define REPOINT_ABI_H

#include <repoint/compiler.h>

/** RP_ABI_VERSION - version of every layout in this file. */
#define RP_ABI_VERSION			1

#define RP_STATIC_CALL_KEYS_SECTION	"rp_static_call_keys"
#define RP_STATIC_CALL_SITES_SECTION	"rp_static_call_sites"
#define RP_STATIC_KEY_SITES_SECTION	"rp_static_key_sites"

/** Prefix of trampoline symbols: rp_tramp__NAME. */
#define RP_TRAMP_PREFIX			"rp_tramp__"
/** Prefix of static call key symbols: rp_key__NAME. */
#define RP_KEY_PREFIX			"rp_key__"

/**
 * enum rp_site_kind - which instruction a static call site is.
 *
 * The kind tells the length and which bytes may change; the bytes found in
 * place are still checked against it before each write.
 */
enum rp_site_kind {
	RP_SITE_CALL = 1,	/**< e8 rel32, 5 bytes */
	RP_SITE_JMP = 2,	/**< e9 rel32, 5 bytes: a tail call */
	RP_SITE_JCC = 3,	/**< 0f 8x rel32, 6 bytes: a conditional tail call */
	RP_SITE_CALL_GOT = 4,	/**< ff 15 rel32, 6 bytes (-fno-plt); the linker
				     may have relaxed it to 67 e8 rel32 */
	RP_SITE_JMP_GOT = 5,	/**< ff 25 rel32, 6 bytes; relaxed: e9 rel32 90 */
	RP_SITE_KIND_NR
};

/**
 * struct rp_static_call_site - one call of a static call (12 bytes).
 * @code:  first byte of the instruction, relative to this field
 * @kind:  enum rp_site_kind
 * @flags: 0; a reader refuses records with flags that it does not know.
 *         Note that the low byte precedes @tramp by two: it must never look
 *         like an instruction that a linker would relax (8b, ff).
 * @tramp: GOT entry that holds the trampoline's address, relative to this
 *         field (R_X86_64_GOTPCREL, addend 0)
 */
struct rp_static_call_site {
	int32_t code;
	uint16_t kind;
	uint16_t flags;
	int32_t tramp;
};

/**
 * struct rp_static_key_site - one static branch (16 bytes).
 * @code:   first of the five bytes that change, relative to this field; up to
 *          four prefix bytes of the same instruction may precede it
 * @target: where the branch goes when taken, relative to this field
 * @key:    struct rp_static_key, relative to this field
 * @flags:  RP_STATIC_KEY_SITE_* bits
 */
struct rp_static_key_site {
	int32_t code;
	int32_t target;
	int32_t key;
	uint32_t flags;
};

/** The site is a NOP when the key is enabled (rp_static_branch_likely). */
#define RP_STATIC_KEY_SITE_LIKELY	0x1u

/*
 * A trampoline is a block of 16 bytes, aligned to 16:
 *
 *   offset 0   .long  key - .        the key, relative to this field
 *          4   endbr64               with -fcf-protection: rp_tramp__NAME is here
 *              int3 x4               without
 *          8   jmp *key.target       rp_tramp__NAME is here without endbr64;
 *                                    patched to e9 rel32 90 or c3 cc cc cc cc cc
 *         14   ud2                   stops speculation; part of the signature
 */
#define RP_TRAMP_SIZE		16
#define RP_TRAMP_ENDBR_OFFSET	4
#define RP_TRAMP_JMP_OFFSET	8
#define RP_TRAMP_JMP_SIZE	6
#define RP_TRAMP_UD_OFFSET	14

struct rp_object;
struct rp_site_range;

/**
 * struct rp_static_call_key - state of one static call.
 * @func:   external: the function set last; NULL if calls do nothing
 * @target: internal: what generic callers and unpatched trampolines jump
 *          through; never NULL. Offset 8 is known to the trampoline.
 * @tramp:  internal: the jump in the trampoline block; NULL where the
 *          architecture has no trampolines
 * @object: internal: the object that defines the key
 * @ranges: internal: its registered sites, a range for each object
 * @magic:  internal: RP_STATIC_CALL_KEY_MAGIC
 * @flags:  internal
 */
struct rp_static_call_key {
	void *func;
	void *target;
	void *tramp;
	struct rp_object *object;
	struct rp_site_range *ranges;
	uint32_t magic;
	uint32_t flags;
};

#define RP_STATIC_CALL_KEY_MAGIC	0x6b637072u	/* "rpck" */

/**
 * struct rp_static_key - state of one static key.
 * @count:  internal: users; read by rp_static_key_count()
 * @flags:  internal: RP_STATIC_KEY_* bits
 * @object: internal: the object that defines the key
 * @ranges: internal: its registered sites, a range for each object
 * @origin: internal: the key that this one stands for, if it was imported
 *          from another shared object; else NULL
 * @magic:  internal: RP_STATIC_KEY_MAGIC
 */
struct rp_static_key {
	int32_t count;
	uint32_t flags;
	struct rp_object *object;
	struct rp_site_range *ranges;
	struct rp_static_key *origin;
	uint32_t magic;
	uint32_t reserved;
};

#define RP_STATIC_KEY_MAGIC		0x6b737072u	/* "rpsk" */
/** The key was defined with _TRUE: its sites were built for "enabled". */
#define RP_STATIC_KEY_INIT_TRUE		0x1u

/**
 * struct rp_object - what one executable or shared object registers.
 *
 * One hidden, weak instance per linked object; see <repoint/object.h>.
 * @size says how much of it the object was built with, so that fields can be
 * added at the end.
 */
struct rp_object {
	uint32_t version;
	uint32_t size;
	const struct rp_static_call_site *call_sites;
	const struct rp_static_call_site *call_sites_end;
	const struct rp_static_key_site *key_sites;
	const struct rp_static_key_site *key_sites_end;
	const int32_t *call_keys;
	const int32_t *call_keys_end;
	void *state;			/* internal */
};

#endif /* REPOINT_ABI_H */
