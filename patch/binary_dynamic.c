/* SPDX-License-Identifier: MIT */
/* What the dynamic linker reads: .dynamic, .dynsym, and the symbols' versions. */
#include "binary_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int string_of(const struct rp_image *image, size_t section,
		     size_t strings, uint64_t offset, const char **ret,
		     struct rp_diag *diag)
{
	*ret = elf_strptr(image->elf, strings, offset);
	return *ret ? 0 : rp_image_damaged(image, section,
		"a name is outside its string table", diag);
}

static int read_symbols(struct rp_dynamic *dynamic,
			const struct rp_image *image, size_t index,
			struct rp_diag *diag)
{
	const Elf64_Shdr *hdr = rp_image_header(image, index);
	const void *table;

	int rc = rp_image_table(image, index, sizeof(Elf64_Sym), &table,
				&dynamic->nsymbols, diag);
	if (rc || !dynamic->nsymbols)
		return rc;
	dynamic->symbols = table;
	dynamic->names = calloc(dynamic->nsymbols, sizeof(*dynamic->names));
	if (!dynamic->names)
		return rp_diag_nomem(diag);
	for (size_t i = 0; i < dynamic->nsymbols && !rc; i++)
		rc = string_of(image, index, hdr->sh_link,
			       dynamic->symbols[i].st_name, &dynamic->names[i],
			       diag);
	return rc;
}

static int read_versym(struct rp_dynamic *dynamic, const struct rp_image *image,
		       struct rp_diag *diag)
{
	size_t index = rp_image_find(image, SHT_GNU_versym);
	const void *table;
	size_t n;

	if (!index)
		return 0;
	int rc = rp_image_table(image, index, sizeof(Elf64_Half), &table, &n,
				diag);
	if (rc)
		return rc;
	if (n != dynamic->nsymbols)
		return rp_image_damaged(image, index, "not one version for "
					"each dynamic symbol", diag);
	dynamic->versym = table;
	dynamic->nversions = RP_VERSION_HIDDEN;
	dynamic->versions = calloc(dynamic->nversions,
				   sizeof(*dynamic->versions));
	return dynamic->versions ? 0 : rp_diag_nomem(diag);
}

static bool room(size_t size, size_t offset, size_t need)
{
	return offset <= size && need <= size - offset;
}

/*
 * Offsets only grow, as vd_next and vn_next are unsigned, and a chain ends where
 * the section does: so a hostile one ends too.
 */
static int read_verdef(struct rp_dynamic *dynamic, const struct rp_image *image,
		       struct rp_diag *diag)
{
	size_t index = rp_image_find(image, SHT_GNU_verdef), size;
	const uint8_t *data = rp_image_data(image, index, &size);

	if (!data)
		return 0;
	for (size_t at = 0;;) {
		Elf64_Verdef def;
		Elf64_Verdaux aux;

		if (!room(size, at, sizeof(def)))
			break;
		memcpy(&def, data + at, sizeof(def));
		if (!room(size, at + def.vd_aux, sizeof(aux)))
			break;
		memcpy(&aux, data + at + def.vd_aux, sizeof(aux));
		int rc = string_of(image, index,
			rp_image_header(image, index)->sh_link, aux.vda_name,
			&dynamic->versions[def.vd_ndx & (RP_VERSION_HIDDEN - 1)],
			diag);
		if (rc || !def.vd_next)
			return rc;
		at += def.vd_next;
	}
	return rp_image_damaged(image, index, "a version does not fit", diag);
}

static int read_needed_versions(struct rp_dynamic *dynamic,
				const struct rp_image *image, size_t index,
				size_t at, size_t *left, struct rp_diag *diag)
{
	size_t size;
	const uint8_t *data = rp_image_data(image, index, &size);

	for (;;) {
		Elf64_Vernaux aux;

		if (!room(size, at, sizeof(aux)) || !(*left)--)
			return rp_image_damaged(image, index,
				"a version does not fit", diag);
		memcpy(&aux, data + at, sizeof(aux));
		int rc = string_of(image, index,
			rp_image_header(image, index)->sh_link, aux.vna_name,
			&dynamic->versions[aux.vna_other & (RP_VERSION_HIDDEN - 1)],
			diag);
		if (rc || !aux.vna_next)
			return rc;
		at += aux.vna_next;
	}
}

static int read_verneed(struct rp_dynamic *dynamic,
			const struct rp_image *image, struct rp_diag *diag)
{
	size_t index = rp_image_find(image, SHT_GNU_verneed), size;
	const uint8_t *data = rp_image_data(image, index, &size);

	// Lists of a hostile file may share their entries: no more are looked
	// at than there is room for.
	size_t left = size / sizeof(Elf64_Vernaux);
	for (size_t at = 0; data;) {
		Elf64_Verneed need;

		if (!room(size, at, sizeof(need)))
			return rp_image_damaged(image, index,
				"a version does not fit", diag);
		memcpy(&need, data + at, sizeof(need));
		int rc = read_needed_versions(dynamic, image, index,
					      at + need.vn_aux, &left, diag);
		if (rc || !need.vn_next)
			return rc;
		at += need.vn_next;
	}
	return 0;
}

static int set_entry(struct rp_dynamic *dynamic, const struct rp_image *image,
		     size_t index, const Elf64_Dyn *dyn, struct rp_diag *diag)
{
	const size_t strings = rp_image_header(image, index)->sh_link;
	const char **to;

	switch (dyn->d_tag) {
	case DT_NEEDED: to = &dynamic->needed[dynamic->nneeded++]; break;
	case DT_SONAME: to = &dynamic->soname; break;
	case DT_RPATH: to = &dynamic->rpath; break;
	case DT_RUNPATH: to = &dynamic->runpath; break;
	case DT_SYMBOLIC:
		dynamic->symbolic = true;
		return 0;
	case DT_FLAGS:
		dynamic->symbolic |= (dyn->d_un.d_val & DF_SYMBOLIC) != 0;
		return 0;
	case DT_DEBUG:	// linkers put it into programs only
		dynamic->program = true;
		return 0;
	case DT_FLAGS_1:
		dynamic->program |= (dyn->d_un.d_val & DF_1_PIE) != 0;
		return 0;
	default:
		return 0;
	}
	return string_of(image, index, strings, dyn->d_un.d_val, to, diag);
}

static int read_dynamic(struct rp_dynamic *dynamic,
			const struct rp_image *image, struct rp_diag *diag)
{
	size_t index = rp_image_find(image, SHT_DYNAMIC), n;
	const void *table;

	if (!index)
		return 0;
	int rc = rp_image_table(image, index, sizeof(Elf64_Dyn), &table, &n,
				diag);
	if (rc || !n)
		return rc;
	dynamic->needed = calloc(n, sizeof(*dynamic->needed));
	if (!dynamic->needed)
		return rp_diag_nomem(diag);
	const Elf64_Dyn *dyn = table;
	for (size_t i = 0; i < n && dyn[i].d_tag != DT_NULL && !rc; i++)
		rc = set_entry(dynamic, image, index, &dyn[i], diag);
	return rc;
}

int rp_dynamic_init(struct rp_dynamic *dynamic, const struct rp_image *image,
		    struct rp_diag *diag)
{
	size_t symbols = rp_image_find(image, SHT_DYNSYM);
	int rc = 0;

	memset(dynamic, 0, sizeof(*dynamic));
	if (symbols)
		rc = read_symbols(dynamic, image, symbols, diag);
	if (!rc)
		rc = read_versym(dynamic, image, diag);
	if (!rc && dynamic->versym)
		rc = read_verdef(dynamic, image, diag);
	if (!rc && dynamic->versym)
		rc = read_verneed(dynamic, image, diag);
	if (!rc)
		rc = read_dynamic(dynamic, image, diag);
	return rc;
}

void rp_dynamic_deinit(struct rp_dynamic *dynamic)
{
	free(dynamic->names);
	free(dynamic->versions);
	free(dynamic->needed);
	memset(dynamic, 0, sizeof(*dynamic));
}

const char *rp_dynamic_version(const struct rp_dynamic *dynamic, size_t symbol)
{
	const char *name;
	unsigned int index;

	if (!dynamic->versym)
		return "";
	index = dynamic->versym[symbol] & (RP_VERSION_HIDDEN - 1);
	if (index <= VER_NDX_GLOBAL)
		return "";
	name = dynamic->versions[index];
	return name ? name : "";
}
