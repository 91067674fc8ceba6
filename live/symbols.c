/* SPDX-License-Identifier: MIT */
/*
 * Looking symbols up by name and version, in the hash tables in memory.
 *
 * What a name and version find in one object with version V of an entry (glibc's
 * rules; musl takes whatever is not hidden):
 *
 *   asked for     entry's version      found
 *   any           none (0, 1)          yes; if a name was asked for: not hidden
 *   "X"           "X"                  yes
 *   "X"           "Y"                  no
 *   "X"           object has none      yes
 *   "" (dlsym)    a name               the one that is not hidden, if no entry
 *                                      without a version is there
 *   NULL (reloc)  the first name (2)   yes, hidden or not
 *   NULL (reloc)  another name         as dlsym
 */
#define _GNU_SOURCE
#include "modules_internal.h"

#include <errno.h>
#include <string.h>

#define VERSION_HIDDEN	0x8000u
/* Index of the first version that has a name. */
#define VERSION_FIRST	2u

/**
 * struct query - what is looked for.
 * @defined:  entries of undefined symbols that have a value do not count
 * @unique:   only STB_GNU_UNIQUE
 */
struct query {
	const char *name;
	const char *version;
	uint32_t gnu_hash, hash;
	bool defined, unique;
};

/**
 * struct found - what an object has.
 * @sym:     its entry, if @have
 * @newest:  one with a version, if none was asked for; @nnewest of them
 */
struct found {
	Elf64_Sym sym, newest;
	bool have;
	unsigned int nnewest;
};

static struct query make_query(const char *name, const char *version)
{
	struct query q = { .name = name, .version = version, .gnu_hash = 5381 };

	for (const unsigned char *c = (const unsigned char *)name; *c; c++) {
		q.gnu_hash = q.gnu_hash * 33 + *c;
		q.hash = (q.hash << 4) + *c;
		q.hash ^= q.hash >> 24 & 0xf0;
		q.hash &= 0x0fffffff;
	}
	return q;
}

static bool is_usable(const struct query *q, const Elf64_Sym *sym)
{
	const unsigned int type = ELF64_ST_TYPE(sym->st_info);
	const unsigned int bind = ELF64_ST_BIND(sym->st_info);
	const unsigned int visibility = ELF64_ST_VISIBILITY(sym->st_other);

	if (!sym->st_value && sym->st_shndx != SHN_ABS && type != STT_TLS)
		return false;
	if (sym->st_shndx == SHN_UNDEF && (q->defined || type == STT_TLS))
		return false;
	if (type > STT_FUNC && type != STT_COMMON && type != STT_TLS &&
	    type != STT_GNU_IFUNC)
		return false;
	if (visibility == STV_HIDDEN || visibility == STV_INTERNAL)
		return false;
	if (q->unique)
		return bind == STB_GNU_UNIQUE;
	return bind == STB_GLOBAL || bind == STB_WEAK || bind == STB_GNU_UNIQUE;
}

static bool version_is(struct rp_modules *modules, struct rp_module *m,
		       unsigned int index, const char *version)
{
	uint64_t name;

	// Without a name: it fits all.
	if (rp_dynamic_symbol_version(modules, m, index & ~VERSION_HIDDEN, &name))
		return !(index & VERSION_HIDDEN);
	return rp_dynamic_string_is(modules, m, name, version);
}

/** fits() - Return: is it the one? One that is only the default goes to
 *  @found->newest. */
static int fits(struct rp_modules *modules, struct rp_module *m,
		const struct query *q, uint64_t index, const Elf64_Sym *sym,
		struct found *found)
{
	const struct rp_dynamic *dyn = m->dyn;
	uint16_t version;
	int rc;

	if (!dyn->versym)
		return true;
	rc = rp_modules_peek(modules, m, dyn->versym + index * sizeof(version),
			     &version, sizeof(version));
	if (rc)
		return rc;
	if (modules->libc == RP_LIBC_MUSL)
		return !(version & VERSION_HIDDEN);
	if (q->version && *q->version)
		return version_is(modules, m, version, q->version);
	if ((version & ~VERSION_HIDDEN) < VERSION_FIRST + !q->version)
		return true;
	if (!(version & VERSION_HIDDEN) && !found->nnewest++)
		found->newest = *sym;
	return false;
}

/** try_symbol() - Return: 1: the search in this object is over; 0; an error. */
static int try_symbol(struct rp_modules *modules, struct rp_module *m,
		      const struct query *q, uint64_t index,
		      struct found *found)
{
	Elf64_Sym sym;
	int rc = rp_dynamic_symbol(modules, m, index, &sym);

	if (rc)
		return rc;
	if (!is_usable(q, &sym) ||
	    !rp_dynamic_string_is(modules, m, sym.st_name, q->name))
		return 0;
	rc = fits(modules, m, q, index, &sym, found);
	if (rc > 0) {
		found->sym = sym;
		found->have = true;
	}
	return rc;
}

/** struct gnu - DT_GNU_HASH. */
struct gnu {
	uint32_t nbuckets, first, nwords, shift;
};

static int gnu_chain(struct rp_modules *modules, struct rp_module *m,
		     const struct query *q, uint64_t chains,
		     const uint32_t span[2], struct found *found)
{
	uint32_t index = span[1], hash;

	for (unsigned int i = 0; i < RP_CHAIN_MAX; i++, index++) {
		int rc = rp_modules_peek(modules, m, chains + 4 *
					 (uint64_t)(index - span[0]), &hash,
					 sizeof(hash));

		if (!rc && (hash | 1) == (q->gnu_hash | 1))
			rc = try_symbol(modules, m, q, index, found);
		if (rc)
			return rc < 0 ? rc : 0;
		if (hash & 1)
			return 0;
	}
	return -EFAULT;
}

static int search_gnu(struct rp_modules *modules, struct rp_module *m,
		      const struct query *q, struct found *found)
{
	const uint64_t words = m->dyn->gnu_hash + sizeof(struct gnu);
	const uint32_t h = q->gnu_hash;
	struct gnu gnu;
	uint64_t word, buckets;
	uint32_t bucket;
	int rc = rp_modules_peek(modules, m, m->dyn->gnu_hash, &gnu,
				 sizeof(gnu));

	if (rc)
		return rc;
	if (!gnu.nbuckets || !gnu.nwords || gnu.nwords & (gnu.nwords - 1))
		return -EFAULT;
	rc = rp_modules_peek(modules, m, words + 8 *
			     (uint64_t)(h / 64 & (gnu.nwords - 1)), &word,
			     sizeof(word));
	if (rc || !(word >> h % 64 & 1) ||
	    !(word >> (h >> (gnu.shift & 31)) % 64 & 1))
		return rc;
	buckets = words + 8 * (uint64_t)gnu.nwords;
	rc = rp_modules_peek(modules, m, buckets + 4 *
			     (uint64_t)(h % gnu.nbuckets), &bucket,
			     sizeof(bucket));
	if (rc || bucket < gnu.first || !bucket)
		return rc;
	return gnu_chain(modules, m, q, buckets + 4 * (uint64_t)gnu.nbuckets,
			 (uint32_t[]){ gnu.first, bucket }, found);
}

static int search_hash(struct rp_modules *modules, struct rp_module *m,
		       const struct query *q, struct found *found)
{
	const uint64_t table = m->dyn->hash;
	uint32_t size[2], index;	// buckets, chains
	int rc = rp_modules_peek(modules, m, table, size, sizeof(size));

	if (rc || !size[0])
		return rc ? rc : -EFAULT;
	rc = rp_modules_peek(modules, m, table + 8 + 4 *
			     (uint64_t)(q->hash % size[0]), &index,
			     sizeof(index));
	for (unsigned int i = 0; !rc && index && i < RP_CHAIN_MAX; i++) {
		if (index >= size[1])
			return -EFAULT;
		rc = try_symbol(modules, m, q, index, found);
		if (!rc)
			rc = rp_modules_peek(modules, m, table + 8 + 4 *
					     ((uint64_t)size[0] + index),
					     &index, sizeof(index));
	}
	return rc < 0 ? rc : 0;
}

static struct rp_live_symbol live_symbol(const struct rp_modules *modules,
					 const struct rp_module *m,
					 const Elf64_Sym *sym)
{
	const uint8_t type = ELF64_ST_TYPE(sym->st_info);
	const bool absolute = sym->st_shndx == SHN_ABS &&
			      modules->libc != RP_LIBC_MUSL;

	return (struct rp_live_symbol){
		.module = m,
		.address = sym->st_value +
			   (type == STT_TLS || absolute ? 0 : m->bias),
		.size = sym->st_size,
		.type = type,
	};
}

/** search() - Return: 0; -ENOENT; -ENOMEM. Tables that are not sound have no
 *  symbols. */
static int search(struct rp_modules *modules, struct rp_module *m,
		  const struct query *q, Elf64_Sym *ret)
{
	const struct rp_dynamic *dyn = rp_dynamic_of(modules, m);
	struct found found = { .have = false };
	int rc = 0;

	if (!dyn)
		return m->dynamic ? -ENOMEM : -ENOENT;
	if (!dyn->symtab)
		return -ENOENT;
	if (dyn->gnu_hash)
		rc = search_gnu(modules, m, q, &found);
	else if (dyn->hash)
		rc = search_hash(modules, m, q, &found);
	if (rc == -ENOMEM)
		return rc;
	if (found.have)
		*ret = found.sym;
	else if (found.nnewest == 1)
		*ret = found.newest;
	return found.have || found.nnewest == 1 ? 0 : -ENOENT;
}

int rp_module_export(struct rp_modules *modules, struct rp_module *module,
		     const char *name, const char *version,
		     struct rp_live_symbol *ret)
{
	struct query q = make_query(name, version);
	Elf64_Sym sym;
	int rc;

	q.defined = true;
	rc = search(modules, module, &q, &sym);
	if (!rc)
		*ret = live_symbol(modules, module, &sym);
	return rc;
}

/*
 * There is one of these in a process, whatever the scopes say: that of the object
 * that was loaded first.
 */
static int search_unique(struct rp_modules *modules, struct query *q,
			 struct rp_live_symbol *ret)
{
	q->unique = q->defined = true;
	for (size_t i = 0; i < modules->n; i++) {
		struct rp_module *m = &modules->v[i];
		Elf64_Sym sym;
		int rc;

		if (m->vdso || m->space != ret->module->space)
			continue;
		rc = search(modules, m, q, &sym);
		if (!rc)
			*ret = live_symbol(modules, m, &sym);
		if (rc != -ENOENT)
			return rc;
	}
	return 0;
}

static struct rp_module *global_scope(const struct rp_modules *modules)
{
	for (size_t i = 0; i < modules->n; i++) {
		if (modules->v[i].program)
			return &modules->v[i];
	}
	return NULL;
}

int rp_modules_lookup(struct rp_modules *modules, struct rp_module *from,
		      const char *name, const char *version,
		      struct rp_live_symbol *ret)
{
	struct query q = make_query(name, version);
	struct rp_module *const *scope;
	size_t n;
	int rc;

	if (!from)
		from = global_scope(modules);
	if (!from)
		return -ENOENT;
	rc = rp_scope_of(modules, from, &scope, &n);
	for (size_t i = 0; !rc && i < n; i++) {
		Elf64_Sym sym;

		rc = search(modules, scope[i], &q, &sym);
		if (!rc) {
			*ret = live_symbol(modules, scope[i], &sym);
			if (ELF64_ST_BIND(sym.st_info) == STB_GNU_UNIQUE &&
			    modules->libc != RP_LIBC_MUSL)
				return search_unique(modules, &q, ret);
			return 0;
		}
		if (rc == -ENOENT)
			rc = 0;
	}
	return rc ? rc : -ENOENT;
}

/* Entries 0 and 1, and the base version, are none. */
static int reference_version(struct rp_modules *modules, struct rp_module *from,
			     uint64_t index, char *buffer, size_t size,
			     const char **ret)
{
	uint16_t version;
	uint64_t name;
	int rc;

	*ret = NULL;
	if (!from->dyn->versym)
		return 0;
	rc = rp_modules_peek(modules, from, from->dyn->versym +
			     index * sizeof(version), &version,
			     sizeof(version));
	if (rc)
		return rc;
	rc = rp_dynamic_symbol_version(modules, from, version & ~VERSION_HIDDEN,
				&name);
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	*ret = buffer;
	return rp_dynamic_string(modules, from, name, buffer, size);
}

int rp_symbol_of_reference(struct rp_modules *modules, struct rp_module *from,
			   uint64_t index, const char *name,
			   struct rp_live_symbol *ret)
{
	char buffer[256];
	const char *version;
	Elf64_Sym sym;
	int rc = rp_dynamic_symbol(modules, from, index, &sym);

	if (rc)
		return rc;
	if (ELF64_ST_BIND(sym.st_info) == STB_LOCAL ||
	    ELF64_ST_VISIBILITY(sym.st_other) == STV_HIDDEN ||
	    ELF64_ST_VISIBILITY(sym.st_other) == STV_INTERNAL ||
	    (ELF64_ST_VISIBILITY(sym.st_other) == STV_PROTECTED &&
	     sym.st_shndx != SHN_UNDEF)) {
		*ret = live_symbol(modules, from, &sym);
		return 0;
	}
	rc = reference_version(modules, from, index, buffer, sizeof(buffer),
			       &version);
	return rc ? rc : rp_modules_lookup(modules, from, name, version, ret);
}
