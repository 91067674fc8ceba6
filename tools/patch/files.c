/* SPDX-License-Identifier: MIT */
/* Files and directories, as the commands of `repoint patch build` need them. */
#define _GNU_SOURCE
#include "files.h"
#include "../tool.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static void *need(void *memory)
{
	struct rp_diag diag;

	if (memory)
		return memory;
	rp_diag_nomem(&diag);
	rp_error("repoint patch build", &diag);
	exit(RP_EXIT_ERROR);
}

char *rp_format(const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	int length = vasprintf(&text, fmt, args);
	va_end(args);
	return need(length < 0 ? NULL : text);
}

void *rp_resize(void *memory, size_t n, size_t size)
{
	return need(reallocarray(memory, n, size));
}

int rp_file_error(struct rp_diag *diag, enum rp_diag_id id, const char *path,
		  const char *what)
{
	int error = errno;

	rp_diag_set(diag, id, path, "%s: %s", what, strerror(error));
	return -error;
}

static int write_all(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t done = write(fd, bytes, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes += done;
		n -= done;
	}
	return 0;
}

static int copy_by_hand(int in, int out)
{
	char bytes[65536];

	for (;;) {
		ssize_t n = read(in, bytes, sizeof(bytes));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		int rc = write_all(out, bytes, n);
		if (rc)
			return rc;
	}
}

static int copy_open(int in, int out)
{
	bool copied = false;

	if (!ioctl(out, FICLONE, in))
		return 0;
	for (;;) {
		ssize_t n = copy_file_range(in, NULL, out, NULL, 1u << 30, 0);

		if (n > 0) {
			copied = true;
			continue;
		}
		if (!n && copied)
			return 0;
		// Files of /proc and the like have no length of their own.
		return n < 0 && errno == ENOSPC ? -ENOSPC :
						  copy_by_hand(in, out);
	}
}

int rp_file_copy(const char *from, const char *to, mode_t mode)
{
	int rc, out, in = open(from, O_RDONLY | O_CLOEXEC);

	if (in < 0)
		return -errno;
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out < 0) {
		rc = -errno;
		close(in);
		return rc;
	}
	rc = copy_open(in, out);
	if (!rc && fchmod(out, mode & 07777))
		rc = -errno;
	close(in);
	if (close(out) && !rc)
		rc = -errno;
	return rc;
}

static bool equal_streams(FILE *a, FILE *b)
{
	char bytes_a[16384], bytes_b[16384];
	size_t n;

	do {
		n = fread(bytes_a, 1, sizeof(bytes_a), a);
		if (fread(bytes_b, 1, sizeof(bytes_b), b) != n ||
		    memcmp(bytes_a, bytes_b, n))
			return false;
	} while (n);
	return !ferror(a) && !ferror(b);
}

bool rp_file_equal(const char *a, const char *b)
{
	FILE *in_a = fopen(a, "re"), *in_b = fopen(b, "re");
	bool equal = in_a && in_b && equal_streams(in_a, in_b);

	if (in_a)
		fclose(in_a);
	if (in_b)
		fclose(in_b);
	return equal;
}

int rp_file_make_parents(const char *path)
{
	char *dir = rp_format("%s", path);
	int rc = 0;

	for (char *p = strchr(dir + 1, '/'); p && !rc; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(dir, 0777) && errno != EEXIST)
			rc = -errno;
		*p = '/';
	}
	free(dir);
	return rc;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static FTS *walk(const char *dir, bool sorted)
{
	char *paths[] = { (char *)dir, NULL };

	return fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR,
			sorted ? by_name : NULL);
}

bool rp_file_remove_tree(const char *path)
{
	FTS *fts = walk(path, false);
	bool removed = true;
	FTSENT *e;

	while (fts && (e = fts_read(fts))) {
		if (e->fts_info == FTS_D)
			// Builds make directories read-only, too.
			chmod(e->fts_accpath, 0700);
		else if (e->fts_info == FTS_DP)
			removed &= !rmdir(e->fts_accpath);
		else
			removed &= !unlink(e->fts_accpath) || errno == ENOENT;
	}
	if (fts)
		fts_close(fts);
	return removed;
}

bool rp_file_is_inside(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	while (n && dir[n - 1] == '/')
		n--;
	return !strncmp(path, dir, n) && (path[n] == '/' || !path[n]);
}

// Takes the last component off, but never the root.
static size_t go_up(const char *path, size_t n)
{
	while (n && path[n - 1] != '/')
		n--;
	return n ? n - 1 : 0;
}

char *rp_file_absolute(const char *cwd, const char *path)
{
	char *whole = path[0] == '/' ? rp_format("%s", path) :
				       rp_format("%s/%s", cwd, path);
	char *ret = rp_format("%s", whole);
	size_t n = 0;

	for (const char *p = whole; *p; ) {
		size_t length = strcspn(p, "/");

		if (length == 2 && !memcmp(p, "..", 2)) {
			n = go_up(ret, n);
		} else if (length && !(length == 1 && *p == '.')) {
			ret[n++] = '/';
			memmove(ret + n, p, length);
			n += length;
		}
		p += length + (p[length] == '/');
	}
	if (!n)
		ret[n++] = '/';
	ret[n] = '\0';
	free(whole);
	return ret;
}

char **rp_file_list(const char *dir, size_t *n)
{
	size_t room = 64, prefix = strlen(dir) + 1;
	char **list = need(calloc(room, sizeof(*list)));
	FTS *fts = walk(dir, true);
	FTSENT *e;

	*n = 0;
	while (fts && (e = fts_read(fts))) {
		if (e->fts_info != FTS_F)
			continue;
		if (*n == room) {
			room *= 2;
			list = rp_resize(list, room, sizeof(*list));
		}
		list[(*n)++] = rp_format("%s", e->fts_path + prefix);
	}
	if (fts)
		fts_close(fts);
	return list;
}

void rp_file_list_free(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}
