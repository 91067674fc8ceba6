/* SPDX-License-Identifier: MIT */
/* Call sites of a Linux kernel's static calls. */
#include "../elf/places.h"
#include "kernel_sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* struct names - symbols that may be keys, by name. */
struct names {
	const struct rp_symbol **v;
	size_t n;
};

static bool want_function(const struct rp_relobj *obj,
			  const struct rp_symbol *symbol)
{
	(void)obj;
	return symbol->type == STT_FUNC;
}

static bool in_function(const struct rp_relobj *obj,
			const struct rp_places *functions,
			const struct rp_site *site)
{
	const struct rp_place *place;

	place = rp_places_before(functions, site->section, site->offset);
	return place && site->offset - place->offset <
			obj->symbols[place->symbol].size;
}

static bool is_call(const struct rp_site *site)
{
	return site->kind == RP_SITE_CALL;
}

// Assembler code may jump to a trampoline; only functions make tail calls.
static bool is_site(const struct rp_relobj *obj, const struct rp_abi *abi,
		    const struct rp_places *functions,
		    const struct rp_site *site)
{
	return strcmp(obj->sections[site->section].name, abi->replacements) &&
	       obj->symbols[site->symbol].bind == STB_GLOBAL &&
	       (is_call(site) || in_function(obj, functions, site));
}

static int keep_sites(const struct rp_relobj *obj, const struct rp_abi *abi,
		      struct rp_sites *sites, struct rp_diag *diag)
{
	struct rp_places functions;
	size_t kept = 0;

	if (rp_places_init(&functions, obj, want_function))
		return rp_diag_nomem(diag);
	for (size_t i = 0; i < sites->n; i++) {
		if (is_site(obj, abi, &functions, &sites->v[i]))
			sites->v[kept++] = sites->v[i];
	}
	sites->n = kept;
	rp_places_deinit(&functions);
	return 0;
}

static int jumps_first(struct rp_sites *sites, struct rp_diag *diag)
{
	struct rp_site *v = calloc(sites->n ? sites->n : 1, sizeof(*v));
	size_t n = 0;

	if (!v)
		return rp_diag_nomem(diag);
	for (size_t i = 0; i < sites->n; i++) {
		if (!is_call(&sites->v[i]))
			v[n++] = sites->v[i];
	}
	for (size_t i = 0; i < sites->n; i++) {
		if (is_call(&sites->v[i]))
			v[n++] = sites->v[i];
	}
	free(sites->v);
	sites->v = v;
	sites->room = n;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct rp_symbol *const *x = a, *const *y = b;
	int rc = strcmp((*x)->name, (*y)->name);

	return rc ? rc : (*x > *y) - (*x < *y);
}

static int list_keys(const struct rp_relobj *obj, const struct rp_abi *abi,
		     struct names *ret, struct rp_diag *diag)
{
	size_t length = strlen(abi->key_prefix);

	ret->n = 0;
	ret->v = calloc(obj->nsymbols ? obj->nsymbols : 1, sizeof(*ret->v));
	if (!ret->v)
		return rp_diag_nomem(diag);
	for (size_t i = 1; i < obj->nsymbols; i++) {
		if (!strncmp(obj->symbols[i].name, abi->key_prefix, length))
			ret->v[ret->n++] = &obj->symbols[i];
	}
	qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return 0;
}

/* The key of a trampoline: index of its symbol, or 0. */
static uint32_t find_key(const struct rp_relobj *obj, const struct rp_abi *abi,
			 const struct names *names, uint32_t tramp)
{
	const char *name = obj->symbols[tramp].name + strlen(abi->tramp_prefix);
	size_t prefix = strlen(abi->key_prefix), low = 0, high = names->n;

	// The first of several.
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(names->v[middle]->name + prefix, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == names->n || strcmp(names->v[low]->name + prefix, name))
		return 0;
	return names->v[low] - obj->symbols;
}

static int no_key(const struct rp_relobj *obj, const struct rp_abi *abi,
		  const struct rp_site *site, struct rp_diag *diag)
{
	const char *tramp = obj->symbols[site->symbol].name;

	return rp_diag_set_at(diag, RP_DIAG_CHECK_KEY,
		obj->sections[site->section].name, site->offset,
		"the object has no symbol %s%s, the key of what is called here; "
		"a module may go without (--module)", abi->key_prefix,
		tramp + strlen(abi->tramp_prefix));
}

static int find_keys(const struct rp_relobj *obj, const struct rp_abi *abi,
		     bool module, struct rp_sites *sites, struct rp_diag *diag)
{
	struct names names;
	int rc = list_keys(obj, abi, &names, diag);

	for (size_t i = 0; i < sites->n && !rc; i++) {
		struct rp_site *site = &sites->v[i];

		site->key = find_key(obj, abi, &names, site->symbol);
		if (site->key)
			continue;
		if (module)
			site->key = site->symbol;
		else
			rc = no_key(obj, abi, site, diag);
	}
	free(names.v);
	return rc;
}

int rp_kernel_sites_find(const struct rp_relobj *obj, const struct rp_abi *abi,
			 bool module, struct rp_sites *ret,
			 struct rp_diag *diag)
{
	int rc = rp_sites_find(obj, RP_TABLE_KERNEL, ret, diag);

	if (!rc)
		rc = keep_sites(obj, abi, ret, diag);
	if (!rc)
		rc = jumps_first(ret, diag);
	return rc ? rc : find_keys(obj, abi, module, ret, diag);
}
