/* SPDX-License-Identifier: MIT */
/* The registered objects and their sites, grouped by key. */
#ifndef RP_SRC_REGISTRY_H
#define RP_SRC_REGISTRY_H

#include <link.h>
#include <stdbool.h>

#include <repoint/abi.h>

#include "vec.h"

struct rp__island_block;

/* A bit of struct rp_object's @flags: it was registered before. */
#define RP__OBJECT_KNOWN	0x2u

/*
 * struct rp__site - one site, in eight bytes: there may be millions.
 * @code:   relative to the object's text_start
 * @target: static branch: where it goes, relative to text_start
 * @kind:   static call: enum rp_site_kind
 */
struct rp__site {
	int32_t code;
	union {
		int32_t target;
		uint32_t kind;
	};
};

enum rp__range_type {
	RP__RANGE_CALL,		/* call sites of a static call */
	RP__RANGE_BRANCH,	/* branches, laid out unlikely */
	RP__RANGE_LIKELY,	/* branches, laid out likely */
};

/*
 * struct rp_site_range - the sites of one key in one object.
 * @next:   range of the same key, in another object or of another type
 * @object: whose text the sites are in
 * @key:    struct rp_static_call_key or struct rp_static_key; NULL when the
 *          object that defined the key is gone
 * @first:  first site, in the object's @sites
 */
struct rp_site_range {
	struct rp_site_range *next;
	struct rp__object *object;
	void *key;
	uint32_t first;
	uint32_t count;
	enum rp__range_type type;
};

/*
 * struct rp__object - a registered executable or shared object.
 * @tables:     as it gave them; those that it is too old to have are empty
 * @text_start: lowest address of executable segments; @text_end behind them
 * @ranges:     chunks of ranges, which keys point to: they never move
 * @patched:    the sites were brought to their keys' state; if text cannot be
 *              written, calls stay with their trampolines instead
 * @sites:      of all ranges, one after the other, each in ascending order
 * @alternatives_applied: the text holds them; see alternative.c for
 *              @replaced (struct rp__replaced), @live and @live_bytes
 * @op_sites:   struct rp__op_site, in ascending order; see ops.c
 * @op_bounds:  struct rp__op_bound: what tables are bound, and how
 */
struct rp__object {
	struct rp__object *next;
	struct rp_object *public;
	struct rp_object tables;
	const char *path;
	uintptr_t base;
	const ElfW(Phdr) *phdr;
	int phnum;
	uintptr_t text_start;
	uintptr_t text_end;
	struct rp__range_chunk *ranges;
	struct rp__site *sites;
	size_t sites_nr;
	struct rp__island_block *islands;
	struct rp__vec replaced;
	struct rp__vec live;
	struct rp__vec live_bytes;
	struct rp__vec op_sites;
	struct rp__vec op_bounds;
	bool alternatives_applied;
	bool patched;
	ElfW(Phdr) unfiled;	/* of code that no file has */
};

/* What a field of a record says: an address, relative to the field itself. */
static inline uintptr_t rp__field_target(const int32_t *field)
{
	return (uintptr_t)field + (uintptr_t)(intptr_t)*field;
}

/* True if all of @addr..@addr+len lie in one executable segment. */
bool rp__object_is_text(const struct rp__object *object, uintptr_t addr,
			size_t len);

static inline uint8_t *rp__site_code(const struct rp__object *object,
				     const struct rp__site *site)
{
	return (uint8_t *)(object->text_start + (uintptr_t)site->code);
}

#endif
