/* SPDX-License-Identifier: MIT */
/* Files that are there whole or not at all. */
#define _GNU_SOURCE
#include "new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int cannot(const struct rp_new_file *file, struct rp_diag *diag)
{
	if (errno == EEXIST)
		return rp_diag_set(diag, RP_DIAG_WRITE, file->path,
				   "is there already and is not overwritten");
	return rp_diag_set(diag, RP_DIAG_WRITE, file->path,
			   "cannot write: %s", strerror(errno));
}

// By hand: what stdio has buffered, a secret perhaps, stays in memory.
static bool write_text(int fd, const char *text)
{
	for (size_t n = strlen(text); n;) {
		ssize_t done = write(fd, text, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		text += done;
		n -= done;
	}
	return true;
}

static bool give_name(const struct rp_new_file *file, const char *temporary)
{
	if (file->replace)
		return !rename(temporary, file->path);
	// Other than rename(), link() never takes a name that is in use.
	if (link(temporary, file->path))
		return false;
	unlink(temporary);
	return true;
}

static int write_temporary(const struct rp_new_file *file, const char *text,
			   char *temporary, struct rp_diag *diag)
{
	int fd = mkostemp(temporary, O_CLOEXEC);

	if (fd < 0)
		return cannot(file, diag);
	bool done = write_text(fd, text) && !fchmod(fd, file->mode) &&
		    !fsync(fd);
	int rc = done ? 0 : cannot(file, diag);
	if (close(fd) && !rc)
		rc = cannot(file, diag);
	if (!rc && !give_name(file, temporary))
		rc = cannot(file, diag);
	if (rc)
		unlink(temporary);
	return rc;
}

int rp_new_file_write(const struct rp_new_file *file, const char *text,
		      struct rp_diag *diag)
{
	char *temporary;

	if (asprintf(&temporary, "%s.XXXXXX", file->path) < 0)
		return rp_diag_nomem(diag);
	int rc = write_temporary(file, text, temporary, diag);
	free(temporary);
	return rc;
}
