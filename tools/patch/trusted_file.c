/* SPDX-License-Identifier: MIT */
/* Files that nobody else can have written. */
#define _GNU_SOURCE
#include "trusted_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LINKS	40	/* as many as the kernel follows */

/*
 * struct walk - on the way from the root to a file.
 * @rest:  what is still to be looked up; to be freed
 * @dir:   where the walk is: a directory that was checked
 * @place: its path, for messages; links are replaced by where they lead
 */
struct walk {
	enum rp_trust trust;
	const char *escape;	// further advice for messages
	char *rest;
	char *place;
	int dir;
	unsigned int links;
	struct rp_diag *diag;
};

static int cannot(struct walk *w, const char *what, const char *path)
{
	return rp_diag_set(w->diag, RP_DIAG_READ, path, "%s: %s", what,
			   strerror(errno));
}

static bool is_trusted_owner(const struct walk *w, uid_t uid)
{
	return uid == 0 || (w->trust == RP_TRUST_USER && uid == geteuid());
}

static int wrong_owner(struct walk *w, const char *path, const struct stat *st)
{
	const char *whom = w->trust == RP_TRUST_ROOT ?
		"root" : "root or the user who runs this";

	return rp_diag_set(w->diag, RP_DIAG_LIVE_FILE, path,
		"belongs to user %u and not to %s, so that somebody else can "
		"change what is used here: copy it to a place of your own, or "
		"have the owner changed%s", (unsigned int)st->st_uid, whom,
		w->escape);
}

static int wrong_mode(struct walk *w, const char *path, const struct stat *st)
{
	return rp_diag_set(w->diag, RP_DIAG_LIVE_FILE, path,
		"has mode %04o: others can %s; chmod go-w%s",
		(unsigned int)st->st_mode & 07777,
		S_ISDIR(st->st_mode) ? "replace what is in it" : "write it",
		w->escape);
}

static bool is_out_of_reach(const struct stat *st)
{
	// The mode of a symbolic link means nothing.
	if (S_ISLNK(st->st_mode) || !(st->st_mode & (S_IWGRP | S_IWOTH)))
		return true;
	return S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);
}

static int check(struct walk *w, const char *path, const struct stat *st)
{
	if (!is_trusted_owner(w, st->st_uid))
		return wrong_owner(w, path, st);
	return is_out_of_reach(st) ? 0 : wrong_mode(w, path, st);
}

static int check_type(mode_t mode, mode_t type, const char *path,
		      struct rp_diag *diag)
{
	if ((mode & S_IFMT) == type)
		return 0;
	return rp_diag_set(diag, RP_DIAG_NOT_REGULAR, path,
			   type == S_IFDIR ? "not a directory" :
					     "not a regular file");
}

static void enter(struct walk *w, int dir)
{
	if (w->dir >= 0)
		close(w->dir);
	w->dir = dir;
}

static int start_at_root(struct walk *w)
{
	struct stat st;

	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return cannot(w, "cannot open", "/");
	enter(w, root);
	w->place[0] = '\0';
	if (fstat(root, &st))
		return cannot(w, "cannot look at", "/");
	return check(w, "/", &st);
}

// @first/@second is what is left to be looked up.
static int set_rest(struct walk *w, const char *first, const char *second)
{
	char *rest;

	if (asprintf(&rest, "%s/%s", first, second) < 0)
		return rp_diag_nomem(w->diag);
	free(w->rest);
	w->rest = rest;
	return 0;
}

static char *child_path(struct walk *w, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", w->place, name) >= 0)
		return path;
	rp_diag_nomem(w->diag);
	return NULL;
}

static int follow(struct walk *w, int fd, const char *path)
{
	char target[PATH_MAX];

	if (++w->links > MAX_LINKS) {
		errno = ELOOP;
		return cannot(w, "cannot open", path);
	}
	ssize_t n = readlinkat(fd, "", target, sizeof(target));
	if (n < 0)
		return cannot(w, "cannot read the link", path);
	if (n == sizeof(target)) {
		errno = ENAMETOOLONG;
		return cannot(w, "cannot read the link", path);
	}
	target[n] = '\0';
	int rc = set_rest(w, target, w->rest);
	if (!rc && target[0] == '/')
		rc = start_at_root(w);
	return rc;
}

static void go_to(struct walk *w, int fd, const char *name, char *path)
{
	char *slash = strrchr(w->place, '/');

	enter(w, fd);
	if (strcmp(name, "..")) {
		free(w->place);
		w->place = path;
		return;
	}
	free(path);
	if (slash)
		*slash = '\0';
}

// Takes the next name off, never "."; false if none is left.
static bool next_name(struct walk *w, char name[NAME_MAX + 1], int *rc)
{
	char *start = w->rest;
	size_t n;

	do {
		start += strspn(start, "/");
		n = strcspn(start, "/");
		if (n != 1 || *start != '.')
			break;
		start += n;
	} while (true);
	if (!n)
		return false;
	if (n > NAME_MAX) {
		errno = ENAMETOOLONG;
		*rc = cannot(w, "cannot open", start);
		return false;
	}
	memcpy(name, start, n);
	name[n] = '\0';
	memmove(w->rest, start + n, strlen(start + n) + 1);
	return true;
}

static bool nothing_left(const struct walk *w)
{
	return !w->rest[strspn(w->rest, "/")];
}

/*
 * Opens the end of the path for reading. It is checked by this descriptor: that
 * the name still leads to what was looked at is of no importance then.
 */
static int open_end(struct walk *w, const char *name, const char *path,
		    mode_t type, int *ret)
{
	struct stat st;

	// O_NONBLOCK: a FIFO is to be refused, not waited for.
	int fd = openat(w->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
				      O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return cannot(w, "cannot open", path);
	int rc = fstat(fd, &st) ? cannot(w, "cannot look at", path) :
				  check_type(st.st_mode, type, path, w->diag);
	if (!rc)
		rc = check(w, path, &st);
	if (rc)
		close(fd);
	else
		*ret = fd;
	return rc;
}

// A link is what is opened itself, not what it leads to.
static int look_up(struct walk *w, const char *name)
{
	int flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;

	// Without O_DIRECTORY nothing would be mounted by autofs.
	int fd = openat(w->dir, name, flags | O_DIRECTORY);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		fd = openat(w->dir, name, flags);
	return fd;
}

// One name further. *@ret is set when that was the end of the path.
static int step(struct walk *w, const char *name, mode_t type, int *ret)
{
	struct stat st;
	char *path = child_path(w, name);

	if (!path)
		return -ENOMEM;
	int fd = look_up(w, name);
	int rc = fd < 0 || fstat(fd, &st) ? cannot(w, "cannot open", path) :
					    check(w, path, &st);
	if (!rc && S_ISLNK(st.st_mode)) {
		rc = follow(w, fd, path);
	} else if (!rc && nothing_left(w)) {
		// Before it is opened: to open a device may do something.
		rc = check_type(st.st_mode, type, path, w->diag);
		if (!rc)
			rc = open_end(w, name, path, type, ret);
	} else if (!rc && !S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		rc = cannot(w, "cannot open", path);
	} else if (!rc) {
		go_to(w, fd, name, path);
		return 0;
	}
	if (fd >= 0)
		close(fd);
	free(path);
	return rc;
}

static int walk(struct walk *w, mode_t type, int *ret)
{
	char name[NAME_MAX + 1];
	int rc = start_at_root(w);

	while (!rc && *ret < 0) {
		if (!next_name(w, name, &rc))
			break;
		rc = step(w, name, type, ret);
	}
	if (rc || *ret >= 0)
		return rc;
	// The path, or the last link in it, ended in . or was / alone.
	return open_end(w, ".", w->place[0] ? w->place : "/", type, ret);
}

static int set_start(struct walk *w, const char *path)
{
	char *cwd = NULL;

	if (!path[0]) {
		errno = ENOENT;
		return cannot(w, "cannot open", NULL);
	}
	w->place = strdup("");
	if (!w->place)
		return rp_diag_nomem(w->diag);
	if (path[0] == '/')
		return set_rest(w, "", path);
	cwd = getcwd(NULL, 0);
	if (!cwd)
		return cannot(w, "cannot find", "the working directory");
	// "(unreachable)/..." is what is outside of a chroot.
	int rc = cwd[0] == '/' ? set_rest(w, cwd, path) :
		rp_diag_set(w->diag, RP_DIAG_LIVE_FILE, cwd,
			    "the working directory cannot be reached from the "
			    "root directory: use absolute paths");
	free(cwd);
	return rc;
}

static int open_trusted(const char *path, enum rp_trust trust, mode_t type,
			const char *escape, struct rp_diag *diag)
{
	struct walk w = {
		.trust = trust, .escape = escape, .dir = -1, .diag = diag,
	};
	int fd = -1;

	int rc = set_start(&w, path);
	if (!rc)
		rc = walk(&w, type, &fd);
	if (w.dir >= 0)
		close(w.dir);
	free(w.rest);
	free(w.place);
	return rc ? rc : fd;
}

int rp_trusted_open(const char *path, enum rp_trust trust, mode_t type, int *fd,
		    struct rp_diag *diag)
{
	int rc = open_trusted(path, trust, type, "", diag);

	if (rc < 0)
		return rc;
	*fd = rc;
	return 0;
}

static int open_anyhow(const char *path, struct rp_diag *diag)
{
	struct stat st;

	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return rp_diag_set(diag, RP_DIAG_READ, NULL, "cannot open: %s",
				   strerror(errno));
	int rc = fstat(fd, &st) ?
		rp_diag_set(diag, RP_DIAG_READ, NULL, "cannot look at: %s",
			    strerror(errno)) :
		check_type(st.st_mode, S_IFREG, NULL, diag);
	if (!rc)
		return fd;
	close(fd);
	return rc;
}

int rp_trusted_file_open(const char *path, bool force, int *fd,
			 struct rp_diag *diag)
{
	int rc = force ? open_anyhow(path, diag) :
		open_trusted(path, RP_TRUST_USER, S_IFREG,
			     ", or use --force if you know them all", diag);

	if (rc < 0)
		return rc;
	*fd = rc;
	return 0;
}

static int read_bytes(int fd, uint8_t *bytes, size_t size)
{
	for (size_t at = 0; at < size;) {
		ssize_t n = read(fd, bytes + at, size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (!n)
			errno = ESTALE;		// became shorter
		if (n <= 0)
			return -errno;
		at += n;
	}
	return 0;
}

int rp_descriptor_read(int fd, size_t max, uint8_t **ret, size_t *size,
		       struct rp_diag *diag)
{
	struct stat st;
	uint8_t *bytes;

	if (fstat(fd, &st))
		return rp_diag_set(diag, RP_DIAG_READ, NULL,
				   "cannot look at: %s", strerror(errno));
	if ((uintmax_t)st.st_size >= max)
		return rp_diag_set(diag, RP_DIAG_READ, NULL,
				   "%jd bytes are too many: no such file has "
				   "%zu", (intmax_t)st.st_size, max);
	bytes = calloc(1, (size_t)st.st_size + 1);
	if (!bytes)
		return rp_diag_nomem(diag);
	if (read_bytes(fd, bytes, st.st_size)) {
		rp_diag_set(diag, RP_DIAG_READ, NULL, "cannot read: %s",
			    strerror(errno));
		// It may be a part of a secret.
		explicit_bzero(bytes, st.st_size);
		free(bytes);
		return -EINVAL;
	}
	*ret = bytes;
	*size = st.st_size;
	return 0;
}
