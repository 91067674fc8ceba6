/* SPDX-License-Identifier: MIT */
/* Making text writable, and exactly as it was again. */
#ifndef RP_SRC_WINDOW_H
#define RP_SRC_WINDOW_H

#include "maps.h"
#include "poke.h"

/*
 * struct rp__cursor - a walk over a batch in ascending order.
 * @map:     the mapping that was looked up last
 * @covered: end of the last run; what lies below needs no look
 */
struct rp__cursor {
	struct rp__mapping map;
	uintptr_t covered;
};

/*
 * Check that @len bytes at @addr may be read. Returns 0, -EFAULT, or -EPERM
 * if it cannot be told.
 */
int rp__window_check(const struct rp_text_poke_batch *batch,
		     struct rp__cursor *cursor, uintptr_t addr, size_t len);

/* Add the pages of these bytes to the batch's runs; as above, or -ENOMEM. */
int rp__window_cover(struct rp_text_poke_batch *batch,
		     struct rp__cursor *cursor, uintptr_t addr, size_t len);

/* Make all runs writable, or none. Returns 0, -EPERM or -ENOMEM. */
int rp__windows_open(struct rp_text_poke_batch *batch);

/* Restore the protection of all runs. Returns 0 or -EPERM. */
int rp__windows_close(struct rp_text_poke_batch *batch);

#endif
