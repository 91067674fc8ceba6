/* SPDX-License-Identifier: MIT */
/* Atoms of an object, and the references between them. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../grow.h"

int rp_atoms_add(struct rp_atoms_builder *b, const struct rp_atom *atom)
{
	struct rp_atoms *atoms = b->atoms;

	if (rp_grow(&atoms->v, &b->room, atoms->n + 1, sizeof(*atoms->v)))
		return rp_diag_nomem(b->diag);
	atoms->v[atoms->n++] = *atom;
	return 0;
}

int rp_atoms_add_split(struct rp_atoms_builder *b, uint32_t section,
		       uint64_t offset)
{
	if (rp_grow(&b->splits, &b->splits_room, b->nsplits + 1,
		    sizeof(*b->splits)))
		return rp_diag_nomem(b->diag);
	b->splits[b->nsplits++] = (struct rp_split){ section, offset };
	return 0;
}

int rp_atoms_add_ref(struct rp_atoms_builder *b, uint32_t section,
		     const struct rp_raw_ref *ref)
{
	struct rp_raw_section *s = &b->sections[section];

	if (rp_grow(&s->refs, &s->room, s->nrefs + 1, sizeof(*s->refs)))
		return rp_diag_nomem(b->diag);
	s->refs[s->nrefs++] = *ref;
	return 0;
}

bool rp_atoms_wants(const struct rp_relobj *obj, uint32_t section)
{
	const GElf_Shdr *hdr = &obj->sections[section].hdr;

	return (hdr->sh_flags & SHF_ALLOC) && hdr->sh_size &&
	       hdr->sh_type != SHT_NOTE && hdr->sh_type != SHT_NULL;
}

bool rp_section_is_const(const struct rp_section *section)
{
	static const char relro[] = ".data.rel.ro";

	return !(section->hdr.sh_flags & SHF_WRITE) ||
	       !strncmp(section->name, relro, sizeof(relro) - 1);
}

static int by_offset(const void *a, const void *b)
{
	const struct rp_raw_ref *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool is_sorted(const struct rp_raw_section *s)
{
	for (size_t i = 1; i < s->nrefs; i++) {
		if (s->refs[i].offset < s->refs[i - 1].offset)
			return false;
	}
	return true;
}

static void sort_refs(struct rp_raw_section *s)
{
	if (s->nrefs && !is_sorted(s))
		qsort(s->refs, s->nrefs, sizeof(*s->refs), by_offset);
}

static int read_relocs(struct rp_atoms_builder *b, uint32_t section)
{
	uint32_t rela = b->obj->sections[section].rela;
	struct rp_relocs relocs;
	int rc = 0;

	for (; rela && !rc; rela = b->obj->sections[rela].next_rela) {
		rc = rp_relobj_relocs(b->obj, rela, &relocs, b->diag);
		if (rc)
			return rc;
		for (size_t i = 0; i < relocs.n && !rc; i++) {
			const struct rp_reloc *r = &relocs.v[i];
			struct rp_raw_ref ref = {
				.offset = r->offset, .addend = r->addend,
				.symbol = r->symbol, .type = r->type,
				.form = RP_REF_RELOC,
			};

			if (r->type != R_X86_64_NONE)
				rc = rp_atoms_add_ref(b, section, &ref);
		}
		rp_relocs_deinit(&relocs);
	}
	sort_refs(&b->sections[section]);
	b->sections[section].nrelocs = b->sections[section].nrefs;
	return rc;
}

static int read_all_relocs(struct rp_atoms_builder *b)
{
	int rc = 0;

	b->sections = calloc(b->obj->nsections + 1, sizeof(*b->sections));
	if (!b->sections)
		return rp_diag_nomem(b->diag);
	for (size_t i = 1; i < b->obj->nsections && !rc; i++) {
		if (rp_atoms_wants(b->obj, i))
			rc = read_relocs(b, i);
	}
	return rc;
}

int rp_atoms_by_place(const void *a, const void *b)
{
	const struct rp_atom *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int index_atoms(struct rp_atoms_builder *b)
{
	struct rp_atoms *atoms = b->atoms;
	size_t at = 1;

	qsort(atoms->v + 1, atoms->n - 1, sizeof(*atoms->v), rp_atoms_by_place);
	atoms->section_first = calloc(b->obj->nsections + 2,
				      sizeof(*atoms->section_first));
	if (!atoms->section_first)
		return rp_diag_nomem(b->diag);
	for (size_t i = 0; i <= b->obj->nsections; i++) {
		while (at < atoms->n && atoms->v[at].section < i)
			at++;
		atoms->section_first[i] = at;
	}
	return 0;
}

/* The last atom of a section that starts at or before a place, or 0. */
static uint32_t atom_before(const struct rp_atoms *atoms, uint32_t section,
			    int64_t offset)
{
	uint32_t low = atoms->section_first[section];
	uint32_t high = atoms->section_first[section + 1];
	uint32_t first = low;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if ((int64_t)atoms->v[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low > first ? low - 1 : RP_ATOM_NONE;
}

uint32_t rp_atom_at(const struct rp_atoms *atoms, uint32_t section,
		    uint64_t offset)
{
	if (section >= atoms->obj->nsections)
		return RP_ATOM_NONE;
	uint32_t i = atom_before(atoms, section, offset);

	return i && offset - atoms->v[i].offset < atoms->v[i].size ?
	       i : RP_ATOM_NONE;
}

/*
 * The atom that a place belongs to that was computed: one may point behind the
 * last element, or before the first one to count from 1.
 */
static uint32_t nearest(const struct rp_atoms *atoms, uint32_t section,
			int64_t offset)
{
	uint32_t i = atom_before(atoms, section, offset);

	if (i)
		return i;
	i = atoms->section_first[section];
	return i < atoms->section_first[section + 1] ? i : RP_ATOM_NONE;
}

/*
 * What a distance in a table counts from, as seen from the field: in tables of
 * switches, the table's start; elsewhere the field itself.
 */
static int64_t base_of(const struct rp_atoms *atoms, const struct rp_atom *atom,
		       const struct rp_raw_ref *raw)
{
	const struct rp_section *section = &atoms->obj->sections[atom->section];

	if (rp_atom_is_code(atom))
		return raw->end;
	if (!strncmp(section->name, ".rodata", 7) &&
	    (atom->kind == RP_ATOM_LITERAL || atom->kind == RP_ATOM_CONST))
		return (int64_t)(atom->offset - raw->offset);
	return 0;
}

static struct rp_ref resolve(const struct rp_atoms *atoms,
			     const struct rp_atom *atom,
			     const struct rp_raw_ref *raw)
{
	const struct rp_symbol *symbol = &atoms->obj->symbols[raw->symbol];
	struct rp_ref ref = {
		.offset = raw->offset - atom->offset, .type = raw->type,
		.form = raw->form, .branch = raw->branch,
		.symbol = raw->symbol, .addend = raw->addend,
	};
	int64_t bias = rp_reloc_is_relative(raw->type) ?
		       base_of(atoms, atom, raw) : 0;

	ref.place = rp_wrap_add(raw->addend, bias);
	if (raw->form != RP_REF_RELOC) {
		ref.atom = rp_atom_at(atoms, atom->section, raw->target);
		ref.place = raw->target - atoms->v[ref.atom].offset;
		ref.addend = rp_wrap_add(ref.place, -bias);
		return ref;
	}
	if (!symbol->section || symbol->section == RP_SECTION_NONE)
		return ref;
	int64_t at = symbol->value;
	if (symbol->type == STT_SECTION)
		at = rp_wrap_add(at, ref.place);
	ref.atom = nearest(atoms, symbol->section, at);
	if (ref.atom) {
		int64_t distance = symbol->value - atoms->v[ref.atom].offset;

		ref.place = rp_wrap_add(ref.place, distance);
		ref.addend = rp_wrap_add(ref.addend, distance);
	}
	return ref;
}

static size_t count_refs(const struct rp_atoms_builder *b)
{
	size_t n = 0;

	for (size_t i = 1; i < b->obj->nsections; i++)
		n += b->sections[i].nrefs;
	return n;
}

static int resolve_all(struct rp_atoms_builder *b)
{
	struct rp_atoms *atoms = b->atoms;
	uint32_t at = 1;

	atoms->refs = calloc(count_refs(b) + 1, sizeof(*atoms->refs));
	if (!atoms->refs)
		return rp_diag_nomem(b->diag);
	for (uint32_t i = 1; i < b->obj->nsections; i++) {
		const struct rp_raw_section *s = &b->sections[i];
		size_t k = 0;

		for (at = atoms->section_first[i];
		     at < atoms->section_first[i + 1]; at++) {
			struct rp_atom *atom = &atoms->v[at];

			while (k < s->nrefs && s->refs[k].offset < atom->offset)
				k++;
			atom->refs = atoms->refs + atoms->nrefs;
			for (; k < s->nrefs && s->refs[k].offset <
			       atom->offset + atom->size; k++) {
				atoms->refs[atoms->nrefs++] =
					resolve(atoms, atom, &s->refs[k]);
				atom->nrefs++;
			}
		}
	}
	return 0;
}

// NAME.cold and NAME.cold.7 are what was split off NAME.
static size_t cold_name(const char *name)
{
	const char *at = strstr(name, ".cold");

	if (!at || at == name || (at[5] && at[5] != '.'))
		return 0;
	return at - name;
}

struct by_name {
	const char *name;
	uint32_t atom;
};

static int compare_names(const void *a, const void *b)
{
	const struct by_name *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int compare_prefix(const void *key, const void *entry)
{
	const char *const *k = key;
	const struct by_name *e = entry;
	size_t length = k[1] - k[0];
	int order = strncmp(k[0], e->name, length);

	return order ? order : e->name[length] ? -1 : 0;
}

static int find_cold(struct rp_atoms_builder *b)
{
	struct rp_atoms *atoms = b->atoms;
	struct by_name *names = calloc(atoms->n, sizeof(*names));
	size_t n = 0;

	if (!names)
		return rp_diag_nomem(b->diag);
	for (uint32_t i = 1; i < atoms->n; i++) {
		if (atoms->v[i].kind == RP_ATOM_FUNCTION)
			names[n++] = (struct by_name){ rp_atom_name(atoms, i), i };
	}
	qsort(names, n, sizeof(*names), compare_names);
	for (uint32_t i = 1; i < atoms->n; i++) {
		const char *name = rp_atom_name(atoms, i);
		size_t length = atoms->v[i].kind == RP_ATOM_FUNCTION ?
				cold_name(name) : 0;
		const char *key[2] = { name, name + length };
		struct by_name *found = length ? bsearch(key, names, n,
			sizeof(*names), compare_prefix) : NULL;

		if (found && found->atom != i) {
			atoms->v[i].parent = found->atom;
			atoms->v[i].flags |= RP_ATOM_COLD;
		}
	}
	free(names);
	return 0;
}

// Each of these begins with what it describes.
static void find_described(struct rp_atoms *atoms)
{
	for (uint32_t i = 1; i < atoms->n; i++) {
		struct rp_atom *atom = &atoms->v[i];

		if (atom->kind != RP_ATOM_RECORD && atom->kind != RP_ATOM_FDE)
			continue;
		if (atom->nrefs)
			atom->parent = atom->refs[0].atom;
	}
}

static void free_builder(struct rp_atoms_builder *b)
{
	for (size_t i = 0; b->sections && i < b->obj->nsections; i++)
		free(b->sections[i].refs);
	free(b->sections);
	free(b->splits);
}

int rp_atoms_init(struct rp_atoms *atoms, const struct rp_relobj *obj,
		  struct rp_diag *diag)
{
	struct rp_atoms_builder b = { .atoms = atoms, .obj = obj, .diag = diag };
	const struct rp_atom none = { 0 };
	int rc;

	memset(atoms, 0, sizeof(*atoms));
	atoms->obj = obj;
	rc = rp_atoms_add(&b, &none);
	if (!rc)
		rc = read_all_relocs(&b);
	if (!rc)
		rc = rp_atoms_from_symbols(&b);
	if (!rc)
		rc = rp_atoms_decode(&b);
	if (!rc)
		rc = rp_atoms_split(&b);
	if (!rc)
		rc = index_atoms(&b);
	for (size_t i = 1; i < obj->nsections && !rc; i++)
		sort_refs(&b.sections[i]);
	if (!rc)
		rc = resolve_all(&b);
	if (!rc)
		rc = find_cold(&b);
	if (!rc)
		find_described(atoms);
	free_builder(&b);
	return rc;
}

void rp_atoms_deinit(struct rp_atoms *atoms)
{
	free(atoms->v);
	free(atoms->refs);
	free(atoms->section_first);
	memset(atoms, 0, sizeof(*atoms));
}
