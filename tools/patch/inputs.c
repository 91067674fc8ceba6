/* SPDX-License-Identifier: MIT */
/* Which object pairs a run of the differ has. */
#define _GNU_SOURCE
#include "inputs.h"

#include "../tool.h"
#include "../../object/grow.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int nomem(void)
{
	fprintf(stderr, "repoint: error: out of memory\n");
	return RP_EXIT_ERROR;
}

static int add(struct rp_patch_inputs *inputs, const char *name,
	       const char *old_path, const char *new_path)
{
	struct rp_patch_input *in;

	if (rp_grow(&inputs->v, &inputs->room, inputs->n + 1,
		    sizeof(*inputs->v)))
		return nomem();
	in = &inputs->v[inputs->n++];
	in->name = strdup(name);
	in->old_path = old_path ? strdup(old_path) : NULL;
	in->new_path = new_path ? strdup(new_path) : NULL;
	if (!in->name || (old_path && !in->old_path) ||
	    (new_path && !in->new_path))
		return nomem();
	return 0;
}

static bool is_object(const char *name)
{
	size_t n = strlen(name);

	return (n > 2 && !strcmp(name + n - 2, ".o")) ||
	       (n > 4 && !strcmp(name + n - 4, ".obj"));
}

static char *join(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int read_error(const char *path, int error)
{
	struct rp_diag diag;

	rp_diag_set(&diag, RP_DIAG_READ, NULL, "%s", strerror(error));
	rp_error(path, &diag);
	return RP_EXIT_ERROR;
}

static int add_relative(struct rp_patch_inputs *inputs, const char *name,
			const char *this_dir, const char *other_dir,
			bool this_is_old)
{
	char *path = join(this_dir, name), *other = join(other_dir, name);
	bool there = other && !access(other, F_OK);
	int rc = path && other ? 0 : nomem();

	// What both have is added on the way through the old tree.
	if (!rc && this_is_old)
		rc = add(inputs, name, path, there ? other : NULL);
	else if (!rc && !there)
		rc = add(inputs, name, NULL, path);
	free(path);
	free(other);
	return rc;
}

static int walk(struct rp_patch_inputs *inputs, const char *dir,
		const char *other, bool is_old)
{
	char *const roots[] = { (char *)dir, NULL };
	FTS *fts = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name);
	FTSENT *e;
	int rc = 0;

	if (!fts)
		return read_error(dir, errno);
	while (!rc && (e = fts_read(fts))) {
		if (e->fts_info == FTS_ERR || e->fts_info == FTS_DNR ||
		    (e->fts_info == FTS_NS && !e->fts_level))
			rc = read_error(e->fts_path, e->fts_errno);
		else if (e->fts_info == FTS_F && is_object(e->fts_name))
			rc = add_relative(inputs, e->fts_path + strlen(dir) +
				strspn(e->fts_path + strlen(dir), "/"), dir,
				other, is_old);
	}
	fts_close(fts);
	return rc;
}

static int compare_names(const void *a, const void *b)
{
	const struct rp_patch_input *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int rp_patch_inputs_dirs(struct rp_patch_inputs *inputs, const char *old_dir,
			 const char *new_dir)
{
	int rc = walk(inputs, old_dir, new_dir, true);

	if (!rc)
		rc = walk(inputs, new_dir, old_dir, false);
	if (inputs->n)
		qsort(inputs->v, inputs->n, sizeof(*inputs->v), compare_names);
	if (!rc && !inputs->n) {
		fprintf(stderr, "repoint patch: error: no objects (*.o) in %s "
			"and %s\n", old_dir, new_dir);
		rc = RP_EXIT_ERROR;
	}
	return rc;
}

/* What two paths end with alike: the name that a reader knows it by. */
static const char *common_tail(const char *a, const char *b)
{
	size_t x = strlen(a), y = strlen(b);
	const char *tail = strrchr(b, '/') ? strrchr(b, '/') + 1 : b;

	while (x && y && a[x - 1] == b[y - 1]) {
		x--;
		y--;
		if (b[y] == '/')
			tail = b + y + 1;
	}
	return !y && !x ? b : tail;
}

int rp_patch_inputs_pairs(struct rp_patch_inputs *inputs, char *const *paths,
			  size_t n)
{
	int rc = 0;

	for (size_t i = 0; i + 1 < n && !rc; i += 2)
		rc = add(inputs, common_tail(paths[i], paths[i + 1]), paths[i],
			 paths[i + 1]);
	return rc;
}

void rp_patch_inputs_deinit(struct rp_patch_inputs *inputs)
{
	for (size_t i = 0; i < inputs->n; i++) {
		free((char *)inputs->v[i].name);
		free((char *)inputs->v[i].old_path);
		free((char *)inputs->v[i].new_path);
	}
	free(inputs->v);
}
