/* SPDX-License-Identifier: MIT */
/* Annotating an object file in place. */
#define _GNU_SOURCE
#include "annotate_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int diag_errno(struct rp_diag *diag, enum rp_diag_id id,
		      const char *what)
{
	return rp_diag_set(diag, id, NULL, "%s: %s", what, strerror(errno));
}

static int read_all(int fd, uint8_t *image, size_t size, struct rp_diag *diag)
{
	for (size_t at = 0; at < size;) {
		ssize_t n = read(fd, image + at, size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return diag_errno(diag, RP_DIAG_READ, "cannot read");
		if (!n)
			return rp_diag_set(diag, RP_DIAG_READ, NULL,
				"cannot read: the file became shorter");
		at += n;
	}
	return 0;
}

// Read, not mapped: a file that somebody cuts short would raise SIGBUS.
static int read_image(struct rp_annotated_file *file, int fd, struct stat *st,
		      struct rp_diag *diag)
{
	if (fstat(fd, st))
		return diag_errno(diag, RP_DIAG_READ, "cannot read");
	if (!S_ISREG(st->st_mode))
		return rp_diag_set(diag, RP_DIAG_NOT_REGULAR, NULL,
			"not a regular file");
	file->size = st->st_size;
	file->image = malloc(file->size ? file->size : 1);
	if (!file->image)
		return rp_diag_nomem(diag);
	return read_all(fd, file->image, file->size, diag);
}

static int read_file(struct rp_annotated_file *file, const char *path,
		     struct stat *st, struct rp_diag *diag)
{
	// O_NONBLOCK: a FIFO is to be refused, not waited for.
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return diag_errno(diag, RP_DIAG_READ, "cannot open");
	int rc = read_image(file, fd, st, diag);
	close(fd);
	return rc;
}

static int temp_name(char *temp, size_t size, const char *real,
		     struct rp_diag *diag)
{
	const char *slash = strrchr(real, '/');
	int dir = slash ? (int)(slash - real) + 1 : 0;

	if ((size_t)snprintf(temp, size, "%.*s.repoint-XXXXXX", dir, real) <
	    size)
		return 0;
	return rp_diag_set(diag, RP_DIAG_WRITE, NULL,
		"cannot replace: the path is too long");
}

/*
 * Owner before mode, because chown clears set-id bits. Somebody else's file in
 * a directory of ours becomes ours, as it does with every compiler.
 */
static int copy_attributes(int fd, const struct stat *st, struct rp_diag *diag)
{
	if (fchown(fd, st->st_uid, st->st_gid) &&
	    fchown(fd, -1, st->st_gid))
		errno = 0;
	if (fchmod(fd, st->st_mode & 07777))
		return diag_errno(diag, RP_DIAG_WRITE, "cannot set the mode");
	return 0;
}

static int write_temp(struct rp_annotation *annotation, int fd,
		      const struct stat *st, struct rp_diag *diag)
{
	int rc = rp_annotate_write(annotation, fd, diag);

	if (!rc)
		rc = copy_attributes(fd, st, diag);
	// Some file systems report a full disk only here.
	if (close(fd) && !rc)
		rc = diag_errno(diag, RP_DIAG_WRITE, "cannot write");
	return rc;
}

static int replace(struct rp_annotation *annotation, const char *path,
		   const struct stat *st, struct rp_diag *diag)
{
	char real[PATH_MAX], temp[PATH_MAX];

	if (!realpath(path, real))
		return diag_errno(diag, RP_DIAG_WRITE, "cannot replace");
	int rc = temp_name(temp, sizeof(temp), real, diag);
	if (rc)
		return rc;
	int fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return diag_errno(diag, RP_DIAG_WRITE, "cannot create a "
				  "temporary file beside it, to replace it");
	rc = write_temp(annotation, fd, st, diag);
	if (!rc && rename(temp, real))
		rc = diag_errno(diag, RP_DIAG_WRITE, "cannot replace");
	if (rc)
		unlink(temp);
	return rc;
}

// Signals wait meanwhile, so that Ctrl-C leaves no temporary file behind.
static int replace_uninterrupted(struct rp_annotation *annotation,
				 const char *path, const struct stat *st,
				 struct rp_diag *diag)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &old);
	int rc = replace(annotation, path, st, diag);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return rc;
}

int rp_annotate_file(struct rp_annotated_file *file, const char *path,
		     bool dry_run, struct rp_diag *diag)
{
	struct stat st;

	memset(file, 0, sizeof(*file));
	int rc = read_file(file, path, &st, diag);
	if (!rc)
		rc = rp_annotate_begin(&file->annotation, file->image,
				       file->size, diag);
	if (!rc && !dry_run &&
	    file->annotation.outcome == RP_ANNOTATE_CHANGED)
		rc = replace_uninterrupted(&file->annotation, path, &st, diag);
	return rc;
}

void rp_annotated_file_deinit(struct rp_annotated_file *file)
{
	rp_annotate_end(&file->annotation);
	free(file->image);
	memset(file, 0, sizeof(*file));
}
