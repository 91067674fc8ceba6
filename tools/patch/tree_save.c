/* SPDX-License-Identifier: MIT */
/* Directories that a build may change: saving them (see tree.h). */
#define _GNU_SOURCE
#include "files.h"
#include "manifest.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct saver {
	const char *stage;
	const char *skip;
	struct stat binary;	/* st_nlink is 0 if there is none */
	FILE *out;
	unsigned long next;
	struct rp_diag *diag;
};

static int read_target(struct rp_saved_file *file, struct rp_diag *diag)
{
	size_t room = file->st.st_size + 1;
	ssize_t n;

	file->target = rp_resize(NULL, room + 1, 1);
	n = readlink(file->path, file->target, room);
	if (n < 0)
		return rp_file_error(diag, RP_DIAG_READ, file->path,
				     "cannot be saved");
	file->target[n] = '\0';
	return 0;
}

static int copy(struct saver *s, struct rp_saved_file *file)
{
	char *to = rp_format("%s/backup/%lu", s->stage, file->index);
	int rc = rp_file_copy(file->path, to, 0600);

	free(to);
	errno = -rc;
	return rc ? rp_file_error(s->diag, RP_DIAG_READ, file->path,
				  "cannot be saved") : 0;
}

static bool is_binary(const struct saver *s, const struct stat *st)
{
	return s->binary.st_nlink && st->st_ino == s->binary.st_ino &&
	       st->st_dev == s->binary.st_dev;
}

static int save_file(struct saver *s, struct rp_saved_file *file)
{
	if (is_binary(s, &file->st)) {
		file->type = 'b';
		file->target = rp_format("%s.repoint-aside", file->path);
	}
	file->index = s->next++;
	return copy(s, file);
}

static int save(struct saver *s, const FTSENT *e)
{
	struct rp_saved_file file = {
		.st = *e->fts_statp, .path = e->fts_path, .type = 'o',
	};
	int rc = 0;

	if (S_ISDIR(file.st.st_mode))
		file.type = 'd';
	else if (S_ISLNK(file.st.st_mode))
		file.type = 'l';
	else if (S_ISREG(file.st.st_mode))
		file.type = 'f';
	if (file.type == 'l')
		rc = read_target(&file, s->diag);
	else if (file.type == 'f')
		rc = save_file(s, &file);
	if (!rc)
		rp_manifest_put(s->out, &file);
	free(file.target);
	return rc;
}

static int visit(struct saver *s, FTS *fts, FTSENT *e)
{
	switch (e->fts_info) {
	case FTS_D:
		if (!strcmp(e->fts_path, s->stage) ||
		    (e->fts_level && rp_is_version_control(e->fts_name))) {
			fts_set(fts, e, FTS_SKIP);
			return 0;
		}
		return save(s, e);
	case FTS_DP:
		return 0;
	case FTS_DNR:
	case FTS_NS:
	case FTS_ERR:
		errno = e->fts_errno;
		return rp_file_error(s->diag, RP_DIAG_READ, e->fts_path,
				     "cannot be saved");
	default:
		return strcmp(e->fts_path, s->skip) ? save(s, e) : 0;
	}
}

static int save_dirs(struct saver *s, const struct rp_words *dirs)
{
	FTS *fts = fts_open(dirs->v, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;
	int rc = 0;

	if (!fts)
		return rp_file_error(s->diag, RP_DIAG_READ, dirs->v[0],
				     "cannot be saved");
	while (!rc && (e = fts_read(fts)))
		rc = visit(s, fts, e);
	fts_close(fts);
	return rc;
}

// The manifest is complete once it has its name.
static int publish(struct saver *s, const char *from, const char *to)
{
	bool failed = ferror(s->out);

	if (fclose(s->out) || failed || rename(from, to))
		return rp_file_error(s->diag, RP_DIAG_WRITE, to,
				     "cannot be written");
	return 0;
}

// Both names always have a file; without support for that, one hasn't for a
// moment. A process's own name of its file (/proc/PID/exe) follows renames.
static int exchange(const char *copy, const char *path)
{
	char *third;
	int rc;

	if (!renameat2(AT_FDCWD, copy, AT_FDCWD, path, RENAME_EXCHANGE))
		return 0;
	third = rp_format("%s.repoint-copy", path);
	rc = rename(copy, third) || rename(path, copy) || rename(third, path);
	free(third);
	return rc;
}

/* A copy takes the place of the file. Inodes tell which is which. */
static int set_aside(const struct rp_saved_file *file, struct rp_diag *diag)
{
	const struct timespec times[] = { file->st.st_mtim, file->st.st_mtim };
	int rc = rp_file_copy(file->path, file->target, file->st.st_mode);

	errno = -rc;
	if (!rc && (utimensat(AT_FDCWD, file->target, times, 0) ||
		    exchange(file->target, file->path)))
		rc = -errno;
	if (rc)
		rp_file_error(diag, RP_DIAG_WRITE, file->path,
			      "cannot be set aside");
	return rc;
}

static int set_binaries_aside(const char *manifest_path, struct rp_diag *diag)
{
	struct rp_manifest manifest;
	int rc = 0;

	if (!rp_manifest_read(&manifest, manifest_path))
		return rp_file_error(diag, RP_DIAG_READ, manifest_path,
				     "cannot be read");
	for (size_t i = 0; !rc && i < manifest.n; i++) {
		if (manifest.v[i].type == 'b')
			rc = set_aside(&manifest.v[i], diag);
	}
	return rc;
}

int rp_tree_save(const char *stage, const struct rp_words *dirs,
		 const char *skip, const char *binary, struct rp_diag *diag)
{
	char *path = rp_format("%s/manifest", stage);
	char *part = rp_format("%s/manifest.part", stage);
	struct saver s = { .stage = stage, .skip = skip, .diag = diag };
	int rc;

	if (stat(binary, &s.binary))
		s.binary.st_nlink = 0;
	s.out = fopen(part, "we");
	if (!s.out) {
		rc = rp_file_error(diag, RP_DIAG_WRITE, part,
				   "cannot be written");
	} else {
		rp_manifest_put_header(s.out, dirs, skip);
		rc = save_dirs(&s, dirs);
		if (rc)
			fclose(s.out);
		else
			rc = publish(&s, part, path);
	}
	if (!rc)
		rc = set_binaries_aside(path, diag);
	free(path);
	free(part);
	return rc;
}

bool rp_tree_is_saved(const char *stage)
{
	char *path = rp_format("%s/manifest", stage);
	bool saved = !access(path, F_OK);

	free(path);
	return saved;
}
