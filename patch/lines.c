/* SPDX-License-Identifier: MIT */
/*
 * Line numbers that the source put into the program: __LINE__ in assertions and
 * log calls. Lines that a fix inserts move them in every function below, which
 * is no change that anyone wants to patch.
 *
 * Whether a constant is a line number is not guessed from its being one that
 * differs: the debug information must say that the very line of that number, in
 * the old source, is the line of the other number in the new one. And it must be
 * passed on: a number that is compared or computed with is none.
 */
#include "compare.h"

#include "../object/grow.h"

#include <stdlib.h>

/* A call that goes over several lines has the number of its last one. */
#define MAX_LINES_OF_A_CALL	24
/* Below, a constant that is near its line by chance is too likely. */
#define MIN_LINE_OF_A_CALL	100

static bool line_of(struct rp_side *side, uint32_t atom, uint64_t at,
		    uint32_t *ret)
{
	const struct rp_atom *a = &side->atoms.v[atom];
	struct rp_debug_info *info = rp_side_debug(side);
	struct rp_source_line line;

	if (!info || !rp_debug_line(info, a->section, a->offset + at, &line))
		return false;
	*ret = line.line;
	return line.line;
}

static bool is_shift(uint32_t old_line, uint32_t new_line, uint32_t old_value,
		     uint32_t new_value, enum rp_line_use use)
{
	int64_t distance = (int64_t)old_value - old_line;

	if ((int64_t)new_value - new_line != distance)
		return false;
	return !distance || (use == RP_LINE_ARGUMENT && distance > 0 &&
			     distance <= MAX_LINES_OF_A_CALL &&
			     old_value >= MIN_LINE_OF_A_CALL);
}

struct rows {
	struct rp_line_row *v;
	size_t n;
};

static bool get_rows(struct rp_compare *c, struct rp_side *side, uint32_t atom,
		     struct rows *ret)
{
	const struct rp_atom *a = &side->atoms.v[atom];
	struct rp_debug_info *info = rp_side_debug(side);

	ret->v = NULL;
	ret->n = info ? rp_debug_line_rows(info, a->section, a->offset, a->size,
					   NULL, 0) : 0;
	if (!ret->n)
		return false;
	ret->v = calloc(ret->n, sizeof(*ret->v));
	if (!ret->v) {
		c->nomem = true;
		return false;
	}
	rp_debug_line_rows(info, a->section, a->offset, a->size, ret->v, ret->n);
	return true;
}

/* Takes each pair of rows that stand at the same place of both, until one says to stop. */
static bool each_pair(struct rp_compare *c, uint32_t old_atom,
		      uint32_t new_atom,
		      bool (*take)(struct rp_compare *c, uint32_t o, uint32_t n,
				   const struct rp_line_pair *wanted),
		      const struct rp_line_pair *wanted)
{
	struct rows x, y;
	bool found = false;

	if (get_rows(c, rp_side_old(c), old_atom, &x) &&
	    get_rows(c, rp_side_new(c), new_atom, &y)) {
		for (size_t i = 0; x.n == y.n && i < x.n && !found; i++)
			found = take(c, x.v[i].line, y.v[i].line, wanted);
		free(y.v);
	}
	free(x.v);
	return found;
}

static bool is_wanted(struct rp_compare *c, uint32_t o, uint32_t n,
		      const struct rp_line_pair *wanted)
{
	(void)c;
	return o == wanted->old_line && n == wanted->new_line;
}

static bool rows_pair(struct rp_compare *c, uint32_t old_atom,
		      uint32_t new_atom, uint32_t old_value, uint32_t new_value)
{
	const struct rp_line_pair wanted = { old_value, new_value };

	return each_pair(c, old_atom, new_atom, is_wanted, &wanted);
}

/* Lines of inlined calls: what is passed to them has no row of its own. */
static uint32_t *get_calls(struct rp_compare *c, struct rp_side *side,
			   uint32_t atom, size_t *n)
{
	const struct rp_atom *a =
		&side->atoms.v[rp_atom_root(&side->atoms, atom)];
	struct rp_debug_info *info = rp_side_debug(side);
	uint32_t *lines;

	*n = info ? rp_debug_call_lines(info, a->section, a->offset, NULL, 0) : 0;
	lines = calloc(*n + 1, sizeof(*lines));
	if (!lines) {
		c->nomem = true;
		*n = 0;
		return NULL;
	}
	if (*n)
		rp_debug_call_lines(info, a->section, a->offset, lines, *n);
	return lines;
}

static bool calls_pair(struct rp_compare *c, uint32_t old_atom,
		       uint32_t new_atom, uint32_t old_value,
		       uint32_t new_value, enum rp_line_use use)
{
	size_t x_n, y_n;
	uint32_t *x = get_calls(c, rp_side_old(c), old_atom, &x_n);
	uint32_t *y = get_calls(c, rp_side_new(c), new_atom, &y_n);
	bool found = false;

	// A call over several lines is on its first one, __LINE__ on its last.
	for (size_t i = 0; x_n == y_n && i < x_n && !found; i++)
		found = is_shift(x[i], y[i], old_value, new_value, use);
	free(x);
	free(y);
	return found;
}

/*
 * The instruction's own line, or that of any other of the function that is in
 * the same place: compilers move constants away from where they are used.
 */
bool rp_lines_in_code(struct rp_compare *c, uint32_t old_atom, uint64_t old_at,
		      uint32_t new_atom, uint64_t new_at, uint32_t old_value,
		      uint32_t new_value, enum rp_line_use use)
{
	uint32_t o, n;

	if (old_value == new_value)
		return true;
	if (use == RP_LINE_OTHER)
		return false;
	if (line_of(rp_side_old(c), old_atom, old_at, &o) &&
	    line_of(rp_side_new(c), new_atom, new_at, &n) &&
	    is_shift(o, n, old_value, new_value, use))
		return true;
	return rows_pair(c, old_atom, new_atom, old_value, new_value) ||
	       calls_pair(c, old_atom, new_atom, old_value, new_value, use);
}

/* Return: stop? */
static bool add_pair(struct rp_compare *c, uint32_t o, uint32_t n,
		     const struct rp_line_pair *unused)
{
	(void)unused;
	if (c->nlines && c->lines[c->nlines - 1].old_line == o &&
	    c->lines[c->nlines - 1].new_line == n)
		return false;
	if (rp_grow(&c->lines, &c->lines_room, c->nlines + 1,
		    sizeof(*c->lines))) {
		c->nomem = true;
		return true;
	}
	c->lines[c->nlines++] = (struct rp_line_pair){ o, n };
	return false;
}

static int by_lines(const void *a, const void *b)
{
	const struct rp_line_pair *x = a, *y = b;

	if (x->old_line != y->old_line)
		return x->old_line < y->old_line ? -1 : 1;
	return x->new_line < y->new_line ? -1 : x->new_line > y->new_line;
}

static void learn_lines(struct rp_compare *c)
{
	const struct rp_side *n = rp_side_new(c);

	c->lines_known = true;
	if (!rp_side_debug(rp_side_old(c)) || !rp_side_debug(rp_side_new(c)))
		return;
	for (uint32_t i = 1; i < n->atoms.n && !c->nomem; i++) {
		if (n->atoms.v[i].kind == RP_ATOM_FUNCTION && n->twin[i])
			each_pair(c, n->twin[i], i, add_pair, NULL);
	}
	qsort(c->lines, c->nlines, sizeof(*c->lines), by_lines);
}

bool rp_lines_anywhere(struct rp_compare *c, uint32_t old_value,
		       uint32_t new_value)
{
	const struct rp_line_pair key = { old_value, new_value };

	if (!c->lines_known)
		learn_lines(c);
	return c->nlines && bsearch(&key, c->lines, c->nlines,
				    sizeof(*c->lines), by_lines);
}
