/* SPDX-License-Identifier: MIT */
/* A batch of sites, as the engine's files share it. */
#ifndef RP_SRC_POKE_H
#define RP_SRC_POKE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <repoint/text_poke.h>

#include "vec.h"

/* Bytes that fit into a poke: those of any call or branch. */
#define RP__POKE_INLINE	6

/* Sites ahead: processors' prefetchers stop at each page of text. */
#define RP__PREFETCH	16

/* The bytes among the eight of a word that are not a poke's own fields. */
#define RP__POKE_WORD	(~0ull >> 16)

/* Before a protocol is chosen: @old was read, and judged, under this lock. */
#define RP__POKE_FRESH	RP_PROTOCOL_NR

/*
 * struct rp__poke - one site, in 24 bytes: there may be millions, and memory
 * is what limits. No bit-fields: a word that is read after one of its bytes
 * was written makes the processor wait.
 * @old_word:  RP__POKE_WORD of it: the bytes that are expected, first byte
 *             lowest, if they are RP__POKE_INLINE at most; else their offset
 *             in the batch's @bytes
 * @protocol:  enum rp_protocol, or RP__POKE_FRESH
 * @insn_word: the bytes that shall be there, as @old_word
 * @first:     first byte that differs
 * @end:       behind the last byte that differs
 */
struct rp__poke {
	uint8_t *addr;
	union {
		uint64_t old_word;
		struct {
			uint8_t old[RP__POKE_INLINE];
			uint8_t len;
			uint8_t protocol;
		};
	};
	union {
		uint64_t insn_word;
		struct {
			uint8_t insn[RP__POKE_INLINE];
			uint8_t first;
			uint8_t end;
		};
	};
};

_Static_assert(sizeof(void *) != 8 || sizeof(struct rp__poke) == 24,
	       "the words and their bytes share their place");

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
 * @next:    lowest address that the next site may have without sorting
 * @unsorted: some site was below that
 * @count:   of sites by protocol
 * @backend: in use for this commit
 * @chosen_for: the backend that the protocols were chosen for first
 * @block:   aligned bytes that one store may change
 * @single:  no other thread exists
 * @stuck:   a protection could not be restored: no other way is tried
 * @stubs:   struct rp__call_stub for each poke, or NULL
 */
struct rp_text_poke_batch {
	struct rp_text_poke_opts opts;
	struct rp__vec pokes;
	struct rp__vec bytes;
	struct rp__vec windows;
	uintptr_t next;
	bool unsorted;
	size_t count[RP_PROTOCOL_NR];
	enum rp_backend backend;
	enum rp_backend chosen_for;
	unsigned int block;
	bool single;
	bool stuck;
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

static inline const uint8_t *
rp__poke_old(const struct rp_text_poke_batch *batch,
	     const struct rp__poke *poke)
{
	return poke->len <= RP__POKE_INLINE ? poke->old :
		(const uint8_t *)batch->bytes.data +
		(poke->old_word & RP__POKE_WORD);
}

static inline const uint8_t *
rp__poke_insn(const struct rp_text_poke_batch *batch,
	      const struct rp__poke *poke)
{
	return poke->len <= RP__POKE_INLINE ? poke->insn :
		(const uint8_t *)batch->bytes.data +
		(poke->insn_word & RP__POKE_WORD);
}

/*
 * Add a site of at most RP__POKE_INLINE bytes, given as words whose unused
 * bytes are 0. For callers that hold the text lock until the commit, and have
 * just read @old from the text and found it legal.
 */
int rp__batch_add_fresh(struct rp_text_poke_batch *batch, void *addr,
			uint64_t old, uint64_t insn, unsigned int len);

/* Room for @nr more sites, so that adding them cannot fail half-way. */
int rp__batch_reserve(struct rp_text_poke_batch *batch, size_t nr);

/* @len bytes of text, up to 8, and nothing beyond them. */
static inline uint64_t rp__load(const uint8_t *addr, unsigned int len)
{
	uint64_t word = 0;
	uint32_t four;
	uint16_t two;

	switch (len) {
	case 4:
		memcpy(&four, addr, 4);
		return four;
	case 5:
		memcpy(&four, addr, 4);
		return four | (uint64_t)addr[4] << 32;
	case 6:
		memcpy(&four, addr, 4);
		memcpy(&two, addr + 4, 2);
		return four | (uint64_t)two << 32;
	case 8:
		memcpy(&word, addr, 8);
		return word;
	default:
		for (unsigned int i = 0; i < len; i++)
			word |= (uint64_t)addr[i] << 8 * i;
		return word;
	}
}

/*
 * Sort by address, if need be, and drop what is listed twice. Returns 0, -EINVAL if sites
 * overlap, or -ENOMEM.
 */
int rp__batch_sort(struct rp_text_poke_batch *batch);

/* The poke at @addr in a sorted batch, NULL if there is none. */
struct rp__poke *rp__batch_find(const struct rp_text_poke_batch *batch,
				uintptr_t addr);

/*
 * Options of a caller who may know fewer of them; @from may be NULL. Returns 0
 * or -EINVAL.
 */
int rp__opts_copy(struct rp_text_poke_opts *to,
		  const struct rp_text_poke_opts *from);

/*
 * As rp_text_poke_batch_begin(), also where there is no engine: a batch that
 * stays empty is all that static calls and keys need there.
 */
int rp__batch_begin(struct rp_text_poke_batch **ret,
		    const struct rp_text_poke_opts *opts);

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
