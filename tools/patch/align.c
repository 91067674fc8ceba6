/* SPDX-License-Identifier: MIT */
/*
 * Two listings side by side, by the greedy algorithm of Myers ("An O(ND)
 * difference algorithm and its variations", 1986): for d = 0, 1, ... the
 * furthest place that each diagonal k = x - y reaches with d differences.
 */
#include "align.h"

#include <stdlib.h>
#include <string.h>

/* Differences; the memory is a word for each pair of them. */
#define MAX_DIFFERENCES	1500

struct search {
	const struct rp_listing *old, *new;
	size_t first;		/* lines at the start that are equal */
	long n, m;		/* lines that are searched, of each */
	int32_t *reach;		/* of all d: 2 d + 1 places from index d * d */
};

static bool equal(const struct search *s, long x, long y)
{
	return !strcmp(s->old->v[s->first + x].key,
		       s->new->v[s->first + y].key);
}

static int32_t *reach(const struct search *s, long d, long k)
{
	return &s->reach[d * d + k + d];
}

// Does the path to (d, k) come from above, with a line of @new?
static bool from_above(const struct search *s, long d, long k)
{
	return k == -d || (k != d &&
			   *reach(s, d - 1, k - 1) < *reach(s, d - 1, k + 1));
}

static long start_of(const struct search *s, long d, long k)
{
	if (!d)
		return 0;
	return from_above(s, d, k) ? *reach(s, d - 1, k + 1) :
				     *reach(s, d - 1, k - 1) + 1;
}

/* The number of differences; -1 if there are too many; *@end its diagonal. */
static long search(const struct search *s, long most)
{
	for (long d = 0; d <= most; d++) {
		for (long k = -d; k <= d; k += 2) {
			long x = start_of(s, d, k);

			while (x < s->n && x - k < s->m && x - k >= 0 &&
			       equal(s, x, x - k))
				x++;
			*reach(s, d, k) = x;
			if (x >= s->n && x - k >= s->m)
				return d;
		}
	}
	return -1;
}

static void put(struct rp_rows *rows, size_t old, size_t new, bool same)
{
	rows->v[rows->n++] = (struct rp_row){ old, new, same };
}

// From the end to the start; the caller turns the rows round.
static void walk_back(const struct search *s, long d, struct rp_rows *rows)
{
	long x = s->n, y = s->m;

	for (; d >= 0; d--) {
		long start = start_of(s, d, x - y);
		bool above = d && from_above(s, d, x - y);

		for (; x > start; x--, y--)
			put(rows, s->first + x - 1, s->first + y - 1, true);
		if (d && above)
			put(rows, SIZE_MAX, s->first + --y, false);
		else if (d)
			put(rows, s->first + --x, SIZE_MAX, false);
	}
}

static void reverse(struct rp_row *v, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct rp_row row = v[i];

		v[i] = v[n - 1 - i];
		v[n - 1 - i] = row;
	}
}

static void pair_rest(const struct search *s, struct rp_rows *rows)
{
	for (long i = 0; i < s->n; i++)
		put(rows, s->first + i, SIZE_MAX, false);
	for (long i = 0; i < s->m; i++)
		put(rows, SIZE_MAX, s->first + i, false);
}

/* Lines that only one side has, in one place: beside each other. */
static void merge_run(struct rp_row *run, size_t n, struct rp_rows *rows)
{
	size_t nold = 0, nnew = 0;
	struct rp_row *copy = malloc(n * sizeof(*copy));

	if (!copy) {		// as it is, then
		memmove(rows->v + rows->n, run, n * sizeof(*run));
		rows->n += n;
		return;
	}
	for (size_t i = 0; i < n; i++)
		copy[i] = (struct rp_row){ SIZE_MAX, SIZE_MAX, false };
	for (size_t i = 0; i < n; i++) {
		if (run[i].old != SIZE_MAX)
			copy[nold++].old = run[i].old;
		else
			copy[nnew++].new = run[i].new;
	}
	n = nold > nnew ? nold : nnew;
	memcpy(rows->v + rows->n, copy, n * sizeof(*copy));
	rows->n += n;
	free(copy);
}

static void merge_runs(struct rp_rows *rows)
{
	size_t n = rows->n, i = 0;

	rows->n = 0;
	while (i < n) {
		size_t end = i;

		while (end < n && !rows->v[end].same)
			end++;
		if (end > i)
			merge_run(rows->v + i, end - i, rows);
		for (i = end; i < n && rows->v[i].same; i++)
			rows->v[rows->n++] = rows->v[i];
	}
}

static int align_middle(struct search *s, struct rp_rows *rows)
{
	long most = s->n + s->m < MAX_DIFFERENCES ? s->n + s->m :
						    MAX_DIFFERENCES;
	size_t start = rows->n;

	s->reach = malloc((most + 1) * (most + 1) * sizeof(*s->reach));
	if (!s->reach)
		return -1;
	long d = search(s, most);
	if (d < 0)
		pair_rest(s, rows);
	else
		walk_back(s, d, rows);
	if (d >= 0)
		reverse(rows->v + start, rows->n - start);
	free(s->reach);
	return 0;
}

int rp_rows_init(struct rp_rows *rows, const struct rp_listing *old,
		 const struct rp_listing *new, struct rp_diag *diag)
{
	struct search s = { .old = old, .new = new };
	size_t last = 0, least = old->n < new->n ? old->n : new->n;

	rows->n = 0;
	rows->v = calloc(old->n + new->n + 1, sizeof(*rows->v));
	if (!rows->v)
		return rp_diag_nomem(diag);
	while (s.first < least &&
	       !strcmp(old->v[s.first].key, new->v[s.first].key)) {
		put(rows, s.first, s.first, true);
		s.first++;
	}
	while (s.first + last < least &&
	       !strcmp(old->v[old->n - 1 - last].key,
		       new->v[new->n - 1 - last].key))
		last++;
	s.n = old->n - s.first - last;
	s.m = new->n - s.first - last;
	if (align_middle(&s, rows))
		return rp_diag_nomem(diag);
	while (last) {
		put(rows, old->n - last, new->n - last, true);
		last--;
	}
	merge_runs(rows);
	return 0;
}

void rp_rows_deinit(struct rp_rows *rows)
{
	free(rows->v);
	rows->v = NULL;
	rows->n = 0;
}
