/* SPDX-License-Identifier: MIT */
/* Making text writable, and exactly as it was again. */
#ifndef RP_SRC_WINDOW_H
#define RP_SRC_WINDOW_H

#include "poke.h"

/*
 * Find the page runs that the batch's sites lie in, and their protection.
 * Returns 0, -EFAULT, -EPERM or -ENOMEM.
 */
int rp__windows_find(struct rp_text_poke_batch *batch);

/* Make all runs writable, or none. Returns 0, -EPERM or -ENOMEM. */
int rp__windows_open(struct rp_text_poke_batch *batch);

/* Restore the protection of all runs. Returns 0 or -EPERM. */
int rp__windows_close(struct rp_text_poke_batch *batch);

#endif
