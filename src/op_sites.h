/* SPDX-License-Identifier: MIT */
/* The sites of an object that use its ops tables. */
#ifndef RP_SRC_OP_SITES_H
#define RP_SRC_OP_SITES_H

#include "registry.h"

/* Bytes of a site, and of an instruction with prefixes. */
#define RP__OP_LEN	6
#define RP__OP_LEN_MAX	15
#define RP__OP_PREFIX	0x2e	/* CS, which is ignored */

/*
 * struct rp__op_site - one use of a member, relative to the object's
 * text_start; @code is the first of the six bytes.
 */
struct rp__op_site {
	int32_t code;
	int32_t slot;
	uint32_t kind;
};

static inline uintptr_t rp__op_site_code(const struct rp__object *object,
					 const struct rp__op_site *site)
{
	return object->text_start + (uintptr_t)(intptr_t)site->code;
}

static inline uintptr_t rp__op_site_slot(const struct rp__object *object,
					 const struct rp__op_site *site)
{
	return object->text_start + (uintptr_t)(intptr_t)site->slot;
}

static inline size_t rp__ops_nr(const struct rp__object *object)
{
	return object->op_sites.used / sizeof(struct rp__op_site);
}

/* True if a member of @table is at @slot. */
static inline bool rp__op_in_table(const struct rp_ops_table *table,
				   uintptr_t slot)
{
	return slot - (uintptr_t)table->table < table->size &&
	       sizeof(void *) <=
		       table->size - (slot - (uintptr_t)table->table);
}

/*
 * Take the sites of the object's table of records. Records that are malformed
 * are left out, with a message. Returns 0 or -ENOMEM. Caller holds the text
 * lock.
 */
int rp__ops_collect(struct rp__object *object);

/*
 * A call or jump through memory was found at @code, without prefixes: take it
 * if it goes through an ops table and is not known yet. Returns 0 or -ENOMEM.
 */
int rp__ops_collect_site(struct rp__object *object, uintptr_t code);

/* After the last of them. */
void rp__ops_collected(struct rp__object *object);

/* Leave out the sites that a replacement took the place of since. */
void rp__ops_prune(struct rp__object *object);

#endif
