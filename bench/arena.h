/* SPDX-License-Identifier: MIT */
/* Call sites in memory of their own, as a just-in-time compiler has them. */
#ifndef BENCH_ARENA_H
#define BENCH_ARENA_H

#include "bench.h"

#define ARENA_SITE_SIZE	64u

/**
 * struct arena - a function of @nr calls, one in each 64 bytes.
 * @code:  the private mapping of a file, r-x, like text
 * @sites: the first call
 * @state: which of the two targets the calls go to
 */
struct arena {
	uint8_t *code;
	uint8_t *sites;
	size_t size;
	size_t nr;
	unsigned int state;
};

/** arena_init() - new pages, shared with the file until they are written. */
void arena_init(struct arena *arena, size_t nr);
void arena_deinit(struct arena *arena);

/** arena_call() - run all calls. */
void arena_call(const struct arena *arena);

/** arena_insn() - what site @i looks like in a state; five bytes. */
void arena_insn(const struct arena *arena, size_t i, unsigned int state,
		uint8_t *ret);

/** arena_check() - die unless all sites are in arena->state. */
void arena_check(const struct arena *arena);

#endif /* BENCH_ARENA_H */
