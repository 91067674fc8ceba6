// SPDX-License-Identifier: MIT
/* A lock that costs nothing as long as nobody could contend for it. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lock.h"

/* ---- spinning: where a holder runs while we wait ---- */

static void spin_lock(struct lock *lock)
{
	while (__atomic_exchange_n(&lock->state, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&lock->state, __ATOMIC_RELAXED))
			__builtin_ia32_pause();
}

static void spin_unlock(struct lock *lock)
{
	__atomic_store_n(&lock->state, 0, __ATOMIC_RELEASE);
}

/* Six bytes: it fits. A store is a release on this architecture. */
__asm__(RP_PATCHLET(lock_spin_unlock, 0)
	"movl $0, (%rdi)"
	RP_PATCHLET_END(lock_spin_unlock));
RP_OP_PATCHLET(spin_unlock, lock_spin_unlock);

/* ---- sleeping: where nobody else could run ---- */

static void futex(struct lock *lock, int op, uint32_t value)
{
	syscall(SYS_futex, &lock->state, op | FUTEX_PRIVATE_FLAG, value, NULL);
}

static void futex_lock(struct lock *lock)
{
	uint32_t expected = 0;

	if (__atomic_compare_exchange_n(&lock->state, &expected, 1, false,
					__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&lock->state, 2, __ATOMIC_ACQUIRE))
		futex(lock, FUTEX_WAIT, 2);
}

static void futex_unlock(struct lock *lock)
{
	if (__atomic_exchange_n(&lock->state, 0, __ATOMIC_RELEASE) == 2)
		futex(lock, FUTEX_WAKE, 1);
}

/* ---- which one ---- */

RP_DEFINE_OPS(struct lock_ops, lock_kind, .name = "none",
	      .lock = RP_OP_NOP(struct lock_ops, lock),
	      .unlock = RP_OP_NOP(struct lock_ops, unlock));

/* Whether the sites are NOPs now. If not they follow the table anyway. */
static bool bound;

int lock_init(void)
{
	int error = rp_ops_bind(&lock_kind);

	bound = !error;
	return error;
}

/* A thread must not run code that has NOPs for a lock: no error is ignored. */
static int become_real(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1) {
		lock_kind.name = "spin";
		rp_op_set(lock_kind, lock, spin_lock);
		rp_op_set(lock_kind, unlock, spin_unlock);
	} else {
		lock_kind.name = "futex";
		rp_op_set(lock_kind, lock, futex_lock);
		rp_op_set(lock_kind, unlock, futex_unlock);
	}
	return bound ? rp_ops_rebind(&lock_kind) : 0;
}

int lock_thread_create(pthread_t *thread, void *(*start)(void *), void *data)
{
	static bool real;
	int error = real ? 0 : become_real();

	if (error < 0)
		return -error;
	real = true;
	return pthread_create(thread, NULL, start, data);
}
