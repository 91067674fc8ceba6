/* SPDX-License-Identifier: MIT */
/*
 * The lock of the shadow variables: a word in the root that says who holds it.
 *
 * A child of fork inherits the word. If another thread held it at that moment,
 * nobody would ever release it there; but the word names the process as well,
 * so that the child can tell, and takes it. What the lock protects is whole
 * after each single store (shadow.c), so there is nothing to repair.
 *
 * Two things are beyond it: tasks that share memory but not the thread group
 * (vfork, bare CLONE_VM), which would take the lock from each other; and a fork
 * into a new PID namespace whose number there equals the parent's.
 */
#ifndef REPOINT_LIVEPATCH_LOCK_H
#define REPOINT_LIVEPATCH_LOCK_H

#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "root.h"

/* Short sections end sooner than a futex sleeps; constructors do not. */
#define RP_SHADOW_SPINS		200

/*
 * Without libc: syscall() sets errno, which a fixed function may be about to
 * look at, and a static program need not contain it. Inline assembly outside
 * include/repoint/arch/, because payloads contain this and not the library.
 */
#ifdef __x86_64__
static inline long rp__syscall(long nr, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long ret;

	__asm__ volatile("syscall"
			 : "=a" (ret)
			 : "0" (nr), "D" (a), "S" (b), "d" (c), "r" (r10)
			 : "rcx", "r11", "memory");
	return ret;
}

static inline void rp__relax(void)
{
	__asm__ volatile("pause");
}
#else
# include <unistd.h>
static inline long rp__syscall(long nr, long a, long b, long c, long d)
{
	return syscall(nr, a, b, c, d);
}

static inline void rp__relax(void)
{
}
#endif

/* The half that is a futex: the lower one. */
static inline void *rp__lock_futex(uint64_t *lock)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return (uint32_t *)lock + 1;
#else
	return lock;
#endif
}

static inline void rp__lock_sleep(uint64_t *lock, uint32_t seen)
{
	rp__syscall(SYS_futex, (long)rp__lock_futex(lock),
		    FUTEX_WAIT | FUTEX_PRIVATE_FLAG, (long)seen, 0);
}

static inline bool rp__lock_exchange(uint64_t *lock, uint64_t from, uint64_t to)
{
	return __atomic_compare_exchange_n(lock, &from, to, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline bool rp__lock_is_free(uint64_t seen, uint64_t me)
{
	return !seen || seen >> 32 != me >> 32;
}

/*
 * rp__lock() - take the lock. Who has slept once takes it as awaited: others
 * may sleep as well.
 *
 * Return: false if this thread has it already.
 */
static inline bool rp__lock(uint64_t *lock)
{
	uint64_t me = (uint64_t)rp__syscall(SYS_getpid, 0, 0, 0, 0) << 32 |
		      (uint64_t)rp__syscall(SYS_gettid, 0, 0, 0, 0);
	uint64_t awaited = 0;

	for (int spins = 0;; spins++) {
		uint64_t seen = __atomic_load_n(lock, __ATOMIC_RELAXED);

		if (rp__lock_is_free(seen, me)) {
			if (rp__lock_exchange(lock, seen, me | awaited))
				return true;
		} else if ((seen & ~(uint64_t)RP_SHADOW_AWAITED) == me) {
			return false;
		} else if (spins < RP_SHADOW_SPINS) {
			rp__relax();
		} else if (seen & RP_SHADOW_AWAITED ||
			   rp__lock_exchange(lock, seen,
					     seen | RP_SHADOW_AWAITED)) {
			awaited = RP_SHADOW_AWAITED;
			rp__lock_sleep(lock, (uint32_t)seen |
					     RP_SHADOW_AWAITED);
		}
	}
}

static inline void rp__unlock(uint64_t *lock)
{
	if (__atomic_exchange_n(lock, 0, __ATOMIC_RELEASE) & RP_SHADOW_AWAITED)
		rp__syscall(SYS_futex, (long)rp__lock_futex(lock),
			    FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0);
}

#endif /* REPOINT_LIVEPATCH_LOCK_H */
