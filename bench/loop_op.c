// SPDX-License-Identifier: MIT
/*
 * Calls of operations, by each way to reach them. Compiled once for each kind.
 *
 * @hand is what a patchlet or a NOP is compared with: the same instruction in
 * an asm statement that lets the compiler keep no more in registers than a
 * call does. So the loops around them are the same, and the difference is that
 * between the instruction and what is in its place at a site of six bytes.
 */
#include "callee_op.h"
#include "loop.h"

#define LOOP_STATE	(void)0
#define LOOP_RESULT	x

#define AS_A_CALL	"rcx", "rdx", "rsi", "r8", "r9", "r10", "r11",	\
			"memory", RP_CLOBBERS_FP

#if defined(KIND_direct) || defined(KIND_control)
# define OP(member)	direct_##member
# define direct_step	step
# define direct_work	work
# define direct_quiet	op_quiet
# define direct_zero	op_zero
# define direct_lock	op_lock
# define direct_unlock	op_unlock
# define NOW(low, high)							\
	__asm__ volatile("call op_now" : "=a" (low), "=d" (high)	\
			 : : "cc", "memory")
#elif defined(KIND_hand)
# define OP(member)	hand_##member
static inline __attribute__((always_inline)) uint64_t hand_step(uint64_t x)
{
	uint64_t y;

	__asm__ volatile("leaq 1(%%rdi), %%rax"
			 : "=a" (y), "+D" (x) : : AS_A_CALL);
	return y;
}
static inline __attribute__((always_inline)) void hand_quiet(void)
{
	__asm__ volatile("" : : : "rax", "rdi", AS_A_CALL);
}
static inline __attribute__((always_inline)) uint64_t hand_zero(void)
{
	uint64_t y;

	__asm__ volatile("xorl %%eax, %%eax" : "=a" (y) : : "rdi", AS_A_CALL);
	return y;
}
static inline __attribute__((always_inline)) void hand_lock(uint8_t *lock)
{
	op_lock(lock);
}
static inline __attribute__((always_inline)) void hand_unlock(uint8_t *lock)
{
	__asm__ volatile("movb $0, (%%rdi)"
			 : "+D" (lock) : : "rax", AS_A_CALL);
}
# define NOW(low, high)							\
	__asm__ volatile("rdtsc" : "=a" (low), "=d" (high) : : "cc", "memory")
#elif defined(KIND_none)
/* No lock at all: for op_nothing. */
# define OP(member)	none_##member
static inline __attribute__((always_inline)) void none_lock(uint8_t *lock)
{
	__asm__ volatile("" : "+D" (lock) : : "rax", AS_A_CALL);
}
# define none_unlock	none_lock
#else
# define TABLE_(kind)	op_##kind
# define TABLE(kind)	TABLE_(kind)
# define OP(member)	rp_op(TABLE(KIND), member)
# define NOW(low, high)							\
	rp_op_asm(TABLE(KIND), now, RP_OUTPUTS("=a" (low), "=d" (high)), \
		  RP_NONE, RP_NONE)
#endif

#define TURN		x = OP(step)(x); SPACE
#define TURN4		TURN; TURN; TURN; TURN
#define QUIET		OP(quiet)(); SPACE
#define QUIET4		QUIET; QUIET; QUIET; QUIET
#define ZERO		x += OP(zero)(); SPACE
#define ZERO4		ZERO; ZERO; ZERO; ZERO

#ifndef KIND_none
LOOPS(op_step, x = OP(step)(x))
LOOPS(op_row, TURN4; TURN4; TURN4; TURN4)
LOOPS(op_quiet, QUIET4; QUIET4; QUIET4; QUIET4; x++)
LOOPS(op_zero, ZERO4; ZERO4; ZERO4; ZERO4; x++)

/* The time itself would make results differ. */
static inline __attribute__((always_inline)) void now(void)
{
	uint64_t low, high;

	NOW(low, high);
	__asm__ volatile("" : : "r" (low), "r" (high));
}

LOOPS(op_now, now(); x++)
LOOPS(op_unlock, OP(unlock)(&op_the_lock); x++)
# ifndef KIND_hand
LOOPS(op_work, x = OP(work)(x))
# endif
#endif
LOOPS(op_pair, OP(lock)(&op_the_lock); x++; OP(unlock)(&op_the_lock))
