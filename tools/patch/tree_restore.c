/* SPDX-License-Identifier: MIT */
/* Directories that a build may change: putting them back (see tree.h). */
#define _GNU_SOURCE
#include "files.h"
#include "manifest.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct restorer {
	const char *stage;
	struct rp_manifest manifest;
	struct rp_words asides;
	struct rp_tree_counts *counts;
	struct rp_diag *diag;
	int rc;
};

static void failed(struct restorer *r, const char *path, const char *what)
{
	int error = errno;

	if (!r->rc)
		rp_file_error(r->diag, RP_DIAG_WRITE, path, what);
	r->rc = r->rc ? r->rc : -error;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_untouched(const struct rp_saved_file *file,
			 const struct stat *st)
{
	return st->st_ino == file->st.st_ino &&
	       st->st_size == file->st.st_size &&
	       st->st_mode == file->st.st_mode &&
	       same_time(&st->st_mtim, &file->st.st_mtim) &&
	       same_time(&st->st_ctim, &file->st.st_ctim);
}

// Content is in place: the rest of what `ls -l` shows.
static void set_attributes(struct restorer *r, const struct rp_saved_file *file)
{
	const struct timespec times[] = {
		{ .tv_nsec = UTIME_OMIT }, file->st.st_mtim
	};

	// Only root can give files away, and then they have to go back.
	if (lchown(file->path, file->st.st_uid, file->st.st_gid) && !geteuid())
		failed(r, file->path, "cannot get its owner back");
	if (file->type != 'l' && chmod(file->path, file->st.st_mode & 07777))
		failed(r, file->path, "cannot get its mode back");
	if (utimensat(AT_FDCWD, file->path, times, AT_SYMLINK_NOFOLLOW))
		failed(r, file->path, "cannot get its time back");
}

static int replace(const char *backup, const struct rp_saved_file *file)
{
	char *temporary = rp_format("%s.repoint-part", file->path);
	int rc = rp_file_copy(backup, temporary, 0600);

	if (!rc && rename(temporary, file->path))
		rc = -errno;
	if (rc)
		unlink(temporary);
	free(temporary);
	return rc;
}

/*
 * A file that has its inode still is written in place, for the sake of its
 * other names; not if it is being executed.
 */
static void restore_content(struct restorer *r,
			    const struct rp_saved_file *file,
			    const struct stat *st)
{
	char *backup = rp_format("%s/backup/%lu", r->stage, file->index);
	int rc = -ETXTBSY;

	if (!st || !S_ISREG(st->st_mode) || st->st_size != file->st.st_size ||
	    !rp_file_equal(backup, file->path)) {
		if (st && S_ISREG(st->st_mode) &&
		    st->st_ino == file->st.st_ino)
			rc = rp_file_copy(backup, file->path, 0600);
		if (st && S_ISDIR(st->st_mode))
			rp_file_remove_tree(file->path);
		if (rc)
			rc = replace(backup, file);
		errno = -rc;
		if (rc)
			failed(r, file->path, "cannot be put back");
	}
	free(backup);
}

static void restore_link(struct restorer *r, const struct rp_saved_file *file,
			 const struct stat *st)
{
	char target[4096];
	ssize_t n = readlink(file->path, target, sizeof(target) - 1);

	if (n >= 0) {
		target[n] = '\0';
		if (!strcmp(target, file->target))
			return;
	}
	if (st)
		rp_file_remove_tree(file->path);
	if (symlink(file->target, file->path))
		failed(r, file->path, "cannot be put back");
}

// Numbers of inodes are used again.
static bool has_inode(const char *path, const struct rp_saved_file *file)
{
	struct stat st;

	return !lstat(path, &st) && st.st_ino == file->st.st_ino &&
	       st.st_size == file->st.st_size &&
	       same_time(&st.st_mtim, &file->st.st_mtim);
}

// The file that was set aside gets its name back.
static void restore_binary(struct restorer *r, const struct rp_saved_file *file)
{
	if (has_inode(file->path, file)) {
		// A run was killed before it could set the file aside.
		unlink(file->target);
		return;
	}
	if (has_inode(file->target, file)) {
		if (rename(file->target, file->path))
			failed(r, file->path, "cannot be put back");
		return;
	}
	restore_content(r, file, NULL);
	set_attributes(r, file);
}

static void restore_file(struct restorer *r, const struct rp_saved_file *file)
{
	struct stat st;
	bool exists = !lstat(file->path, &st);

	if (exists && is_untouched(file, &st))
		return;
	switch (file->type) {
	case 'f':
		restore_content(r, file, exists ? &st : NULL);
		break;
	case 'l':
		restore_link(r, file, exists ? &st : NULL);
		break;
	case 'b':
		restore_binary(r, file);
		return;
	default:
		return;
	}
	set_attributes(r, file);
	r->counts->restored++;
}

// So that files can be put into it; its time comes last.
static void restore_directory(struct restorer *r,
			      const struct rp_saved_file *file)
{
	struct stat st;

	if (!lstat(file->path, &st) && S_ISDIR(st.st_mode)) {
		if ((st.st_mode & 0700) != 0700)
			chmod(file->path, 0700);
		return;
	}
	unlink(file->path);
	if (mkdir(file->path, 0700))
		failed(r, file->path, "cannot be put back");
	else
		r->counts->restored++;
}

// Files that were set aside are not in the list under their other names.
static void find_asides(struct restorer *r)
{
	for (size_t i = 0; i < r->manifest.n; i++) {
		if (r->manifest.v[i].type == 'b')
			rp_words_add(&r->asides, r->manifest.v[i].target);
	}
}

static bool is_set_aside(const struct restorer *r, const char *path)
{
	return r->asides.n && rp_word_in(path,
				(const char *const *)r->asides.v);
}

static bool is_left_alone(const struct restorer *r, const FTSENT *e)
{
	return !strcmp(e->fts_path, r->stage) ||
	       !strcmp(e->fts_path, r->manifest.skip) ||
	       (e->fts_info == FTS_D && e->fts_level &&
		rp_is_version_control(e->fts_name));
}

static void remove_new(struct restorer *r, FTS *fts, FTSENT *e)
{
	if (e->fts_info == FTS_DP)
		return;
	if (is_left_alone(r, e)) {
		fts_set(fts, e, FTS_SKIP);
		return;
	}
	if (rp_manifest_find(&r->manifest, e->fts_path) ||
	    is_set_aside(r, e->fts_path))
		return;
	fts_set(fts, e, FTS_SKIP);
	if (!rp_file_remove_tree(e->fts_path))
		failed(r, e->fts_path, "cannot be removed");
	r->counts->removed++;
}

static void remove_all_new(struct restorer *r)
{
	FTS *fts = fts_open(r->manifest.dirs.v, FTS_PHYSICAL | FTS_NOCHDIR,
			    NULL);
	FTSENT *e;

	while (fts && (e = fts_read(fts)))
		remove_new(r, fts, e);
	if (fts)
		fts_close(fts);
}

// Times of directories: children first, for they change their parents.
static void finish_directories(struct restorer *r)
{
	for (size_t i = r->manifest.n; i--; ) {
		const struct rp_saved_file *file = &r->manifest.v[i];
		struct stat st;

		if (file->type == 'd' && !lstat(file->path, &st) &&
		    !is_untouched(file, &st))
			set_attributes(r, file);
	}
}

static void restore_all(struct restorer *r)
{
	for (size_t i = 0; i < r->manifest.n; i++) {
		if (r->manifest.v[i].type == 'd')
			restore_directory(r, &r->manifest.v[i]);
	}
	find_asides(r);
	remove_all_new(r);
	for (size_t i = 0; i < r->manifest.n; i++) {
		if (r->manifest.v[i].type != 'd')
			restore_file(r, &r->manifest.v[i]);
	}
	finish_directories(r);
}

int rp_tree_restore(const char *stage, struct rp_tree_counts *counts,
		    struct rp_diag *diag)
{
	struct restorer r = { .stage = stage, .counts = counts, .diag = diag };
	char *path = rp_format("%s/manifest", stage);

	counts->restored = counts->removed = 0;
	if (!rp_manifest_read(&r.manifest, path)) {
		rp_diag_set(diag, RP_DIAG_READ, path, "is damaged: cannot put "
			    "the tree back");
		r.rc = -EINVAL;
	} else {
		restore_all(&r);
	}
	free(path);
	return r.rc;
}
