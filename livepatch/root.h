/* SPDX-License-Identifier: MIT */
/*
 * The live-patch root: one page of a patched process, from which all state is
 * reached that outlives a single payload.
 *
 * The patcher maps it, zeroed, at the first apply, and never takes it away;
 * payloads refer to it as rp__livepatch_root (RP_BIND_ROOT). A program that
 * links librepoint-livepatch.a itself has the archive's own, which is weak.
 *
 * Rules for whoever changes this file:
 *   - Data only. Code of a payload goes away when another one replaces it, so
 *     that nothing here, nor what it leads to, may point to code.
 *   - The code of several payloads, built by several versions, works on one
 *     root. A layout that was released is never changed; neither is what it
 *     implies: the hash function, the order of stores, who may free what.
 *     Other layouts get another version, and each version refuses the others.
 *   - The state is whole after each single store, since a fork may take a copy
 *     of it at any of them; see shadow.c.
 */
#ifndef REPOINT_LIVEPATCH_ROOT_H
#define REPOINT_LIVEPATCH_ROOT_H

#include <stddef.h>
#include <stdint.h>

#define RP_LIVEPATCH_ROOT_MAGIC		"RPROOT\0" /* with its zero: 8 bytes */
#define RP_LIVEPATCH_ROOT_VERSION	1u
#define RP_LIVEPATCH_ROOT_SIZE		4096u

#define RP_SHADOW_VERSION		1u
/** Buckets of the first table; each further one has twice as many. */
#define RP_SHADOW_BUCKETS_MIN		64u
#define RP_SHADOW_CHUNK_NODES		63u

/** In the lower half of struct rp_shadow.lock: somebody waits. */
#define RP_SHADOW_AWAITED		0x80000000u

/**
 * struct rp_shadow_node - one shadow variable, or a node to be used again.
 * @object: with @id: the key
 * @data:   what the user gets: from calloc(), belongs to this node
 * @next:   in its bucket, for tables of either struct rp_shadow_table.link
 * @free:   next one in struct rp_shadow.free
 *
 * Nodes are never returned to the allocator: a reader may stand on one.
 */
struct rp_shadow_node {
	const void *object;
	uint64_t id;
	void *data;
	struct rp_shadow_node *next[2];
	struct rp_shadow_node *free;
	uint64_t reserved[2];
};

/** struct rp_shadow_chunk - nodes that were allocated together. */
struct rp_shadow_chunk {
	struct rp_shadow_chunk *older;
	uint64_t reserved[7];
	struct rp_shadow_node node[RP_SHADOW_CHUNK_NODES];
};

/**
 * struct rp_shadow_table - the buckets.
 * @mask:   their number, a power of 2, minus 1
 * @link:   which one of a node's @next it uses: not that of @older
 * @older:  the table before this one, kept because a reader may be in it
 */
struct rp_shadow_table {
	uint64_t mask;
	uint32_t link;
	uint32_t reserved;
	struct rp_shadow_table *older;
	struct rp_shadow_node *bucket[];
};

/**
 * struct rp_shadow - all shadow variables of the process.
 * @version:  RP_SHADOW_VERSION; 0: none were made yet
 * @lock:     0, or its owner: thread id, maybe RP_SHADOW_AWAITED, and process
 *            id << 32. Means the same in all versions.
 * @sequence: changes before nodes that readers may stand on are written to
 * @table:    NULL: none yet
 * @free:     nodes for use
 * @chunks:   all nodes
 * @count:    variables, about: decides when the table grows
 */
struct rp_shadow {
	uint32_t version;
	uint32_t reserved;
	uint64_t lock;
	uint64_t sequence;
	struct rp_shadow_table *table;
	struct rp_shadow_node *free;
	struct rp_shadow_chunk *chunks;
	uint64_t count;
	uint64_t reserved2[9];
};

/**
 * struct rp_livepatch_root - the page.
 * @magic:    RP_LIVEPATCH_ROOT_MAGIC; zeros if no patcher wrote it
 * @version:  RP_LIVEPATCH_ROOT_VERSION, or 0 likewise: of this structure but
 *            for @shadow, which has its own
 * @size:     RP_LIVEPATCH_ROOT_SIZE, or 0 likewise
 * @patcher:  the patcher's record of what is applied
 * @shadow:   shadow variables; no patcher writes here
 * @reserved: 0
 */
struct rp_livepatch_root {
	char magic[8];
	uint32_t version;
	uint32_t size;
	uint64_t patcher[126];
	struct rp_shadow shadow;
	uint64_t reserved[368];
};

extern struct rp_livepatch_root rp__livepatch_root;

#ifdef __LP64__
_Static_assert(sizeof(struct rp_shadow_node) == 64, "layout");
_Static_assert(sizeof(struct rp_shadow_chunk) == 4096, "layout");
_Static_assert(offsetof(struct rp_shadow_table, bucket) == 24, "layout");
_Static_assert(sizeof(struct rp_shadow) == 128, "layout");
_Static_assert(offsetof(struct rp_livepatch_root, shadow) == 1024, "layout");
_Static_assert(sizeof(struct rp_livepatch_root) == RP_LIVEPATCH_ROOT_SIZE,
	       "layout");
#endif

#endif /* REPOINT_LIVEPATCH_ROOT_H */
