/* SPDX-License-Identifier: MIT */
/* Islands: jumps to far targets, within reach of an object's text. */
#ifndef RP_SRC_ISLAND_H
#define RP_SRC_ISLAND_H

#include "registry.h"

/*
 * struct rp__island - one far target as seen from one object.
 * @code: `jmp *slot(%rip)`, for five-byte sites
 * @slot: eight bytes that hold the target, for `call *slot(%rip)`
 */
struct rp__island {
	uintptr_t code;
	uintptr_t slot;
};

/*
 * The island for @target near @object: an existing one, or a new one.
 * Returns 0, -ENOMEM or -EPERM. Caller holds the text lock.
 */
int rp__island_get(struct rp__object *object, uintptr_t target,
		   struct rp__island *ret);

/* Free all islands of an object whose code can no longer run. */
void rp__islands_free(struct rp__object *object);

#endif
