/* SPDX-License-Identifier: MIT */
/*
 * A lock that costs nothing as long as nobody could contend for it.
 *
 * While the program has one thread, lock and unlock are NOPs in its code. The
 * first lock_thread_create() makes them calls of a real lock before the thread
 * starts; the spinning one's unlock is one instruction, a patchlet.
 */
#ifndef OPS_LOCK_H
#define OPS_LOCK_H

#include <pthread.h>
#include <stdint.h>

#include <repoint/ops.h>

/** struct lock - 0: free, 1: held, 2: held, and somebody sleeps. */
struct lock {
	uint32_t state;
};

struct lock_ops {
	const char *name;
	void (*lock)(struct lock *lock);
	void (*unlock)(struct lock *lock);
};

RP_DECLARE_OPS(struct lock_ops, lock_kind);

#define lock_acquire(l)	rp_op(lock_kind, lock)(l)
#define lock_release(l)	rp_op(lock_kind, unlock)(l)

/** lock_init() - for one thread. Return: as rp_ops_bind(). */
int lock_init(void);

/**
 * lock_thread_create() - pthread_create() of a program with these locks. The
 * first one must be called with none of them held.
 *
 * Return: 0 or an error number, positive.
 */
int lock_thread_create(pthread_t *thread, void *(*start)(void *), void *data);

#endif /* OPS_LOCK_H */
