// SPDX-License-Identifier: MIT
/*
 * A guard that is never taken, in three loops:
 *
 *   call   before each of 16 calls in a row, x = f(x)
 *   hash   in a hash of words: bound by latency
 *   slots  before each of 8 groups of 8 independent additions: bound by the
 *          number of instructions, the worst case for one more of them
 *
 * The kind is the guard: none at all, a static key, a flag in memory.
 */
#include "callee.h"
#include "loop.h"

#if defined(KIND_none) || defined(KIND_none_control)
# define GUARD(slow)	(void)0
#elif defined(KIND_key)
# define GUARD(slow)							\
	do {								\
		if (rp_static_branch_unlikely(&bench_key_off))		\
			slow;						\
	} while (0)
#elif defined(KIND_key_on)
/* Enabled and likely: a NOP again. Disabled, it would be a jump. */
# define GUARD(slow)							\
	do {								\
		if (!rp_static_branch_likely(&bench_key_on))		\
			slow;						\
	} while (0)
#elif defined(KIND_key_jump)
/* Enabled, but laid out for disabled: a jump out and one back. */
# define GUARD(slow)							\
	do {								\
		if (rp_static_branch_unlikely(&bench_key_on))		\
			__asm__ volatile("");				\
	} while (0)
#elif defined(KIND_flag)
# define GUARD(slow)							\
	do {								\
		if (__builtin_expect(__atomic_load_n(&guard_flag,	\
						     __ATOMIC_RELAXED), 0)) \
			slow;						\
	} while (0)
#else
# error "which kind?"
#endif

#define LOOP_RESULT	x
#define LOOP_STATE	(void)0

#define TURN		GUARD(x = slow_path(x)); x = step(x); SPACE
#define TURN4		TURN; TURN; TURN; TURN

LOOPS(guard_call, TURN4; TURN4; TURN4; TURN4)
LOOPS(guard_hash, GUARD(x = slow_path(x)); x = (x ^ turns) * 0x100000001b3u)

#undef LOOP_STATE
#undef LOOP_RESULT
/* In registers that calls preserve: a slow path costs no moves elsewhere. */
#define LOOP_STATE							\
	register uint64_t a __asm__("rbx") = x;				\
	register uint64_t b __asm__("r12") = x;				\
	register uint64_t c __asm__("r13") = x;				\
	register uint64_t d __asm__("r14") = x
#define LOOP_RESULT	(a ^ b ^ c ^ d)

/* Four chains of two: nothing waits for anything but a place to run in. */
#define ADD8								\
	GUARD(slow_event());						\
	__asm__ volatile("lea 1(%0), %0\n\tlea 2(%1), %1\n\t"		\
			 "lea 3(%2), %2\n\tlea 4(%3), %3\n\t"		\
			 "lea 5(%0), %0\n\tlea 6(%1), %1\n\t"		\
			 "lea 7(%2), %2\n\tlea 8(%3), %3"		\
			 : "+r"(a), "+r"(b), "+r"(c), "+r"(d))

LOOPS(guard_slots, ADD8; ADD8; ADD8; ADD8; ADD8; ADD8; ADD8; ADD8)
