/* SPDX-License-Identifier: MIT */
/* A batch of sites, as the engine's files share it. */
#ifndef RP_SRC_POKE_H
#define RP_SRC_POKE_H

#include <stdbool.h>
#include <stdint.h>

#include <repoint/text_poke.h>

#include "vec.h"

#define RP__POKE_INLINE	8

/*
 * union rp__poke_bytes - bytes of a site: in place if they fit, else at an
 * offset of the batch's @bytes. A million sites are 32 MB.
 */
union rp__poke_bytes {
	uint8_t in[RP__POKE_INLINE];
	uint64_t offset;
};

/*
 * struct rp__poke - one site.
 * @first:    first byte that differs
 * @end:      behind the last byte that differs; @first == @end: nothing to do
 * @protocol: chosen, enum rp_protocol
 */
struct rp__poke {
	uint8_t *addr;
	union rp__poke_bytes old;
	union rp__poke_bytes insn;
	uint16_t len;
	uint16_t first;
	uint16_t end;
	uint8_t protocol;
	uint8_t reserved;
};

/* struct rp__window - a run of pages that is made writable for a while. */
struct rp__window {
	uintptr_t start;
	uintptr_t end;
	int prot;
};

/*
 * struct rp_text_poke_batch
 * @pokes:   struct rp__poke, sorted by address in commit
 * @bytes:   those of sites longer than RP__POKE_INLINE
 * @windows: struct rp__window
 * @count:   of sites by protocol
 * @backend: in use for this commit
 * @block:   aligned bytes that one store may change
 * @single:  no other thread exists
 * @stubs:   struct rp__call_stub for each poke, or NULL
 */
struct rp_text_poke_batch {
	struct rp_text_poke_opts opts;
	struct rp__vec pokes;
	struct rp__vec bytes;
	struct rp__vec windows;
	size_t count[RP_PROTOCOL_NR];
	enum rp_backend backend;
	unsigned int block;
	bool single;
	struct rp__call_stub *stubs;
};

static inline struct rp__poke *
rp__batch_pokes(const struct rp_text_poke_batch *batch)
{
	return batch->pokes.data;
}

static inline size_t rp__batch_nr(const struct rp_text_poke_batch *batch)
{
	return batch->pokes.used / sizeof(struct rp__poke);
}

static inline uint8_t *rp__poke_bytes(const struct rp_text_poke_batch *batch,
				      const struct rp__poke *poke,
				      const union rp__poke_bytes *bytes)
{
	if (poke->len <= RP__POKE_INLINE)
		return (uint8_t *)bytes->in;
	return (uint8_t *)batch->bytes.data + bytes->offset;
}

static inline uint8_t *rp__poke_old(const struct rp_text_poke_batch *batch,
				    const struct rp__poke *poke)
{
	return rp__poke_bytes(batch, poke, &poke->old);
}

static inline uint8_t *rp__poke_insn(const struct rp_text_poke_batch *batch,
				     const struct rp__poke *poke)
{
	return rp__poke_bytes(batch, poke, &poke->insn);
}

/*
 * Sort by address and drop what is listed twice. Returns 0, -EINVAL if sites
 * overlap, or -ENOMEM.
 */
int rp__batch_sort(struct rp_text_poke_batch *batch);

/* The poke at @addr in a sorted batch, NULL if there is none. */
struct rp__poke *rp__batch_find(const struct rp_text_poke_batch *batch,
				uintptr_t addr);

/* As rp_text_poke_batch_commit(), for callers that hold the text lock. */
int rp__batch_commit_locked(struct rp_text_poke_batch *batch);

/*
 * Take the text lock, and put right what a fork in the middle of a commit left
 * behind. Every user of the lock comes through here. 0 or -EDEADLK.
 */
int rp__engine_lock(void);
void rp__engine_unlock(void);

/* Aligned bytes that one store may change, by policy and environment. */
unsigned int rp__engine_block(void);

/* Counters, see struct rp_text_poke_stats. */
extern struct rp_text_poke_stats rp__stats;

static inline void rp__count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

#endif
