/* SPDX-License-Identifier: MIT */
/*
 * A source that was compiled in several ways - by libtool for a library and for
 * an archive, by automake for two programs - is in the binary in one of them.
 * The others define the same functions, and are left out.
 */
#include "patch_internal.h"

#include <stdlib.h>
#include <string.h>

struct definition {
	const char *name;
	uint32_t unit;
};

static int by_name(const void *a, const void *b)
{
	const struct definition *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : x->unit < y->unit ? -1 : x->unit > y->unit;
}

static bool defines(const struct rp_side *side, uint32_t atom)
{
	const struct rp_atom *a = &side->atoms.v[atom];

	return a->kind == RP_ATOM_FUNCTION &&
	       side->obj.symbols[a->symbol].bind == STB_GLOBAL;
}

static size_t list_definitions(const struct rp_patch *p, struct definition *ret)
{
	size_t n = 0;

	for (uint32_t i = 0; i < p->nunits; i++) {
		const struct rp_side *side = &p->units[i].old_side;

		for (uint32_t k = 1; side->present && k < side->atoms.n; k++) {
			if (!defines(side, k))
				continue;
			if (ret)
				ret[n] = (struct definition){
					rp_atom_name(&side->atoms, k), i };
			n++;
		}
	}
	return n;
}

/* Compiled for a library that is loaded anywhere? */
static bool is_pic(struct rp_unit *u)
{
	struct rp_debug_info *info = rp_side_debug(&u->old_side);
	const char *producer = info ? rp_debug_producer(info) : "";

	return strstr(producer, "-fPIC") || strstr(producer, "-fpic") ||
	       strstr(u->name, ".libs/");
}

/* Is the first one rather what is in the binary? */
static bool is_better(struct rp_patch *p, struct rp_unit *a, struct rp_unit *b)
{
	const struct rp_matches *x = &a->matches, *y = &b->matches;
	bool shared = rp_binary_is_shared(p->binary);

	if (x->differing != y->differing)
		return x->differing < y->differing;
	if (x->agreeing != y->agreeing)
		return x->agreeing > y->agreeing;
	return is_pic(a) == shared || is_pic(b) != shared;
}

/* A unit that is closed is empty, and stays where it is. */
static int drop(struct rp_patch *p, const bool *dropped)
{
	int rc = 0;

	for (size_t i = 0; i < p->nunits && !rc; i++) {
		if (!dropped[i])
			continue;
		p->report->not_linked++;
		rc = rp_patch_find(p, RP_FINDING_NOTE, p->units[i].name,
			RP_DIAG_PATCH_NOT_LINKED, NULL, "compiled in another "
			"way than what is in the binary: left out");
		rp_unit_close(&p->units[i]);
	}
	return rc;
}

int rp_patch_drop_flavours(struct rp_patch *p)
{
	size_t n = list_definitions(p, NULL);
	struct definition *v = calloc(n + 1, sizeof(*v));
	bool *dropped = calloc(p->nunits + 1, sizeof(*dropped));
	int rc = 0;

	if (!v || !dropped) {
		free(v);
		free(dropped);
		return rp_diag_nomem(p->diag);
	}
	list_definitions(p, v);
	if (n)
		qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 1, best = 0; i < n; i++) {
		uint32_t a = v[best].unit, b = v[i].unit;

		if (strcmp(v[best].name, v[i].name)) {
			best = i;
			continue;
		}
		if (a == b || dropped[b])
			continue;
		if (dropped[a] || !is_better(p, &p->units[a], &p->units[b])) {
			dropped[a] = true;
			best = i;
		} else {
			dropped[b] = true;
		}
	}
	rc = drop(p, dropped);
	free(v);
	free(dropped);
	return rc;
}
