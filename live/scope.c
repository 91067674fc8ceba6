/* SPDX-License-Identifier: MIT */
/*
 * Where the references of a module are looked up.
 *
 * glibc keeps the list of scopes of each object in its struct link_map, at places
 * that differ from version to version, but which what they hold betrays:
 *
 *   l_searchlist  of the program: a pointer and a count: that many pointers to
 *                 objects, the first of them to the program itself
 *   l_scope       a pointer to a terminated list of pointers to l_searchlists
 *
 * musl links the objects of the global scope to each other (syms_next, behind the
 * address of .dynstr).
 *
 * What is not found there is made from DT_NEEDED:
 *
 *   the global scope: what the program needs, and what was preloaded, in the
 *   order of the list
 *   of an object that was opened later: those that were opened and need it,
 *   directly or not, in the order in which they were loaded; of each all that it
 *   needs, breadth first
 */
#define _GNU_SOURCE
#include "modules_internal.h"

#include "../object/path.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE	512u
/* Words of a list of scopes. */
#define SCOPES_MAX	512u

/** struct list - modules, each once; room for all of them. */
struct list {
	struct rp_module **v;
	size_t n;
};

static int list_init(struct list *list, const struct rp_modules *modules)
{
	list->v = calloc(modules->n + 1, sizeof(*list->v));
	list->n = 0;
	return list->v ? 0 : -ENOMEM;
}

static bool list_has(const struct list *list, const struct rp_module *m)
{
	for (size_t i = 0; i < list->n; i++) {
		if (list->v[i] == m)
			return true;
	}
	return false;
}

static void list_add(struct list *list, struct rp_module *m)
{
	if (m && !m->vdso && !list_has(list, m))
		list->v[list->n++] = m;
}

static struct rp_module *program_of(const struct rp_modules *modules)
{
	for (size_t i = 0; i < modules->n; i++) {
		if (modules->v[i].program)
			return &modules->v[i];
	}
	return NULL;
}

/* By DT_NEEDED. */

/* Names that musl takes for itself, whatever file is there. */
static bool is_musls_own(const char *name)
{
	static const char *const parts[] = {
		"c.", "pthread.", "rt.", "m.", "dl.", "util.", "xnet.",
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (!strncmp(name, "lib", 3) &&
		    !strncmp(name + 3, parts[i], strlen(parts[i])))
			return true;
	}
	return false;
}

static bool has_loader_name(const struct rp_modules *modules,
			    const struct rp_module *m, const char *name)
{
	char text[NAME_SIZE];
	uint64_t at;

	if (!m->link_map ||
	    rp_target_read(modules->target, m->link_map + 8, &at, 8) ||
	    rp_target_read_string(modules->target, at, text, sizeof(text)))
		return false;
	return !strcmp(text, name) || !strcmp(rp_base_name(text), name);
}

static bool is_named(struct rp_modules *modules, struct rp_module *m,
		     const char *name)
{
	const struct rp_dynamic *dyn = rp_dynamic_of(modules, m);

	return (dyn && dyn->soname &&
		rp_dynamic_string_is(modules, m, dyn->soname, name)) ||
	       !strcmp(rp_base_name(m->path), name);
}

static struct rp_module *find_needed(struct rp_modules *modules,
				     const struct rp_module *from,
				     const char *name)
{
	if (modules->libc == RP_LIBC_MUSL && is_musls_own(name))
		return modules->libc_module;
	for (size_t i = 0; i < modules->n; i++) {
		struct rp_module *m = &modules->v[i];

		if (!m->vdso && m->space == from->space &&
		    is_named(modules, m, name))
			return m;
	}
	// Rare: a library without DT_SONAME, under another name by a link.
	for (size_t i = 0; i < modules->n; i++) {
		struct rp_module *m = &modules->v[i];

		if (!m->vdso && m->space == from->space &&
		    has_loader_name(modules, m, name))
			return m;
	}
	return NULL;
}

static struct rp_module *needed_by(struct rp_modules *modules,
				   struct rp_module *from, size_t i)
{
	const struct rp_dynamic *dyn = rp_dynamic_of(modules, from);
	char name[NAME_SIZE];

	if (!dyn || i >= dyn->nneeded ||
	    rp_dynamic_string(modules, from, dyn->needed[i], name,
			      sizeof(name)))
		return NULL;
	return find_needed(modules, from, name);
}

static size_t nneeded(struct rp_modules *modules, struct rp_module *m)
{
	const struct rp_dynamic *dyn = rp_dynamic_of(modules, m);

	return dyn ? dyn->nneeded : 0;
}

/* It and what it needs, breadth first. */
static int add_needed(struct rp_modules *modules, struct rp_module *from,
		      struct list *list)
{
	struct list all;

	if (list_init(&all, modules))
		return -ENOMEM;
	list_add(&all, from);
	for (size_t at = 0; at < all.n; at++) {
		for (size_t i = 0; i < nneeded(modules, all.v[at]); i++)
			list_add(&all, needed_by(modules, all.v[at], i));
	}
	for (size_t i = 0; i < all.n; i++)
		list_add(list, all.v[i]);
	free(all.v);
	return 0;
}

static bool is_needed_by(struct rp_modules *modules, struct rp_module *program,
			 const struct rp_module *m)
{
	for (size_t i = 0; i < nneeded(modules, program); i++) {
		if (needed_by(modules, program, i) == m)
			return true;
	}
	return false;
}

/* Between the program and the first one that it needs stands what LD_PRELOAD
 * names. */
static int startup_by_needed(struct rp_modules *modules)
{
	struct rp_module *program = program_of(modules);
	struct list list;
	int rc;

	if (!program)
		return 0;
	if (list_init(&list, modules))
		return -ENOMEM;
	rc = add_needed(modules, program, &list);
	for (size_t i = 1; !rc && list.n > 1 && i < modules->n; i++) {
		struct rp_module *m = &modules->v[i];

		if (m->order == UINT32_MAX || m->space ||
		    is_needed_by(modules, program, m))
			break;
		rc = add_needed(modules, m, &list);
	}
	for (size_t i = 0; !rc && i < list.n; i++)
		list.v[i]->startup = true;
	free(list.v);
	return rc;
}

/* musl puts the vDSO behind all that it loads at the start. */
static bool startup_by_vdso(struct rp_modules *modules)
{
	size_t n = 0;

	while (n < modules->n && modules->v[n].order != UINT32_MAX &&
	       !modules->v[n].vdso)
		n++;
	if (n == modules->n || !modules->v[n].vdso || !modules->v[n].link_map)
		return false;
	while (n-- > 0)
		modules->v[n].startup = true;
	return true;
}

int rp_scope_startup(struct rp_modules *modules)
{
	int rc = 0;

	if (modules->has_startup)
		return 0;
	if (modules->libc != RP_LIBC_MUSL || !startup_by_vdso(modules))
		rc = startup_by_needed(modules);
	modules->has_startup = !rc;
	return rc;
}

/** reaches() - does it need @m, directly or not? Return: 1; 0; -ENOMEM. */
static int reaches(struct rp_modules *modules, struct rp_module *root,
		   const struct rp_module *m)
{
	struct list list;
	int rc;

	if (list_init(&list, modules))
		return -ENOMEM;
	rc = add_needed(modules, root, &list);
	if (!rc)
		rc = list_has(&list, m);
	free(list.v);
	return rc;
}

/* What comes behind the global scope. */
static int add_own(struct rp_modules *modules, struct rp_module *from,
		   struct list *list)
{
	int rc = rp_scope_startup(modules);

	if (rc || from->startup)
		return rc;
	for (size_t i = 0; i < modules->n; i++) {
		struct rp_module *m = &modules->v[i];

		if (m->startup || m->vdso || m->order == UINT32_MAX ||
		    m->space != from->space)
			continue;
		rc = reaches(modules, m, from);
		if (rc > 0)
			rc = add_needed(modules, m, list);
		if (rc)
			return rc;
	}
	list_add(list, from);
	return 0;
}

static int add_global(struct rp_modules *modules, const struct rp_module *from,
		      struct list *list)
{
	int rc = rp_scope_startup(modules);

	for (size_t i = 0; !rc && !from->space && i < modules->n; i++) {
		if (modules->v[i].startup)
			list_add(list, &modules->v[i]);
	}
	return rc;
}

static int scope_by_needed(struct rp_modules *modules, struct rp_module *from,
			   struct list *list)
{
	const struct rp_dynamic *dyn = rp_dynamic_of(modules, from);
	int rc;

	if (dyn && dyn->symbolic)
		list_add(list, from);
	rc = add_global(modules, from, list);
	return rc ? rc : add_own(modules, from, list);
}

/* As glibc has it. */

static size_t read_words(const struct rp_modules *modules, uint64_t at,
			 uint64_t *words, size_t n)
{
	if (at % 8)
		return 0;
	return rp_target_read_some(modules->target, at, words, n * 8) / 8;
}

/** add_searchlist() - its objects, if all of them are known. */
static int add_searchlist(const struct rp_modules *modules, uint64_t at,
			  uint64_t n, struct list *list)
{
	uint64_t *words;
	int rc = -ENOENT;

	if (!at || !n || n > modules->n)
		return -ENOENT;
	words = calloc(n, sizeof(*words));
	if (!words)
		return -ENOMEM;
	if (read_words(modules, at, words, n) == n) {
		rc = 0;
		for (size_t i = 0; !rc && i < n; i++) {
			struct rp_module *m =
				rp_modules_by_link_map(modules, words[i]);

			if (m)
				list_add(list, m);
			else
				rc = -ENOENT;
		}
	}
	free(words);
	return rc;
}

static bool is_searchlist(const struct rp_modules *modules,
			  const struct rp_module *program, const uint64_t w[2])
{
	struct list list;
	bool ret;

	if (list_init(&list, modules))
		return false;
	ret = !add_searchlist(modules, w[0], w[1], &list) && list.n == w[1] &&
	      list.v[0] == program;
	free(list.v);
	return ret;
}

static void find_searchlist(struct rp_modules *modules)
{
	const struct rp_module *program = program_of(modules);
	uint64_t w[RP_LINK_MAP_SIZE / 8];
	size_t n;

	if (modules->has_searchlist)
		return;
	modules->has_searchlist = true;
	if (modules->libc == RP_LIBC_MUSL || !program || !program->link_map)
		return;
	n = read_words(modules, program->link_map, w, RP_LINK_MAP_SIZE / 8);
	for (size_t i = 5; i + 2 <= n; i++) {
		if (w[i + 1] && w[i + 1] <= modules->n &&
		    is_searchlist(modules, program, w + i)) {
			modules->searchlist = i * 8;
			return;
		}
	}
}

/* The list for DT_SYMBOLIC follows the usual one. */
static bool is_scope(const struct rp_modules *modules, uint64_t at)
{
	for (size_t i = 0; i < modules->n; i++) {
		const struct rp_module *m = &modules->v[i];
		const uint64_t list = m->link_map + modules->searchlist;

		if (m->link_map && (at == list || at == list + 16))
			return true;
	}
	return false;
}

/** read_scopes() - Return: how many there are; 0: @at is no list of scopes. */
static size_t read_scopes(const struct rp_modules *modules, uint64_t at,
			  uint64_t *words)
{
	size_t n = 0, have;

	// Most words are something else.
	if (at < RP_PAGE || !read_words(modules, at, words, 1) ||
	    !is_scope(modules, words[0]))
		return 0;
	have = read_words(modules, at, words, SCOPES_MAX);
	while (n < have && is_scope(modules, words[n]))
		n++;
	return n < have && !words[n] ? n : 0;
}

static int add_scopes(const struct rp_modules *modules, const uint64_t *words,
		      size_t n, struct list *list)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t pair[2];
		int rc;

		if (read_words(modules, words[i], pair, 2) != 2)
			return -ENOENT;
		// Of an object that was loaded for another one it is empty.
		pair[1] = (uint32_t)pair[1];
		rc = pair[1] ? add_searchlist(modules, pair[0], pair[1], list) :
			       0;
		if (rc)
			return rc;
	}
	return list->n ? 0 : -ENOENT;
}

static int scope_of_glibc(struct rp_modules *modules, struct rp_module *from,
			  struct list *list)
{
	uint64_t w[RP_LINK_MAP_SIZE / 8], scopes[SCOPES_MAX];
	size_t n;

	find_searchlist(modules);
	if (!modules->searchlist || !from->link_map)
		return -ENOENT;
	n = read_words(modules, from->link_map, w, RP_LINK_MAP_SIZE / 8);
	for (size_t i = 5; i < n; i++) {
		const size_t nscopes = read_scopes(modules, w[i], scopes);

		if (nscopes)
			return add_scopes(modules, scopes, nscopes, list);
	}
	return -ENOENT;
}

/* As musl has it. */

static int scope_of_musl(struct rp_modules *modules, struct rp_module *from,
			 struct list *list)
{
	struct rp_module *program = program_of(modules);
	const struct rp_dynamic *dyn =
		program ? rp_dynamic_of(modules, program) : NULL;
	uint64_t w[RP_LINK_MAP_SIZE / 8], at;
	size_t n, i = 5;

	if (!dyn || !dyn->strtab || !program->link_map)
		return -ENOENT;
	n = read_words(modules, program->link_map, w, RP_LINK_MAP_SIZE / 8);
	while (i + 1 < n && w[i] != dyn->strtab)
		i++;
	if (i + 1 >= n)
		return -ENOENT;
	at = program->link_map;
	for (size_t k = 0; at && k <= modules->n; k++) {
		struct rp_module *m = rp_modules_by_link_map(modules, at);

		if (!m || !read_words(modules, at + 8 * (i + 1), &at, 1))
			return -ENOENT;
		list_add(list, m);
	}
	return list_has(list, from) ? 0 : add_own(modules, from, list);
}

int rp_scope_of(struct rp_modules *modules, struct rp_module *from,
		struct rp_module *const **ret, size_t *n)
{
	struct rp_dynamic *dyn = rp_dynamic_of(modules, from);
	struct list list;
	int rc;

	*ret = NULL;
	*n = 0;
	if (!dyn)
		return from->dynamic ? -ENOMEM : 0;
	if (!dyn->has_scope) {
		if (list_init(&list, modules))
			return -ENOMEM;
		rc = modules->libc == RP_LIBC_MUSL ?
		     scope_of_musl(modules, from, &list) :
		     scope_of_glibc(modules, from, &list);
		if (rc == -ENOENT) {
			list.n = 0;
			rc = scope_by_needed(modules, from, &list);
		}
		if (rc) {
			free(list.v);
			return rc;
		}
		dyn->scope = list.v;
		dyn->nscope = list.n;
		dyn->has_scope = true;
	}
	*ret = dyn->scope;
	*n = dyn->nscope;
	return 0;
}
