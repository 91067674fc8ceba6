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
 *   rp_alternatives       struct rp_alternative, written by RP_ALTERNATIVE()
 *   rp_alternative_code   the replacements, as code that is never executed there
 *   rp_op_sites           struct rp_op_site, written by `repoint object
 *                         annotate` and by rp_op_asm()
 *   rp_patchlets          struct rp_patchlet, written by RP_PATCHLET_END()
 *
 * All are read-only and need no dynamic relocation for any record: addresses
 * are relative to the field that holds them. They carry SHF_LINK_ORDER towards
 * the text they describe, so that --gc-sections can drop the records of dropped
 * functions and keeps those of kept ones. (GNU ld keeps all, and their
 * functions, unless it is told -z start-stop-gc, which is lld's default.)
 *
 * Four tables are data that compilers write, few and with pointers:
 *
 *   rp_ops_tables         struct rp_ops_table, written by RP_DEFINE_OPS()
 *   rp_features           struct rp_feature, written by RP_DEFINE_FEATURE()
 *   rp_op_members         struct rp_op_member, written by RP_OP_CLOBBERS()
 *   rp_op_patchlets       struct rp_op_patchlet, written by RP_OP_PATCHLET()
 *
 * A static call's trampoline may live in another shared object, out of reach
 * of 32 bits, so the record refers to the *GOT entry* of the trampoline
 * (R_X86_64_GOTPCREL): one dynamic relocation per trampoline and object,
 * none per site. The key is found from the trampoline.
 */
#ifndef REPOINT_ABI_H
#define REPOINT_ABI_H

#ifndef __ASSEMBLER__
# include <repoint/compiler.h>
#endif

/** RP_ABI_VERSION - version of every layout in this file. */
#define RP_ABI_VERSION			1

#define RP_STATIC_CALL_KEYS_SECTION	"rp_static_call_keys"
#define RP_STATIC_CALL_SITES_SECTION	"rp_static_call_sites"
#define RP_STATIC_KEY_SITES_SECTION	"rp_static_key_sites"
#define RP_ALTERNATIVES_SECTION		"rp_alternatives"
#define RP_ALTERNATIVE_CODE_SECTION	"rp_alternative_code"
#define RP_OPS_TABLES_SECTION		"rp_ops_tables"
#define RP_OP_SITES_SECTION		"rp_op_sites"
#define RP_OP_MEMBERS_SECTION		"rp_op_members"
#define RP_PATCHLETS_SECTION		"rp_patchlets"
#define RP_OP_PATCHLETS_SECTION		"rp_op_patchlets"
#define RP_FEATURES_SECTION		"rp_features"

/** Prefix of trampoline symbols: rp_tramp__NAME. */
#define RP_TRAMP_PREFIX			"rp_tramp__"
/** Prefix of static call key symbols: rp_key__NAME. */
#define RP_KEY_PREFIX			"rp_key__"
/** Prefix of ops tables' symbols: rp_ops__NAME. */
#define RP_OPS_PREFIX			"rp_ops__"

/*
 * Registers that a patchlet changes, or that an ops member may change: one bit
 * each; general registers have the numbers that instructions give them.
 */
#define RP_CLOBBER_RAX		0x00001
#define RP_CLOBBER_RCX		0x00002
#define RP_CLOBBER_RDX		0x00004
#define RP_CLOBBER_RBX		0x00008
#define RP_CLOBBER_RBP		0x00020
#define RP_CLOBBER_RSI		0x00040
#define RP_CLOBBER_RDI		0x00080
#define RP_CLOBBER_R8		0x00100
#define RP_CLOBBER_R9		0x00200
#define RP_CLOBBER_R10		0x00400
#define RP_CLOBBER_R11		0x00800
#define RP_CLOBBER_R12		0x01000
#define RP_CLOBBER_R13		0x02000
#define RP_CLOBBER_R14		0x04000
#define RP_CLOBBER_R15		0x08000
#define RP_CLOBBER_FLAGS	0x10000	/* arithmetic flags */
#define RP_CLOBBER_VECTOR	0x20000	/* xmm, ymm, zmm of any number */
#define RP_CLOBBER_MASK		0x40000	/* k0 to k7 */
#define RP_CLOBBER_X87		0x80000	/* x87 and MMX */
/** What any C function may change (System V psABI for x86-64, 3.2.1). */
#define RP_CLOBBERS_C		0xf0fc7
/** All bits that have a meaning. The stack pointer is in no set. */
#define RP_CLOBBERS_ALL		0xfffef

#ifndef __ASSEMBLER__

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

/**
 * struct rp_alternative - one replacement of one stretch of code (16 bytes).
 * @code:            first byte of the site, relative to this field
 * @replacement:     first byte of the replacement, relative to this field
 * @feature:         RP_FEATURE_*: the replacement is used where it is present
 * @flags:           RP_ALTERNATIVE_NOT
 * @len:             bytes of the site: the original, padded with one-byte NOPs
 *                   to the length of its longest replacement
 * @replacement_len: bytes of the replacement, at most @len
 *
 * Entries of one site follow each other; the last one that applies wins. Sites
 * may be nested: the records of an inner one precede that of the outer one.
 */
struct rp_alternative {
	int32_t code;
	int32_t replacement;
	uint16_t feature;
	uint16_t flags;
	uint16_t len;
	uint16_t replacement_len;
};

/** The replacement is used where the feature is absent. */
#define RP_ALTERNATIVE_NOT	0x1u

/**
 * struct rp_ops_table - one table of operations.
 * @table: its first byte
 * @size:  bytes
 */
struct rp_ops_table {
	const void *table;
	uint64_t size;
};

/**
 * enum rp_op_site_kind - which instruction uses an ops table.
 *
 * CS prefixes (2e), which are ignored, may precede either of them.
 */
enum rp_op_site_kind {
	RP_OP_SITE_CALL = 1,	/**< ff 15 disp32: call *member(%rip) */
	RP_OP_SITE_JMP = 2,	/**< ff 25 disp32: jmp *member(%rip), a tail call */
	RP_OP_SITE_KIND_NR
};

/**
 * struct rp_op_site - one use of a member of an ops table (12 bytes).
 * @code:  first byte of the instruction, prefixes included, relative to this
 *         field
 * @slot:  the member, relative to this field
 * @kind:  enum rp_op_site_kind
 * @len:   bytes of the instruction, 6 to 15
 * @flags: 0; a reader refuses records with flags that it does not know
 */
struct rp_op_site {
	int32_t code;
	int32_t slot;
	uint8_t kind;
	uint8_t len;
	uint16_t flags;
};

/**
 * struct rp_op_member - a member with a clobber set of its own.
 * @slot:     the member
 * @clobbers: RP_CLOBBER_* bits: what its callers expect to change at most
 * @reserved: 0
 */
struct rp_op_member {
	const void *slot;
	uint32_t clobbers;
	uint32_t reserved;
};

/**
 * struct rp_patchlet - a native sequence (16 bytes).
 * @start:    first byte, relative to this field
 * @end:      behind the last byte, relative to this field
 * @clobbers: RP_CLOBBER_* bits: what it changes, declared by its author and
 *            checked by `repoint object annotate`
 * @flags:    0
 */
struct rp_patchlet {
	int32_t start;
	int32_t end;
	uint32_t clobbers;
	uint32_t flags;
};

/**
 * struct rp_op_patchlet - a function that has a patchlet.
 * @function: what a member is set to
 * @patchlet: start of the sequence that does the same
 */
struct rp_op_patchlet {
	const void *function;
	const void *patchlet;
};

/**
 * struct rp_feature - a synthetic feature of an object.
 * @feature:  RP_FEATURE_SYNTHETIC(n)
 * @reserved: 0
 * @name:     for the environment and for messages
 * @detect:   returns whether it is present; NULL: absent until it is set
 */
struct rp_feature {
	uint32_t feature;
	uint32_t reserved;
	const char *name;
	int (*detect)(void);
};

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
	const struct rp_alternative *alternatives;
	const struct rp_alternative *alternatives_end;
	const struct rp_ops_table *ops_tables;
	const struct rp_ops_table *ops_tables_end;
	const struct rp_op_site *op_sites;
	const struct rp_op_site *op_sites_end;
	const struct rp_op_member *op_members;
	const struct rp_op_member *op_members_end;
	const struct rp_patchlet *patchlets;
	const struct rp_patchlet *patchlets_end;
	const struct rp_op_patchlet *op_patchlets;
	const struct rp_op_patchlet *op_patchlets_end;
	const struct rp_feature *features;
	const struct rp_feature *features_end;
	uint64_t synthetic;		/* internal: those that are present */
	uint32_t flags;			/* internal */
	uint32_t reserved;
	const void *text;		/* of code that no loaded file has: a live */
	const void *text_end;		/* patch; else NULL */
};

#endif /* __ASSEMBLER__ */

#endif /* REPOINT_ABI_H */
