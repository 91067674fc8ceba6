/* SPDX-License-Identifier: MIT */
/*
 * Functions that are written to run on into the next one: RP_FALLTHROUGH of
 * <repoint/linkage.h> puts the end of each into a section of object files that
 * linkers leave out, as addresses of 64 bits.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FALLS_SECTION	"rp_fallthrough"

static int make_room(struct rp_walker *w, size_t n)
{
	struct rp_spot *v;

	v = realloc(w->falls, (w->nfalls + n) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	w->falls = v;
	return 0;
}

static void add(struct rp_walker *w, uint32_t section, uint64_t offset)
{
	if (section && section < w->code->obj->nsections)
		w->falls[w->nfalls++] = (struct rp_spot){ section, offset };
}

static int read_relocs(struct rp_walker *w, uint32_t rela, struct rp_diag *diag)
{
	const struct rp_relobj *obj = w->code->obj;
	struct rp_relocs relocs;
	int rc = rp_relobj_relocs(obj, rela, &relocs, diag);

	if (!rc && relocs.n)
		rc = make_room(w, relocs.n);
	for (size_t i = 0; !rc && i < relocs.n; i++) {
		const struct rp_symbol *symbol =
			&obj->symbols[relocs.v[i].symbol];

		if (relocs.v[i].type == R_X86_64_64)
			add(w, symbol->section,
			    symbol->value + relocs.v[i].addend);
	}
	rp_relocs_deinit(&relocs);
	return rc;
}

int rp_walk_read_falls(struct rp_walker *w, struct rp_diag *diag)
{
	const struct rp_relobj *obj = w->code->obj;
	int rc = 0;

	for (uint32_t i = 1; i < obj->nsections && !rc && !obj->linked; i++) {
		if (obj->sections[i].rela &&
		    !strcmp(obj->sections[i].name, FALLS_SECTION))
			rc = read_relocs(w, obj->sections[i].rela, diag);
	}
	if (w->nfalls)
		qsort(w->falls, w->nfalls, sizeof(*w->falls), rp_spot_compare);
	return rc;
}

bool rp_walk_falls(const struct rp_walker *w, uint32_t insn, uint32_t to)
{
	const struct rp_code_insn *at = &w->code->insns[insn];
	struct rp_spot first = { rp_code_section(w->code, insn),
				 at->offset + at->length };
	size_t low = 0, high = w->nfalls;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (rp_spot_compare(&w->falls[mid], &first) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < w->nfalls && w->falls[low].section == first.section &&
	       w->falls[low].offset <= w->code->insns[to].offset;
}
