/* SPDX-License-Identifier: MIT */
/* The SIGTRAP handler behind the BREAKPOINT protocol. */
#ifndef RP_SRC_TRAP_H
#define RP_SRC_TRAP_H

#include <signal.h>

#include "poke.h"

/*
 * Make sure that a thread which meets an int3 of ours gets to our handler.
 * Returns 0; -EBUSY if SIGTRAP is ignored, or blocked in a thread; -ENOTSUP if
 * that cannot be told.
 */
int rp__trap_prepare(struct rp_error *error);

/* Show the batch to the handler. Before the first int3 is written. */
void rp__trap_publish(const struct rp_text_poke_batch *batch);

/*
 * Take it away. After the last int3 is gone and threads were synchronised; on
 * return no handler looks at the batch any more.
 */
void rp__trap_retire(void);

/* After a fork: handlers that were running belong to threads that are gone. */
void rp__trap_after_fork(void);

/* All signals but those that a thread raises itself. */
void rp__trap_mask(sigset_t *ret);

#endif
