/* SPDX-License-Identifier: MIT */
/* Patchlets of registered objects. */
#ifndef RP_SRC_PATCHLET_H
#define RP_SRC_PATCHLET_H

#include "registry.h"

static inline uintptr_t rp__patchlet_start(const struct rp_patchlet *patchlet)
{
	return rp__field_target(&patchlet->start);
}

static inline uintptr_t rp__patchlet_end(const struct rp_patchlet *patchlet)
{
	return rp__field_target(&patchlet->end);
}

/* The patchlet that starts at @start, if its record is well formed. */
const struct rp_patchlet *rp__patchlet_at(const struct rp__object *object,
					  const void *start);

/* Warn of records that will never be of use. */
void rp__patchlets_check(const struct rp__object *object);

#endif
