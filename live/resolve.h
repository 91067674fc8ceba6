/* SPDX-License-Identifier: MIT */
/*
 * What a payload's undefined symbols are in a process: for
 * rp_placement_relocate().
 */
#ifndef REPOINT_LIVE_RESOLVE_H
#define REPOINT_LIVE_RESOLVE_H

#include "../payload/place.h"
#include "modules.h"

/**
 * struct rp_live_resolver - context of rp_live_resolve().
 * @module:  the payload's target
 * @root:    address of the live-patch root, 0: there is none
 * @earlier: finds what an applied payload defines; returns 0 or -ENOENT
 * @ifunc:   calls the resolver of an IFUNC that nobody refers to; NULL: cannot
 * @context: for both
 */
struct rp_live_resolver {
	struct rp_modules *modules;
	struct rp_module *module;
	uint64_t root;
	int (*earlier)(void *context, const uint8_t *id, const char *name,
		       uint64_t *ret);
	int (*ifunc)(void *context, uint64_t resolver, uint64_t *ret);
	void *context;
};

/** rp_live_resolve() - struct rp_resolver.resolve; @context is a struct
 *  rp_live_resolver. */
int rp_live_resolve(void *context, const struct rp_payload *payload,
		    const struct rp_payload_binding *binding,
		    enum rp_resolve what, uint64_t *ret, struct rp_diag *diag);

#endif /* REPOINT_LIVE_RESOLVE_H */
