/* SPDX-License-Identifier: MIT */
/* Twins among static variables of functions, by the debug information. */
#include "correlate.h"

#include "names.h"

#include <stdlib.h>
#include <string.h>

/* The function that declares a variable, by the debug information. */
struct declared {
	struct rp_static_variable it;
	size_t length;		/* of the name, without a line number */
	uint32_t atom;
	uint32_t group;
};

/* Digits at the end of a name that are the line of its declaration. */
static size_t line_digits(const struct rp_static_variable *it)
{
	size_t n = strlen(it->name), digits = 0;

	while (digits < n && it->name[n - 1 - digits] >= '0' &&
	       it->name[n - 1 - digits] <= '9')
		digits++;
	return digits && digits < n &&
	       strtoul(it->name + n - digits, NULL, 10) == it->line ? digits : 0;
}

bool rp_correlation_is_by_line(const struct rp_side *side, uint32_t atom,
			       size_t *length, size_t *digits)
{
	const struct rp_atom *a = &side->atoms.v[atom];
	const char *name = rp_atom_name(&side->atoms, atom);
	size_t n = rp_name_source_length(name);
	struct rp_static_variable it;
	struct rp_debug_info *info;

	if (a->kind != RP_ATOM_DATA || (a->flags & RP_ATOM_GLOBAL) || !n ||
	    name[n - 1] < '0' || name[n - 1] > '9')
		return false;
	info = rp_side_debug((struct rp_side *)side);
	if (!info || !rp_debug_static(info, a->section, a->offset, &it))
		return false;
	*length = n;
	*digits = line_digits(&it);
	return *digits && *digits < n;
}

static int compare_names(const struct declared *x, const struct declared *y)
{
	int order;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	order = strcmp(x->it.function, y->it.function);
	if (order)
		return order;
	order = strncmp(x->it.name, y->it.name,
			x->length < y->length ? x->length : y->length);
	return order ? order : x->length < y->length ? -1 :
	       x->length > y->length;
}

static int by_declaration(const void *a, const void *b)
{
	const struct declared *x = a, *y = b;
	int order = compare_names(x, y);

	if (order)
		return order;
	return x->it.rank < y->it.rank ? -1 : x->it.rank > y->it.rank;
}

/* Behind the last variable of that name in that function. */
static size_t run_end(const struct declared *v, size_t n, size_t i)
{
	size_t end = i;

	while (end < n && !compare_names(&v[end], &v[i]))
		end++;
	return end;
}

static bool is_open(const struct rp_correlation *c, int which,
		    const struct rp_named *named)
{
	return named->numbered && named->class &&
	       !rp_correlation_side(c, which)->twin[named->atom];
}

static size_t count_open(const struct rp_correlation *c, int which)
{
	size_t n = 0;

	for (size_t i = 0; i < c->of[which].n; i++)
		n += is_open(c, which, &c->of[which].v[i]);
	return n;
}

static size_t list_declared(const struct rp_correlation *c, int which,
			    struct rp_debug_info *info, struct declared *ret)
{
	const struct rp_atoms *atoms = &rp_correlation_side(c, which)->atoms;
	size_t n = 0;

	for (size_t i = 0; i < c->of[which].n; i++) {
		const struct rp_named *named = &c->of[which].v[i];
		const struct rp_atom *a = &atoms->v[named->atom];

		if (!is_open(c, which, named) ||
		    !rp_debug_static(info, a->section, a->offset, &ret[n].it))
			continue;
		ret[n].length = strlen(ret[n].it.name) -
				line_digits(&ret[n].it);
		ret[n].atom = named->atom;
		ret[n].group = named->group;
		n++;
	}
	qsort(ret, n, sizeof(*ret), by_declaration);
	return n;
}

/*
 * By what declares them. What functions use, in which order, is no evidence
 * where a change made the compiler inline otherwise. @known: both sides have
 * debug information.
 */
int rp_correlation_declared(struct rp_correlation *c, bool *known)
{
	size_t n[2] = { count_open(c, 0), count_open(c, 1) }, i = 0, k = 0;
	struct rp_debug_info *info[2];
	struct declared *v[2];

	*known = false;
	if (!n[0] || !n[1])
		return 0;
	info[0] = rp_side_debug(&c->unit->old_side);
	info[1] = rp_side_debug(&c->unit->new_side);
	if (!info[0] || !info[1])
		return 0;
	*known = true;
	v[0] = calloc(n[0], sizeof(*v[0]));
	v[1] = calloc(n[1], sizeof(*v[1]));
	if (v[0] && v[1]) {
		n[0] = list_declared(c, 0, info[0], v[0]);
		n[1] = list_declared(c, 1, info[1], v[1]);
		while (i < n[0] && k < n[1]) {
			size_t i_end = run_end(v[0], n[0], i);
			size_t k_end = run_end(v[1], n[1], k);
			int order = compare_names(&v[0][i], &v[1][k]);

			// One more or less: which is which is not known.
			for (size_t j = 0; !order && i_end - i == k_end - k &&
			     i + j < i_end; j++)
				rp_correlation_pair(c, v[0][i + j].atom,
						    v[1][k + j].atom);
			if (order <= 0)
				i = i_end;
			if (order >= 0)
				k = k_end;
		}
	}
	bool ok = v[0] && v[1];
	free(v[0]);
	free(v[1]);
	return ok ? 0 : -1;
}
