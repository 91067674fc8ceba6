/* SPDX-License-Identifier: MIT */
/* Lists of sites, and of what is none. */
#include "sites.h"

#include <stdlib.h>
#include <string.h>

static size_t more_room(size_t room)
{
	return room ? 2 * room : 64;
}

int rp_sites_add(struct rp_sites *sites, const struct rp_site *site,
		 struct rp_diag *diag)
{
	if (sites->n == sites->room) {
		size_t room = more_room(sites->room);
		struct rp_site *v = reallocarray(sites->v, room, sizeof(*v));

		if (!v)
			return rp_diag_nomem(diag);
		sites->v = v;
		sites->room = room;
	}
	sites->v[sites->n++] = *site;
	return 0;
}

int rp_sites_add_other(struct rp_sites *sites, const struct rp_other *other,
		       struct rp_diag *diag)
{
	if (sites->others == sites->other_room) {
		size_t room = more_room(sites->other_room);
		struct rp_other *v = reallocarray(sites->other, room,
						  sizeof(*v));

		if (!v)
			return rp_diag_nomem(diag);
		sites->other = v;
		sites->other_room = room;
	}
	sites->other[sites->others++] = *other;
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct rp_other *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return (x->symbol > y->symbol) - (x->symbol < y->symbol);
}

void rp_sites_sort_others(struct rp_sites *sites)
{
	if (sites->others)
		qsort(sites->other, sites->others, sizeof(*sites->other),
		      by_place);
}

void rp_sites_deinit(struct rp_sites *sites)
{
	free(sites->v);
	free(sites->other);
	memset(sites, 0, sizeof(*sites));
}
