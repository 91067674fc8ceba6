/* SPDX-License-Identifier: MIT */
/* Two listings side by side: which lines belong together. */
#ifndef REPOINT_TOOLS_PATCH_ALIGN_H
#define REPOINT_TOOLS_PATCH_ALIGN_H

#include "listing.h"

/** struct rp_row - one row; an index, or SIZE_MAX where a side has no line. */
struct rp_row {
	size_t old;
	size_t new;
	bool same;
};

struct rp_rows {
	struct rp_row *v;
	size_t n;
};

/**
 * rp_rows_init() - the fewest lines that differ stand beside nothing.
 *
 * Listings that differ in very much are not aligned behind the first part.
 *
 * Return: 0, or -ENOMEM with @diag set.
 */
int rp_rows_init(struct rp_rows *rows, const struct rp_listing *old,
		 const struct rp_listing *new, struct rp_diag *diag);
void rp_rows_deinit(struct rp_rows *rows);

#endif /* REPOINT_TOOLS_PATCH_ALIGN_H */
