/* SPDX-License-Identifier: MIT */
/* Dynamic sections in memory, and the tables that they lead to. */
#define _GNU_SOURCE
#include "modules_internal.h"

#include "../object/grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Pages of tables. */

/** struct rp_page_cache - pages that were read; a hash table without removal.
 *  @slots: address of a page, or 0 */
struct rp_page_cache {
	struct page {
		uint64_t address;
		uint8_t *bytes;
	} *slots;
	size_t nslots, n;
};

static struct page *slot_of(const struct rp_page_cache *cache, uint64_t address)
{
	size_t i = (address / RP_PAGE * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
		   (cache->nslots - 1);

	while (cache->slots[i].address && cache->slots[i].address != address)
		i = (i + 1) & (cache->nslots - 1);
	return &cache->slots[i];
}

static int make_room(struct rp_page_cache *cache)
{
	struct rp_page_cache larger = {
		.nslots = cache->nslots ? 2 * cache->nslots : 64,
		.n = cache->n,
	};

	if (2 * cache->n < cache->nslots)
		return 0;
	larger.slots = calloc(larger.nslots, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < cache->nslots; i++) {
		if (cache->slots[i].address)
			*slot_of(&larger, cache->slots[i].address) =
				cache->slots[i];
	}
	free(cache->slots);
	*cache = larger;
	return 0;
}

static int page_at(struct rp_modules *modules, uint64_t address,
		   const uint8_t **ret)
{
	struct rp_page_cache *cache = modules->pages;
	struct page *page;

	if (!cache)
		cache = modules->pages = calloc(1, sizeof(*cache));
	if (!cache || make_room(cache))
		return -ENOMEM;
	page = slot_of(cache, address);
	if (!page->address) {
		uint8_t *bytes = malloc(RP_PAGE);

		if (!bytes)
			return -ENOMEM;
		if (rp_target_read(modules->target, address, bytes, RP_PAGE)) {
			free(bytes);
			return -EFAULT;
		}
		*page = (struct page){ address, bytes };
		cache->n++;
	}
	*ret = page->bytes;
	return 0;
}

int rp_modules_peek(struct rp_modules *modules, const struct rp_module *module,
		    uint64_t address, void *buffer, size_t size)
{
	uint8_t *to = buffer;

	if (!rp_module_contains(module, address, size))
		return -EFAULT;
	while (size) {
		const size_t offset = address % RP_PAGE;
		const size_t n = size < RP_PAGE - offset ? size :
							   RP_PAGE - offset;
		const uint8_t *bytes;
		int rc = page_at(modules, address - offset, &bytes);

		if (rc)
			return rc;
		memcpy(to, bytes + offset, n);
		to += n;
		address += n;
		size -= n;
	}
	return 0;
}

void rp_page_cache_free(struct rp_page_cache *cache)
{
	for (size_t i = 0; cache && i < cache->nslots; i++)
		free(cache->slots[i].bytes);
	if (cache)
		free(cache->slots);
	free(cache);
}

/* The section itself. */

/*
 * glibc adds the bias to some of the addresses in memory, musl to none, and both
 * leave the vDSO's alone. An address is in the module in one of the two ways.
 */
static uint64_t pointer(const struct rp_module *m, uint64_t value)
{
	if (rp_module_contains(m, value, 1))
		return value;
	return rp_module_contains(m, m->bias + value, 1) ? m->bias + value : 0;
}

static void take_entry(const struct rp_module *m, struct rp_dynamic *dyn,
		       const Elf64_Dyn *d)
{
	const uint64_t value = d->d_un.d_val;

	switch (d->d_tag) {
	case DT_STRTAB: dyn->strtab = pointer(m, value); break;
	case DT_STRSZ: dyn->strsz = value; break;
	case DT_SYMTAB: dyn->symtab = pointer(m, value); break;
	case DT_GNU_HASH: dyn->gnu_hash = pointer(m, value); break;
	case DT_HASH: dyn->hash = pointer(m, value); break;
	case DT_VERSYM: dyn->versym = pointer(m, value); break;
	case DT_VERDEF: dyn->verdef = pointer(m, value); break;
	case DT_VERDEFNUM: dyn->verdefnum = value; break;
	case DT_VERNEED: dyn->verneed = pointer(m, value); break;
	case DT_VERNEEDNUM: dyn->verneednum = value; break;
	case DT_RELA: dyn->rela = pointer(m, value); break;
	case DT_RELASZ: dyn->relasz = value; break;
	case DT_RELACOUNT: dyn->relacount = value; break;
	case DT_JMPREL: dyn->jmprel = pointer(m, value); break;
	case DT_PLTRELSZ: dyn->pltrelsz = value; break;
	case DT_DEBUG: dyn->debug = value; break;
	case DT_SONAME: dyn->soname = value; break;
	case DT_SYMBOLIC: dyn->symbolic = true; break;
	case DT_FLAGS: dyn->symbolic |= !!(value & DF_SYMBOLIC); break;
	default: break;
	}
}

static int take_needed(struct rp_dynamic *dyn, const Elf64_Dyn *v, size_t n)
{
	size_t room = 0;

	for (size_t i = 0; i < n && v[i].d_tag != DT_NULL; i++) {
		if (v[i].d_tag != DT_NEEDED)
			continue;
		if (rp_grow(&dyn->needed, &room, dyn->nneeded + 1,
			    sizeof(*dyn->needed)))
			return -ENOMEM;
		dyn->needed[dyn->nneeded++] = v[i].d_un.d_val;
	}
	return 0;
}

/* Sizes that are too large are cut here, so that nobody else has to look. */
static void bound(const struct rp_module *m, struct rp_dynamic *dyn)
{
	if (dyn->strsz > m->high - dyn->strtab)
		dyn->strsz = dyn->strtab ? m->high - dyn->strtab : 0;
	if (dyn->relasz > m->high - dyn->rela)
		dyn->relasz = dyn->rela ? m->high - dyn->rela : 0;
	if (dyn->pltrelsz > m->high - dyn->jmprel)
		dyn->pltrelsz = dyn->jmprel ? m->high - dyn->jmprel : 0;
	if (dyn->relacount > dyn->relasz / sizeof(Elf64_Rela))
		dyn->relacount = 0;
}

static size_t dynamic_entries(const struct rp_module *m)
{
	for (size_t i = 0; i < m->nphdrs; i++) {
		const size_t n = m->phdrs[i].p_memsz / sizeof(Elf64_Dyn);

		if (m->phdrs[i].p_type == PT_DYNAMIC &&
		    m->bias + m->phdrs[i].p_vaddr == m->dynamic)
			return n < RP_DYNAMIC_MAX ? n : RP_DYNAMIC_MAX;
	}
	return 0;
}

struct rp_dynamic *rp_dynamic_of(const struct rp_modules *modules,
				 struct rp_module *module)
{
	Elf64_Dyn *v;
	size_t n = dynamic_entries(module);

	if (module->dyn || !module->dynamic || !n)
		return module->dyn;
	v = calloc(n, sizeof(*v));
	struct rp_dynamic *dyn = calloc(1, sizeof(*dyn));
	if (v && dyn) {
		n = rp_target_read_some(modules->target, module->dynamic, v,
					n * sizeof(*v)) / sizeof(*v);
		for (size_t i = 0; i < n && v[i].d_tag != DT_NULL; i++)
			take_entry(module, dyn, &v[i]);
		bound(module, dyn);
		if (!take_needed(dyn, v, n)) {
			free(v);
			module->dyn = dyn;
			return dyn;
		}
	}
	free(v);
	rp_dynamic_free(dyn);
	return NULL;
}

void rp_dynamic_free(struct rp_dynamic *dyn)
{
	if (!dyn)
		return;
	free(dyn->needed);
	free(dyn->scope);
	free(dyn);
}

/* Entries of tables. */

int rp_dynamic_string(struct rp_modules *modules, struct rp_module *module,
		      uint64_t offset, char *buffer, size_t size)
{
	const struct rp_dynamic *dyn = rp_dynamic_of(modules, module);
	size_t n = 0;

	if (!dyn || !size || offset >= dyn->strsz)
		return -EFAULT;
	// To the end of a page at a time: most are there at once.
	while (n < size - 1 && offset + n < dyn->strsz) {
		const uint64_t at = dyn->strtab + offset + n;
		size_t some = RP_PAGE - at % RP_PAGE;
		int rc;

		if (some > size - 1 - n)
			some = size - 1 - n;
		if (some > dyn->strsz - offset - n)
			some = dyn->strsz - offset - n;
		rc = rp_modules_peek(modules, module, at, buffer + n, some);
		if (rc)
			return rc;
		if (memchr(buffer + n, 0, some))
			return 0;
		n += some;
	}
	buffer[n] = 0;
	return 0;
}

bool rp_dynamic_string_is(struct rp_modules *modules, struct rp_module *module,
			  uint64_t offset, const char *string)
{
	const struct rp_dynamic *dyn = rp_dynamic_of(modules, module);
	const size_t size = strlen(string) + 1;

	if (!dyn || offset >= dyn->strsz || size > dyn->strsz - offset)
		return false;
	for (size_t n = 0; n < size;) {
		char part[128];
		const size_t some = size - n < sizeof(part) ? size - n :
							      sizeof(part);

		if (rp_modules_peek(modules, module, dyn->strtab + offset + n,
				    part, some) ||
		    memcmp(part, string + n, some))
			return false;
		n += some;
	}
	return true;
}

int rp_dynamic_symbol(struct rp_modules *modules, struct rp_module *module,
		      uint64_t index, Elf64_Sym *ret)
{
	const struct rp_dynamic *dyn = rp_dynamic_of(modules, module);

	if (!dyn || !dyn->symtab || index > UINT32_MAX)
		return -EFAULT;
	return rp_modules_peek(modules, module,
			       dyn->symtab + index * sizeof(*ret), ret,
			       sizeof(*ret));
}

/* Both lists have at most as many entries as there are versions. */

static int defined_version(struct rp_modules *modules, struct rp_module *module,
			   unsigned int index, uint64_t *ret)
{
	const struct rp_dynamic *dyn = module->dyn;
	uint64_t at = dyn->verdef;

	for (uint64_t i = 0; at && i < dyn->verdefnum && i < 0x8000; i++) {
		Elf64_Verdef def;
		Elf64_Verdaux aux;
		int rc = rp_modules_peek(modules, module, at, &def,
					 sizeof(def));

		if (rc)
			return rc;
		if ((def.vd_ndx & 0x7fff) == index &&
		    !(def.vd_flags & VER_FLG_BASE)) {
			rc = rp_modules_peek(modules, module, at + def.vd_aux,
					     &aux, sizeof(aux));
			*ret = rc ? 0 : aux.vda_name;
			return rc;
		}
		if (!def.vd_next)
			break;
		at += def.vd_next;
	}
	return -ENOENT;
}

static int needed_version(struct rp_modules *modules, struct rp_module *module,
			  unsigned int index, uint64_t *ret)
{
	const struct rp_dynamic *dyn = module->dyn;
	uint64_t at = dyn->verneed;
	uint32_t left = 0x8000;

	for (uint64_t i = 0; at && i < dyn->verneednum && i < 0x8000 &&
	     left; i++) {
		Elf64_Verneed need;
		int rc = rp_modules_peek(modules, module, at, &need,
					 sizeof(need));
		uint64_t next = at + need.vn_aux;

		for (uint32_t k = 0; !rc && k < need.vn_cnt && left; k++) {
			Elf64_Vernaux aux;

			left--;
			rc = rp_modules_peek(modules, module, next, &aux,
					     sizeof(aux));
			if (!rc && (aux.vna_other & 0x7fff) == index) {
				*ret = aux.vna_name;
				return 0;
			}
			next += aux.vna_next;
		}
		if (rc)
			return rc;
		if (!need.vn_next)
			break;
		at += need.vn_next;
	}
	return -ENOENT;
}

int rp_dynamic_symbol_version(struct rp_modules *modules, struct rp_module *module,
		       unsigned int index, uint64_t *ret)
{
	int rc;

	if (!rp_dynamic_of(modules, module))
		return -EFAULT;
	rc = defined_version(modules, module, index, ret);
	return rc == -ENOENT ? needed_version(modules, module, index, ret) : rc;
}
