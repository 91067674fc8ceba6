/* SPDX-License-Identifier: MIT */
/*
 * The libraries that the binary needs, found in the order of ld.so(8), without
 * its environment: LD_LIBRARY_PATH and LD_PRELOAD of the process that will run
 * are not known here.
 */
#define _GNU_SOURCE
#include "binary_internal.h"

#include "../object/elf/mapped_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CACHE_FILE	"/etc/ld.so.cache"
#define CACHE_MAGIC	"glibc-ld.so.cache1.1"
#define CACHE_OLD_MAGIC	"ld.so-1.7.0"
#define CACHE_X86_64	0x0303		/* FLAG_X8664_LIB64 | FLAG_ELF_LIBC6 */
#define MAX_LIBRARIES	4096u

/** struct rp_library - one of them; the binary's own are first in the list. */
struct rp_library {
	struct rp_library *next;
	const char *name;		/* as it was asked for */
	const struct rp_library *parent;	/* who asked; NULL: the binary */
	struct rp_image image;
	struct rp_dynamic dynamic;
};

/** struct cache_header - of /etc/ld.so.cache, format 1.1. */
struct cache_header {
	char magic[20];
	uint32_t nlibs;
	uint32_t strings;
	uint8_t flags;
	uint8_t padding[3];
	uint32_t extension;
	uint32_t unused[3];
};

/** struct cache_entry - @key and @value count from the header. */
struct cache_entry {
	int32_t flags;
	uint32_t key;
	uint32_t value;
	uint32_t osversion;
	uint64_t hwcap;
};

/** struct finder - the search, while it runs. */
struct finder {
	struct rp_binary *binary;
	struct rp_library **tail;
	size_t n;
	const uint8_t *cache;
	size_t cache_map, cache_size;
	const uint8_t *cache_base;
};

static const char *const default_dirs[] = {
	"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu",
	"/lib64", "/usr/lib64", "/lib", "/usr/lib",
};

// The file may begin with an older table, which is of no use.
static void skip_old_table(struct finder *finder)
{
	const size_t magic = sizeof(CACHE_OLD_MAGIC);	// padded to 12
	uint32_t n;

	if (finder->cache_size < magic + 4 ||
	    memcmp(finder->cache_base, CACHE_OLD_MAGIC, magic - 1) != 0)
		return;
	memcpy(&n, finder->cache_base + magic, 4);
	size_t skip = (magic + 4 + (size_t)n * 12 + 7) & ~(size_t)7;
	if (skip > finder->cache_size)
		skip = finder->cache_size;
	finder->cache_base += skip;
	finder->cache_size -= skip;
}

static void open_cache(struct finder *finder)
{
	struct rp_diag ignored;
	size_t size;
	void *map;

	if (rp_file_map(CACHE_FILE, &map, &size, &ignored) || !map)
		return;
	finder->cache = finder->cache_base = map;
	finder->cache_map = finder->cache_size = size;
	skip_old_table(finder);
}

static const char *cache_string(const struct finder *finder, uint32_t offset)
{
	if (offset >= finder->cache_size ||
	    !memchr(finder->cache_base + offset, 0,
		    finder->cache_size - offset))
		return "";
	return (const char *)finder->cache_base + offset;
}

/** cache_path() - the @nth file of this name; NULL if there are no more. */
static const char *cache_path(const struct finder *finder, const char *name,
			      size_t nth)
{
	struct cache_header hdr;
	struct cache_entry entry;

	if (finder->cache_size < sizeof(hdr))
		return NULL;
	memcpy(&hdr, finder->cache_base, sizeof(hdr));
	if (memcmp(hdr.magic, CACHE_MAGIC, sizeof(hdr.magic)) != 0 ||
	    hdr.nlibs > (finder->cache_size - sizeof(hdr)) / sizeof(entry))
		return NULL;
	for (size_t i = 0; i < hdr.nlibs; i++) {
		memcpy(&entry, finder->cache_base + sizeof(hdr) +
		       i * sizeof(entry), sizeof(entry));
		// Those for special processors export the same symbols.
		if (entry.flags == CACHE_X86_64 && !entry.hwcap &&
		    !strcmp(cache_string(finder, entry.key), name) && !nth--)
			return cache_string(finder, entry.value);
	}
	return NULL;
}

static bool try_path(struct rp_library *library, const char *path)
{
	struct rp_diag ignored;

	if (access(path, R_OK) < 0 ||
	    rp_image_open(&library->image, path, &ignored))
		return false;
	if (library->image.ehdr->e_type == ET_DYN &&
	    !rp_dynamic_init(&library->dynamic, &library->image, &ignored))
		return true;
	rp_dynamic_deinit(&library->dynamic);
	rp_image_close(&library->image);
	return false;
}

/** token() - length of $NAME or ${NAME} at @s; 0 if it is another one. */
static size_t token(const char *s, const char *name)
{
	size_t n = strlen(name);

	if (s[1] == '{')
		return !strncmp(s + 2, name, n) && s[2 + n] == '}' ? n + 3 : 0;
	return !strncmp(s + 1, name, n) ? n + 1 : 0;
}

static void append(char *out, const char *text, size_t size)
{
	size_t n = strlen(out);

	snprintf(out + n, PATH_MAX - n, "%.*s", (int)size, text);
}

static void expand(char *out, const char *dir, size_t size, const char *origin,
		   const char *lib)
{
	*out = '\0';
	for (size_t i = 0; i < size;) {
		size_t n = 0;

		if (dir[i] == '$' && (n = token(dir + i, "ORIGIN")))
			append(out, origin, strlen(origin));
		else if (dir[i] == '$' && (n = token(dir + i, "LIB")))
			append(out, lib, strlen(lib));
		else if (dir[i] == '$' && (n = token(dir + i, "PLATFORM")))
			append(out, "x86_64", 6);
		else
			append(out, dir + i, n = 1);
		i += n;
	}
}

static bool try_dir(struct rp_library *library, const char *dir, size_t size,
		    const char *origin)
{
	// What $LIB stands for is up to the distribution.
	static const char *const libs[] = { "lib/x86_64-linux-gnu", "lib64" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(libs) / sizeof(*libs); i++) {
		expand(path, dir, size, origin, libs[i]);
		append(path, "/", 1);
		append(path, library->name, strlen(library->name));
		if (try_path(library, path))
			return true;
		if (!memmem(dir, size, "LIB", 3))
			break;
	}
	return false;
}

static bool try_list(struct rp_library *library, const char *list,
		     const struct rp_image *owner)
{
	char *origin = realpath(owner->path, NULL);
	bool ret = false;

	if (!origin)
		return false;
	*strrchr(origin, '/') = '\0';
	while (list && *list && !ret) {
		size_t n = strcspn(list, ":");

		ret = n && try_dir(library, list, n, origin);
		list += n + (list[n] == ':');
	}
	free(origin);
	return ret;
}

static const struct rp_dynamic *dynamic_of(const struct finder *finder,
					   const struct rp_library *library)
{
	return library ? &library->dynamic : &finder->binary->dynamic;
}

static const struct rp_image *image_of(const struct finder *finder,
				       const struct rp_library *library)
{
	return library ? &library->image : &finder->binary->image;
}

// DT_RPATH of who asks, of who asked for that, ..., of the program; an object
// with DT_RUNPATH does not take part.
static bool try_rpaths(const struct finder *finder, struct rp_library *library)
{
	const struct rp_library *by = library->parent;

	if (dynamic_of(finder, by)->runpath)
		return false;
	for (;; by = by->parent) {
		const struct rp_dynamic *dynamic = dynamic_of(finder, by);

		if (!dynamic->runpath && dynamic->rpath &&
		    try_list(library, dynamic->rpath, image_of(finder, by)))
			return true;
		if (!by)
			return false;
	}
}

static bool try_cache(const struct finder *finder, struct rp_library *library)
{
	const char *path;

	for (size_t i = 0; (path = cache_path(finder, library->name, i)); i++) {
		if (try_path(library, path))
			return true;
	}
	return false;
}

static bool find_file(const struct finder *finder, struct rp_library *library)
{
	const struct rp_library *by = library->parent;

	if (strchr(library->name, '/'))
		return try_path(library, library->name);
	if (try_rpaths(finder, library) ||
	    try_list(library, dynamic_of(finder, by)->runpath,
		     image_of(finder, by)) ||
	    try_cache(finder, library))
		return true;
	for (size_t i = 0; i < sizeof(default_dirs) / sizeof(*default_dirs);
	     i++) {
		if (try_dir(library, default_dirs[i], strlen(default_dirs[i]),
			    ""))
			return true;
	}
	return false;
}

static bool is_known(const struct finder *finder, const char *name)
{
	for (const struct rp_library *l = finder->binary->libraries; l;
	     l = l->next) {
		if (!strcmp(l->name, name) ||
		    (l->dynamic.soname && !strcmp(l->dynamic.soname, name)))
			return true;
	}
	return false;
}

static int add_library(struct finder *finder, const char *name,
		       const struct rp_library *parent)
{
	char *missing = finder->binary->missing;

	if (is_known(finder, name) || finder->n >= MAX_LIBRARIES)
		return 0;
	struct rp_library *library = calloc(1, sizeof(*library));
	if (!library)
		return -ENOMEM;
	library->name = name;
	library->parent = parent;
	if (!find_file(finder, library)) {
		if (!*missing)
			snprintf(missing, sizeof(finder->binary->missing),
				 "%s", name);
		free(library);
		return 0;
	}
	*finder->tail = library;
	finder->tail = &library->next;
	finder->n++;
	return 0;
}

static int add_needed(struct finder *finder, const struct rp_library *library)
{
	const struct rp_dynamic *dynamic = dynamic_of(finder, library);
	int rc = 0;

	for (size_t i = 0; i < dynamic->nneeded && !rc; i++)
		rc = add_library(finder, dynamic->needed[i], library);
	return rc;
}

/** read_libraries() - breadth first, as symbols are looked up. */
static int read_libraries(struct rp_binary *binary)
{
	struct finder finder = {
		.binary = binary,
		.tail = &binary->libraries,
	};

	if (binary->libraries_read)
		return 0;
	binary->libraries_read = true;
	open_cache(&finder);
	int rc = add_needed(&finder, NULL);
	for (const struct rp_library *l = binary->libraries; l && !rc;
	     l = l->next)
		rc = add_needed(&finder, l);
	if (finder.cache)
		munmap((void *)finder.cache, finder.cache_map);
	return rc;
}

void rp_binary_free_libraries(struct rp_binary *binary)
{
	struct rp_library *next;

	for (struct rp_library *l = binary->libraries; l; l = next) {
		next = l->next;
		rp_dynamic_deinit(&l->dynamic);
		rp_image_close(&l->image);
		free(l);
	}
	binary->libraries = NULL;
}

// A version that is not the default one serves programs linked long ago.
static bool is_default(const struct rp_dynamic *dynamic, size_t i)
{
	return !dynamic->versym ||
	       (dynamic->versym[i] & RP_VERSION_HIDDEN) == 0;
}

static bool find_in(const struct rp_library *library, const char *name,
		    struct rp_library_symbol *ret)
{
	const struct rp_dynamic *dynamic = &library->dynamic;

	for (size_t i = 1; i < dynamic->nsymbols; i++) {
		const Elf64_Sym *sym = &dynamic->symbols[i];

		if (!rp_dynamic_is_defined(sym) || !is_default(dynamic, i) ||
		    strcmp(dynamic->names[i], name) != 0)
			continue;
		snprintf(ret->library, sizeof(ret->library), "%s",
			 dynamic->soname ? dynamic->soname : library->name);
		snprintf(ret->version, sizeof(ret->version), "%s",
			 rp_dynamic_version(dynamic, i));
		ret->type = ELF64_ST_TYPE(sym->st_info);
		ret->size = sym->st_size;
		return true;
	}
	return false;
}

int rp_binary_find_library_symbol(struct rp_binary *binary, const char *name,
				  struct rp_library_symbol *ret, char *missing)
{
	bool complete = !read_libraries(binary) && !*binary->missing;

	for (const struct rp_library *l = binary->libraries; l; l = l->next) {
		if (find_in(l, name, ret))
			return 1;
	}
	if (complete)
		return 0;
	if (missing)
		memcpy(missing, binary->missing, sizeof(binary->missing));
	return -1;
}
