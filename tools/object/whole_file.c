/* SPDX-License-Identifier: MIT */
/* Files that are read as a whole, and replaced as a whole. */
#define _GNU_SOURCE
#include "whole_file.h"
#include "../interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
static int read_image(struct rp_whole_file *file, int fd, struct rp_diag *diag)
{
	if (fstat(fd, &file->st))
		return diag_errno(diag, RP_DIAG_READ, "cannot read");
	if (!S_ISREG(file->st.st_mode))
		return rp_diag_set(diag, RP_DIAG_NOT_REGULAR, NULL,
			"not a regular file");
	file->size = file->st.st_size;
	file->image = malloc(file->size ? file->size : 1);
	if (!file->image)
		return rp_diag_nomem(diag);
	return read_all(fd, file->image, file->size, diag);
}

int rp_whole_file_read(struct rp_whole_file *file, const char *path,
		       struct rp_diag *diag)
{
	// O_NONBLOCK: a FIFO is to be refused, not waited for.
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	memset(file, 0, sizeof(*file));
	if (fd < 0)
		return diag_errno(diag, RP_DIAG_READ, "cannot open");
	int rc = read_image(file, fd, diag);
	close(fd);
	return rc;
}

void rp_whole_file_deinit(struct rp_whole_file *file)
{
	free(file->image);
	memset(file, 0, sizeof(*file));
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

// There is no other way to ask.
static mode_t default_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

/*
 * Owner before mode, because chown clears set-id bits. Somebody else's file in
 * a directory of ours becomes ours, as it does with every compiler.
 */
static int copy_attributes(int fd, const struct stat *st, struct rp_diag *diag)
{
	if (st && fchown(fd, st->st_uid, st->st_gid) &&
	    fchown(fd, -1, st->st_gid))
		errno = 0;
	if (fchmod(fd, st ? st->st_mode & 07777 : default_mode()))
		return diag_errno(diag, RP_DIAG_WRITE, "cannot set the mode");
	return 0;
}

struct replacement {
	rp_whole_file_fn *write;
	void *context;
	const struct stat *st;	/* of the old file, or NULL */
};

static int write_temp(const struct replacement *r, int fd,
		      struct rp_diag *diag)
{
	int rc = r->write(r->context, fd, diag);

	if (!rc)
		rc = copy_attributes(fd, r->st, diag);
	// Some file systems report a full disk only here.
	if (close(fd) && !rc)
		rc = diag_errno(diag, RP_DIAG_WRITE, "cannot write");
	return rc;
}

static int replace(const struct replacement *r, const char *real,
		   struct rp_diag *diag)
{
	char temp[PATH_MAX];
	int rc = temp_name(temp, sizeof(temp), real, diag);

	if (rc)
		return rc;
	int fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return diag_errno(diag, RP_DIAG_WRITE, "cannot create a "
				  "temporary file beside it, to replace it");
	rc = write_temp(r, fd, diag);
	if (!rc && rename(temp, real))
		rc = diag_errno(diag, RP_DIAG_WRITE, "cannot replace");
	if (rc)
		unlink(temp);
	return rc;
}

// Ctrl-C waits meanwhile, so that it leaves no temporary file behind.
static int replace_uninterrupted(const struct replacement *r, const char *real,
				 struct rp_diag *diag)
{
	struct rp_interrupt_hold hold;

	rp_interrupt_hold(&hold);
	int rc = replace(r, real, diag);
	rp_interrupt_release(&hold);
	return rc;
}

static int replace_none(const struct replacement *r, const char *path,
			struct rp_diag *diag)
{
	struct stat st;

	// Renaming would take the link away: /dev/stdout, when that is closed.
	if (!lstat(path, &st))
		return rp_diag_set(diag, RP_DIAG_NOT_REGULAR, NULL,
			"cannot replace: a symbolic link that leads nowhere");
	if (errno != ENOENT)
		return diag_errno(diag, RP_DIAG_WRITE, "cannot replace");
	return replace_uninterrupted(r, path, diag);
}

int rp_whole_file_replace(const char *path, rp_whole_file_fn *write,
			  void *context, struct rp_diag *diag)
{
	struct replacement r = { .write = write, .context = context };
	char real[PATH_MAX];
	struct stat st;

	if (stat(path, &st)) {
		if (errno == ENOENT)
			return replace_none(&r, path, diag);
		return diag_errno(diag, RP_DIAG_WRITE, "cannot replace");
	}
	// A device, say: renaming onto it would take it away.
	if (!S_ISREG(st.st_mode))
		return rp_diag_set(diag, RP_DIAG_NOT_REGULAR, NULL,
			"cannot replace: not a regular file");
	if (!realpath(path, real))
		return diag_errno(diag, RP_DIAG_WRITE, "cannot replace");
	r.st = &st;
	return replace_uninterrupted(&r, real, diag);
}
