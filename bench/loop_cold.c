// SPDX-License-Identifier: MIT
/*
 * The same when the cache line of the pointer or the flag has been evicted, as
 * it is in code that runs seldom. All evict, so that this costs all the same.
 */
#include "callee.h"
#include "loop.h"

#define LOOP_STATE	(void)0
#define LOOP_RESULT	x

static inline void evict(void)
{
	__asm__ volatile("clflush %0\n\t"
			 "clflush %1\n\t"
			 "mfence\n\t"
			 ".p2align 3"	/* for the call: see loop.h */
			 : "+m"(lonely_pointer), "+m"(lonely_flag));
}

#if defined(KIND_cold_direct)
# define TURN	x = step(x)
#elif defined(KIND_cold_inline)
# define TURN	x = rp_static_call(bench_step)(x)
#elif defined(KIND_cold_pointer)
# define TURN	x = lonely_pointer.fn(x)
#elif defined(KIND_cold_key)
# define TURN								\
	do {								\
		if (rp_static_branch_unlikely(&bench_key_off))		\
			x = slow_path(x);				\
		x = step(x);						\
	} while (0)
#elif defined(KIND_cold_flag)
# define TURN								\
	do {								\
		if (__builtin_expect(__atomic_load_n(&lonely_flag.value, \
						     __ATOMIC_RELAXED), 0)) \
			x = slow_path(x);				\
		x = step(x);						\
	} while (0)
#else
# error "which kind?"
#endif

/* The load has to be over before the next turn, as it has to be in life. */
LOOPS(loop, evict(); TURN; __asm__ volatile("lfence" : : : "memory"))
