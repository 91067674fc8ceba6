/* SPDX-License-Identifier: MIT */
/* From records to sites: what an object registers of static calls and keys. */
#ifndef RP_SRC_COLLECT_H
#define RP_SRC_COLLECT_H

#include "registry.h"

#define RP__CHUNK_RANGES	64

/* struct rp__range_chunk - ranges that never move. */
struct rp__range_chunk {
	struct rp__range_chunk *next;
	unsigned int used;
	struct rp_site_range ranges[RP__CHUNK_RANGES];
};

/* struct rp__found - a site on its way from a record to its place. */
struct rp__found {
	struct rp_site_range *range;
	struct rp__site site;
};

/*
 * Read the object's tables, and its relocations if it has them: fills in
 * @object's ranges and sites, and @found with struct rp__found, in the order of
 * the tables. Records that are malformed are left out, with a message.
 * Returns 0 or -ENOMEM. Caller holds the text lock.
 */
int rp__collect(struct rp__object *object, struct rp__vec *found);

/* Leave out the sites that a replacement took the place of since. */
void rp__collect_prune(struct rp__object *object);

#endif
