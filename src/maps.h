/* SPDX-License-Identifier: MIT */
/* The mappings of this process: which protection text has now. */
#ifndef RP_SRC_MAPS_H
#define RP_SRC_MAPS_H

#include <stdint.h>

/* struct rp__mapping - one mapping; @prot is a set of PROT_* bits. */
struct rp__mapping {
	uintptr_t start;
	uintptr_t end;
	int prot;
};

/*
 * The mapping that contains @addr. Returns 0; -EFAULT if there is none;
 * -EPERM if it cannot be told (no /proc, and not text of a loaded object).
 * Caller holds the text lock.
 */
int rp__maps_query(uintptr_t addr, struct rp__mapping *ret);

/*
 * An address for @size free bytes, all of them within @reach of both ends of
 * @start..@end, or 0. A hint only: somebody may take it first.
 * Caller holds the text lock.
 */
uintptr_t rp__maps_find_gap(uintptr_t start, uintptr_t end, uintptr_t size,
			    uintptr_t reach);

/*
 * Close what the queries opened: it is kept for one commit only. A descriptor
 * that outlives it would be the parent's after a fork, and somebody else's in
 * a daemon that closes all.
 */
void rp__maps_close(void);

#endif
