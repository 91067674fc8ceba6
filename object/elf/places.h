/* SPDX-License-Identifier: MIT */
/* A sorted index from places in sections to symbols. */
#ifndef REPOINT_OBJECT_ELF_PLACES_H
#define REPOINT_OBJECT_ELF_PLACES_H

#include "relobj.h"

struct rp_place {
	uint64_t offset;
	uint32_t section;
	uint32_t symbol;
};

/* struct rp_places - by section, offset, symbol index. */
struct rp_places {
	struct rp_place *v;
	size_t n;
};

/**
 * rp_places_init() - index the symbols that are defined in a section.
 * @places: filled in
 * @obj:    the object
 * @want:   takes a symbol into the index
 *
 * Return: 0 or -ENOMEM.
 */
int rp_places_init(struct rp_places *places, const struct rp_relobj *obj,
		   bool (*want)(const struct rp_relobj *obj,
				const struct rp_symbol *symbol));

void rp_places_deinit(struct rp_places *places);

/** rp_places_before() - the last entry at or before a place, or NULL. */
const struct rp_place *rp_places_before(const struct rp_places *places,
					uint32_t section, uint64_t offset);

/** rp_places_at() - the first entry exactly at a place, or NULL. */
const struct rp_place *rp_places_at(const struct rp_places *places,
				    uint32_t section, uint64_t offset);

#endif /* REPOINT_OBJECT_ELF_PLACES_H */
