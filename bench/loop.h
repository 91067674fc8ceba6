/* SPDX-License-Identifier: MIT */
/*
 * Loops that differ in one expression only.
 *
 * A source that includes this is compiled once for each kind (-DKIND=...), by
 * the same command, so that nothing but the expression differs: not the
 * registers, not the alignment of functions, not the options.
 *
 * Where a loop lies relative to the blocks that a front end fetches is worth
 * more than the difference between two kinds of call. So each loop exists
 * eight times, 8 bytes further on each time; functions are aligned to 64, and
 * loops by nothing else (-falign-loops=1). A call at the head of the loop, or
 * behind one move, lies within 8 aligned bytes then, and may be patched on any
 * processor.
 */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include "bench.h"

#define LOOP_PLACEMENTS	8

/*
 * Between calls that follow each other: an eight-byte NOP, so that there is one
 * call in 16 bytes. Predictors hold only so many branches in a line, and code
 * with more of them is rare.
 */
#define SPACE	/* nopl 0L(%rax,%rax,1) */				\
	__asm__ volatile(".byte 0x0f, 0x1f, 0x84, 0x00, 0, 0, 0, 0")

#define LOOP_CAT__(a, b, c)	a##_##b##_##c
#define LOOP_CAT_(a, b, c)	LOOP_CAT__(a, b, c)

/* loop_KIND_PLACEMENT(): @body is one turn; it changes x. */
#define LOOP_ONE(prefix, place, body)					\
	static __attribute__((noinline, aligned(64)))			\
	uint64_t LOOP_CAT_(prefix, KIND, place)(uint64_t x, uint64_t turns) \
	{								\
		LOOP_STATE;						\
		__asm__ volatile(".p2align 3\n\t"			\
				 ".rept 8 * " #place "\n\tnop\n\t.endr");	\
		do {							\
			body;						\
		} while (--turns);					\
		return LOOP_RESULT;					\
	}

#define LOOPS(prefix, body)						\
	LOOP_ONE(prefix, 0, body) LOOP_ONE(prefix, 1, body)		\
	LOOP_ONE(prefix, 2, body) LOOP_ONE(prefix, 3, body)		\
	LOOP_ONE(prefix, 4, body) LOOP_ONE(prefix, 5, body)		\
	LOOP_ONE(prefix, 6, body) LOOP_ONE(prefix, 7, body)		\
	BENCH_EXTERN_C BENCH_HIDDEN bench_fn *const			\
	LOOP_CAT_(prefix, KIND, all)[LOOP_PLACEMENTS];			\
	bench_fn *const LOOP_CAT_(prefix, KIND, all)[LOOP_PLACEMENTS] = { \
		LOOP_CAT_(prefix, KIND, 0), LOOP_CAT_(prefix, KIND, 1),	\
		LOOP_CAT_(prefix, KIND, 2), LOOP_CAT_(prefix, KIND, 3),	\
		LOOP_CAT_(prefix, KIND, 4), LOOP_CAT_(prefix, KIND, 5),	\
		LOOP_CAT_(prefix, KIND, 6), LOOP_CAT_(prefix, KIND, 7),	\
	};

#endif /* BENCH_LOOP_H */
