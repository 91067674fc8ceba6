/* SPDX-License-Identifier: MIT */
/*
 * The text lock: one for the process, whatever number of copies of the library
 * are linked into it.
 */
#ifndef RP_SRC_LOCK_H
#define RP_SRC_LOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Take the lock. Returns 0, or -EDEADLK if this thread holds it already (an
 * update from a log callback, or from a signal handler that interrupted one).
 */
int rp__lock(void);
void rp__unlock(void);

/*
 * Changes whenever this address space was copied by a fork of any kind; what
 * belongs to a process (descriptors, threads in handlers) is void then.
 * Caller holds the lock.
 */
uint64_t rp__lock_generation(void);

#endif
