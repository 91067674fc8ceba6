/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: comparing an object with a changed copy of itself, whatever it
 * holds.
 *
 * Besides not crashing: an object is equal to itself; and references lie inside
 * their atoms, which do not overlap.
 */
#include "../patch/unit.h"
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	abort();
}

static void check_atoms(const struct rp_atoms *atoms)
{
	for (size_t i = 1; i < atoms->n; i++) {
		const struct rp_atom *a = &atoms->v[i], *b = a - 1;
		uint64_t size = atoms->obj->sections[a->section].hdr.sh_size;

		if (a->offset > size || a->size > size - a->offset)
			fail("an atom outside its section");
		if (i > 1 && a->section == b->section &&
		    b->offset + b->size > a->offset)
			fail("atoms overlap");
		for (size_t k = 0; k < a->nrefs; k++) {
			if (a->refs[k].offset >= a->size ||
			    a->refs[k].atom >= atoms->n)
				fail("a reference outside its atom");
		}
	}
}

static bool open_pair(struct rp_unit *unit, const void *x, size_t n,
		      const void *y, size_t m)
{
	struct rp_diag diag;

	memset(unit, 0, sizeof(*unit));
	return !rp_unit_open_images(unit, "fuzz", x, n, y, m, &diag) &&
	       !rp_unit_correlate(unit, &diag) && !rp_unit_compare(unit, &diag);
}

static void *copy_of(const uint8_t *data, size_t size)
{
	// Exactly this size, so that one byte too far is noticed.
	void *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void *x = copy_of(data, size), *y = copy_of(data, size);
	struct rp_unit unit;

	elf_version(EV_CURRENT);
	if (open_pair(&unit, x, size, y, size)) {
		check_atoms(&unit.old_side.atoms);
		if (unit.changed)
			fail("an object differs from itself");
	}
	rp_unit_close(&unit);
	// The last bytes choose one byte that differs.
	if (size > 8) {
		uint32_t at;

		memcpy(&at, data + size - 4, sizeof(at));
		((uint8_t *)y)[at % size] ^= data[size - 5] | 1;
		open_pair(&unit, x, size, y, size);
		rp_unit_close(&unit);
	}
	free(x);
	free(y);
	return 0;
}
