/* SPDX-License-Identifier: MIT */
/* A sorted index from places in sections to symbols. */
#include "places.h"

#include <errno.h>
#include <stdlib.h>

static int compare_place(const struct rp_place *a, uint32_t section,
			 uint64_t offset)
{
	if (a->section != section)
		return a->section < section ? -1 : 1;
	return (a->offset > offset) - (a->offset < offset);
}

static int compare(const void *a, const void *b)
{
	const struct rp_place *x = a, *y = b;
	int rc = compare_place(x, y->section, y->offset);

	return rc ? rc : (x->symbol > y->symbol) - (x->symbol < y->symbol);
}

int rp_places_init(struct rp_places *places, const struct rp_relobj *obj,
		   bool (*want)(const struct rp_relobj *obj,
				const struct rp_symbol *symbol))
{
	places->n = 0;
	places->v = calloc(obj->nsymbols ? obj->nsymbols : 1,
			   sizeof(*places->v));
	if (!places->v)
		return -ENOMEM;
	for (size_t i = 1; i < obj->nsymbols; i++) {
		const struct rp_symbol *symbol = &obj->symbols[i];

		if (!symbol->section || symbol->section == RP_SECTION_NONE ||
		    !want(obj, symbol))
			continue;
		places->v[places->n++] = (struct rp_place){
			symbol->value, symbol->section, i };
	}
	qsort(places->v, places->n, sizeof(*places->v), compare);
	return 0;
}

void rp_places_deinit(struct rp_places *places)
{
	free(places->v);
	places->v = NULL;
	places->n = 0;
}

// Index of the first entry that is not before the place.
static size_t lower_bound(const struct rp_places *places, uint32_t section,
			  uint64_t offset)
{
	size_t low = 0, high = places->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_place(&places->v[middle], section, offset) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct rp_place *rp_places_at(const struct rp_places *places,
				    uint32_t section, uint64_t offset)
{
	size_t i = lower_bound(places, section, offset);

	if (i == places->n || compare_place(&places->v[i], section, offset))
		return NULL;
	return &places->v[i];
}

const struct rp_place *rp_places_before(const struct rp_places *places,
					uint32_t section, uint64_t offset)
{
	const struct rp_place *at = rp_places_at(places, section, offset);

	if (at)
		return at;
	size_t i = lower_bound(places, section, offset);
	if (!i || places->v[i - 1].section != section)
		return NULL;
	return &places->v[i - 1];
}
