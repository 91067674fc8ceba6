// SPDX-License-Identifier: MIT
/* Spaces: the modules of a target, sorted; and those of this process. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <unistd.h>

#include "log.h"
#include "unwind_table.h"

#define BUILD_ID_MAX	64

/* rp_unwind_module.owned: of this call, which may still fail; for good. */
enum { OWNED_NEW = 2, OWNED = 1 };

/* struct loaded - an object of this process. */
struct loaded {
	const char *name;
	uint64_t bias;
	uint64_t start;		/* of its code; one past it */
	uint64_t end;
	const void *build_id;
	size_t build_id_size;
};

/*
 * struct filling - one call of rp_unwind_space_add_self().
 * @path: the table file that was looked at last
 */
struct filling {
	struct rp_unwind_space *space;
	const char *directory;
	size_t missing;
	int added;
	int failed;
	char path[PATH_MAX];
};

/* Where a module with this start belongs. */
static size_t find_place(const struct rp_unwind_space *space, uint64_t start)
{
	size_t i = space->nr;

	while (i && space->modules[i - 1].start > start)
		i--;
	return i;
}

static bool is_free(const struct rp_unwind_space *space, uint64_t start,
		    uint64_t end)
{
	size_t i = find_place(space, start);

	return (!i || space->modules[i - 1].end <= start) &&
	       (i == space->nr || space->modules[i].start >= end);
}

int rp_unwind_space_add(struct rp_unwind_space *space,
			const struct rp_unwind_module *module)
{
	size_t i;

	if (!space || space->sz < sizeof(*space) || !module || !module->table ||
	    module->start >= module->end)
		return -EINVAL;
	if (!is_free(space, module->start, module->end))
		return -EEXIST;
	if (space->nr >= space->room)
		return -ENOSPC;
	i = find_place(space, module->start);
	memmove(&space->modules[i + 1], &space->modules[i],
		(space->nr - i) * sizeof(*space->modules));
	space->modules[i] = *module;
	space->nr++;
	return 0;
}

/* One path for both: FILE.orc of the program itself is beside its file. */
static bool is_named(const struct loaded *loaded, char *path, size_t size)
{
	ssize_t len;

	if (*loaded->name)
		return snprintf(path, size, "%s.orc", loaded->name) < (int)size;
	len = readlink("/proc/self/exe", path, size - sizeof(".orc"));
	if (len < 0 || (size_t)len >= size - sizeof(".orc"))
		return false;
	memcpy(path + len, ".orc", sizeof(".orc"));
	return true;
}

static bool is_listed(const struct loaded *loaded, const char *directory,
		      char *path, size_t size)
{
	const uint8_t *id = loaded->build_id;
	int len = directory ? snprintf(path, size, "%s/", directory) : -1;

	if (len < 0 || (size_t)len + 2 * loaded->build_id_size + 5 > size)
		return false;
	for (size_t i = 0; i < loaded->build_id_size; i++)
		len += snprintf(path + len, 3, "%02x", id[i]);
	memcpy(path + len, ".orc", sizeof(".orc"));
	return true;
}

/* 1: @ret is it; 0: there is none, or that of another build. */
static int open_matching(const char *path, const struct loaded *loaded,
			 struct rp_unwind_table **ret)
{
	struct rp_unwind_table *table;
	const void *id;
	size_t size;
	int rc = rp_unwind_table_open(path, &table);

	if (rc == -EINVAL || rc == -EPROTONOSUPPORT || rc == -ENOMEM ||
	    rc == -ENOTSUP)
		return rc;
	if (rc < 0)
		return 0;
	id = rp_unwind_table_build_id(table, &size);
	if (id && size == loaded->build_id_size &&
	    !memcmp(id, loaded->build_id, size)) {
		*ret = table;
		return 1;
	}
	rp_unwind_table_close(table);
	return 0;
}

static int find_table(const struct loaded *loaded, struct filling *filling,
		      struct rp_unwind_table **ret)
{
	char *path = filling->path;
	int rc = 0;

	if (!loaded->build_id_size || loaded->build_id_size > BUILD_ID_MAX)
		return 0;
	if (is_listed(loaded, filling->directory, path, sizeof(filling->path)))
		rc = open_matching(path, loaded, ret);
	if (!rc && is_named(loaded, path, sizeof(filling->path)))
		rc = open_matching(path, loaded, ret);
	return rc;
}

static void describe(const struct dl_phdr_info *info, struct loaded *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->name = info->dlpi_name ? info->dlpi_name : "";
	ret->bias = info->dlpi_addr;
	ret->start = UINT64_MAX;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		uint64_t start = info->dlpi_addr + p->p_vaddr;

		if (p->p_type == PT_LOAD && p->p_flags & PF_X) {
			if (start < ret->start)
				ret->start = start;
			if (start + p->p_memsz > ret->end)
				ret->end = start + p->p_memsz;
		} else if (p->p_type == PT_NOTE && !ret->build_id_size) {
			ret->build_id_size =
				rp__unwind_note((const void *)(uintptr_t)start,
						p->p_memsz, p->p_align,
						&ret->build_id);
		}
	}
}

static int add_loaded(struct dl_phdr_info *info, size_t size, void *data)
{
	struct filling *filling = data;
	struct rp_unwind_module module = { .owned = OWNED_NEW };
	struct rp_unwind_table *table;
	struct loaded loaded;
	int rc;

	(void)size;
	describe(info, &loaded);
	if (loaded.start >= loaded.end ||
	    !is_free(filling->space, loaded.start, loaded.end))
		return 0;
	rc = find_table(&loaded, filling, &table);
	if (rc == 1) {
		module.table = table;
		module.start = loaded.start;
		module.end = loaded.end;
		module.bias = loaded.bias;
		rc = rp_unwind_space_add(filling->space, &module);
		if (rc < 0)
			rp_unwind_table_close(table);
		else
			filling->added++;
	} else if (!rc) {
		filling->missing++;
	}
	if (rc < 0)
		filling->failed = rc;
	return rc < 0;
}

/* The tables are ours alone yet: nobody else has seen them as const. */
static void close_module(const struct rp_unwind_module *module)
{
	if (module->owned)
		rp_unwind_table_close((struct rp_unwind_table *)
				      (uintptr_t)module->table);
}

/* New modules stay or go. */
static void settle(struct rp_unwind_space *space, bool stay)
{
	size_t kept = 0;

	for (size_t i = 0; i < space->nr; i++) {
		struct rp_unwind_module *module = &space->modules[i];

		if (module->owned == OWNED_NEW && !stay) {
			close_module(module);
			continue;
		}
		if (module->owned == OWNED_NEW)
			module->owned = OWNED;
		space->modules[kept++] = *module;
	}
	space->nr = kept;
}

static void say_why(const struct filling *filling)
{
	const char *why = "cannot be opened";

	if (filling->failed == -ENOSPC)
		return;
	if (filling->failed == -EINVAL)
		why = "no table, or a damaged one";
	else if (filling->failed == -EPROTONOSUPPORT)
		why = "a table of another version";
	else if (filling->failed == -ENOMEM)
		why = "out of memory";
	rp__log(RP_LOG_WARN, "object", "%s: %s", filling->path, why);
}

int rp_unwind_space_add_self(struct rp_unwind_space *space,
			     const char *directory, size_t *missing)
{
	struct filling filling;

	if (!space || space->sz < sizeof(*space))
		return -EINVAL;
	memset(&filling, 0, sizeof(filling));
	filling.space = space;
	filling.directory = directory;
	dl_iterate_phdr(add_loaded, &filling);
	settle(space, filling.failed == 0);
	if (filling.failed < 0) {
		say_why(&filling);
		return filling.failed;
	}
	if (missing)
		*missing = filling.missing;
	return filling.added;
}

void rp_unwind_space_close(struct rp_unwind_space *space)
{
	for (size_t i = 0; i < space->nr; i++)
		close_module(&space->modules[i]);
	space->nr = 0;
}
