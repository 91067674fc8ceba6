/* SPDX-License-Identifier: MIT */
/*
 * perf's map of functions that are in no file: /tmp/perf-PID.map, with lines
 * "START SIZE name" in hexadecimal. Ours end in "[repoint:PATCH]".
 *
 * The directory is the target's, and anyone can write to it: nothing is followed
 * out of the target's root, and a file is taken only if it is what the target
 * itself would have made: a regular one of its user, with no other name.
 *
 * A JIT compiler may have the file open and go on writing where it was. Then
 * nothing is moved in it: lines of ours are blanked in place, and new ones are
 * only added if the compiler appends.
 */
#define _GNU_SOURCE
#include "debugger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX	(256u << 20)

/* The target's user could hold the lock for ever. */
#define LOCK_TRIES	50
#define LOCK_PAUSE_NS	2000000

enum user { USER_NONE, USER_APPENDS, USER_WRITES };

/** struct map - the file. @user: how the target has it open itself */
struct map {
	const struct rp_target *target;
	int directory;
	int fd;
	char name[32];
	struct stat stat;
	enum user user;
	char *text;
	size_t size;
};

static int open_directory(const struct rp_target *target)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int root = openat(target->proc, "root",
			  O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return -errno;
	int fd = (int)syscall(SYS_openat2, root, "tmp", &how, sizeof(how));

	// Before Linux 5.6, and in some containers: no link in its place then.
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(root, "tmp", O_PATH | O_DIRECTORY | O_NOFOLLOW |
			    O_CLOEXEC);
	int rc = fd < 0 ? -errno : fd;

	close(root);
	return rc;
}

static int give_to_target(const struct map *map)
{
	char *status = rp_target_file(map->target, "status", NULL);
	long gid = status ? rp_target_status(status, "Gid") : -1;

	free(status);
	if (map->target->uid == geteuid())
		return 0;
	return fchown(map->fd, map->target->uid, (gid_t)gid) ? -errno : 0;
}

static int create(struct map *map)
{
	map->fd = openat(map->directory, map->name, O_RDWR | O_CREAT | O_EXCL |
			 O_NOFOLLOW | O_APPEND | O_CLOEXEC, 0644);
	if (map->fd < 0)
		return -errno;
	int rc = give_to_target(map);

	if (rc)
		unlinkat(map->directory, map->name, 0);
	return rc;
}

static int open_existing(struct map *map)
{
	map->fd = openat(map->directory, map->name, O_RDWR | O_NOFOLLOW |
			 O_NONBLOCK | O_NOCTTY | O_APPEND | O_CLOEXEC);
	return map->fd < 0 ? -errno : 0;
}

static bool is_still_there(const struct map *map)
{
	struct stat now;

	return !fstatat(map->directory, map->name, &now, AT_SYMLINK_NOFOLLOW) &&
	       now.st_dev == map->stat.st_dev && now.st_ino == map->stat.st_ino;
}

static int lock(struct map *map)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };

	for (int i = 0; flock(map->fd, LOCK_EX | LOCK_NB); i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (i == LOCK_TRIES)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	// Whoever had it may have taken the file away.
	if (fstat(map->fd, &map->stat))
		return -errno;
	return is_still_there(map) ? 0 : -EAGAIN;
}

static int check(const struct map *map)
{
	if (!S_ISREG(map->stat.st_mode) || map->stat.st_nlink != 1 ||
	    map->stat.st_uid != map->target->uid)
		return -EPERM;
	return map->stat.st_size > FILE_MAX ? -EFBIG : 0;
}

static enum user how_open(const struct map *map, int fds, const char *name)
{
	struct stat stat;
	char info[64];
	size_t size;

	if (fstatat(fds, name, &stat, 0) || stat.st_dev != map->stat.st_dev ||
	    stat.st_ino != map->stat.st_ino)
		return USER_NONE;
	snprintf(info, sizeof(info), "fdinfo/%.20s", name);

	char *text = rp_target_file(map->target, info, &size);
	char *flags = text ? strstr(text, "flags:") : NULL;
	long mode = flags ? strtol(flags + 6, NULL, 8) : O_WRONLY;

	free(text);
	if ((mode & O_ACCMODE) == O_RDONLY)
		return USER_NONE;
	return mode & O_APPEND ? USER_APPENDS : USER_WRITES;
}

static int find_user(struct map *map)
{
	int fd = openat(map->target->proc, "fd", O_RDONLY | O_DIRECTORY |
			O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);

	if (!directory) {
		int rc = -errno;

		if (fd >= 0)
			close(fd);
		return rc;
	}
	for (struct dirent *d; (d = readdir(directory)); ) {
		enum user user = how_open(map, fd, d->d_name);

		if (user > map->user)
			map->user = user;
	}
	closedir(directory);
	return 0;
}

static int read_text(struct map *map)
{
	map->text = malloc((size_t)map->stat.st_size + 1);
	if (!map->text)
		return -ENOMEM;
	while (map->size < (size_t)map->stat.st_size) {
		ssize_t n = pread(map->fd, map->text + map->size,
				  (size_t)map->stat.st_size - map->size,
				  (off_t)map->size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		map->size += (size_t)n;
	}
	map->text[map->size] = '\0';
	return 0;
}

static int write_at(int fd, const char *text, size_t size, off_t offset)
{
	while (size) {
		ssize_t n = pwrite(fd, text, size, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		size -= (size_t)n;
		offset += n;
	}
	return 0;
}

/* pwrite() to a descriptor with O_APPEND appends. */
static int set_append(const struct map *map, bool on)
{
	int flags = fcntl(map->fd, F_GETFL);

	if (flags < 0)
		return -errno;
	flags = on ? flags | O_APPEND : flags & ~O_APPEND;
	return fcntl(map->fd, F_SETFL, flags) ? -errno : 0;
}

static void close_map(struct map *map)
{
	free(map->text);
	if (map->fd >= 0)
		close(map->fd);
	if (map->directory >= 0)
		close(map->directory);
}

static int open_map(struct map *map, const struct rp_target *target,
		    bool may_create)
{
	*map = (struct map){ .target = target, .fd = -1, .directory = -1 };
	snprintf(map->name, sizeof(map->name), "perf-%d.map", target->ns_pid);

	map->directory = open_directory(target);
	if (map->directory < 0)
		return map->directory;

	int rc = open_existing(map);
	bool is_new = rc == -ENOENT && may_create;

	// O_CREAT on a file of another user is refused in /tmp, to root also.
	if (is_new)
		rc = create(map);
	if (rc)
		return rc;
	if (fstat(map->fd, &map->stat))
		return -errno;
	rc = check(map);
	if (!rc)
		rc = lock(map);
	if (!rc)
		rc = check(map);
	if (!rc && !is_new)
		rc = find_user(map);
	return rc ? rc : read_text(map);
}

/* A name becomes one word: the line ends at a newline, others split at spaces. */
static void put_word(FILE *out, const char *name)
{
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		fputc(c <= ' ' || c == 0x7f ? '_' : c, out);
	}
}

static char *make_suffix(const char *patch)
{
	char *suffix = NULL;
	size_t size;
	FILE *out = open_memstream(&suffix, &size);

	if (!out)
		return NULL;
	fputs("[repoint:", out);
	put_word(out, patch);
	fputc(']', out);
	return fclose(out) ? NULL : suffix;
}

static bool is_ours(const char *line, size_t length, const char *suffix)
{
	size_t n = strlen(suffix);

	return length > n && !memcmp(line + length - n, suffix, n);
}

/* perf reads a function without bytes at address 0. */
static void blank(char *line, size_t length)
{
	memset(line, '-', length);
	memcpy(line, "0 0 ", 4);
}

static size_t line_length(const char *line, size_t rest)
{
	const char *end = memchr(line, '\n', rest);

	return end ? (size_t)(end - line) : rest;
}

/* Write a line where it stands, or where it moves to. */
static int take_out_in_place(struct map *map, const char *suffix)
{
	int rc = 0;

	for (size_t at = 0; at < map->size && !rc; at++) {
		char *line = map->text + at;
		size_t length = line_length(line, map->size - at);

		if (is_ours(line, length, suffix)) {
			blank(line, length);
			rc = write_at(map->fd, line, length, (off_t)at);
		}
		at += length;
	}
	return rc;
}

static int take_out_and_move(struct map *map, const char *suffix)
{
	size_t kept = 0, same = 0, at = 0;

	while (at < map->size) {
		char *line = map->text + at;
		size_t length = line_length(line, map->size - at);

		length += at + length < map->size;
		at += length;
		if (is_ours(line, length - (line[length - 1] == '\n'), suffix))
			continue;
		memmove(map->text + kept, line, length);
		if (kept + length == at)
			same = at;
		kept += length;
	}
	if (kept == map->size)
		return 0;
	map->size = kept;

	int rc = write_at(map->fd, map->text + same, kept - same, (off_t)same);

	if (!rc && ftruncate(map->fd, (off_t)kept))
		rc = -errno;
	return rc;
}

static int take_out(struct map *map, const char *suffix)
{
	int rc = set_append(map, false);

	if (rc)
		return rc;
	rc = map->user == USER_NONE ? take_out_and_move(map, suffix) :
				      take_out_in_place(map, suffix);
	int append = set_append(map, true);

	return rc ? rc : append;
}

static void print_lines(FILE *out, const struct map *map, const char *suffix,
			const struct rp_symfile_symbol *symbols, size_t n)
{
	if (map->size && map->text[map->size - 1] != '\n')
		fputc('\n', out);
	for (size_t i = 0; i < n; i++) {
		if (!symbols[i].is_function)
			continue;
		fprintf(out, "%llx %llx ",
			(unsigned long long)symbols[i].address,
			(unsigned long long)symbols[i].size);
		put_word(out, symbols[i].name);
		fprintf(out, "%s\n", suffix);
	}
}

/* All of the lines or none: at its end the file is cut again. */
static int append(struct map *map, const char *text, size_t size)
{
	int rc = write_at(map->fd, text, size, 0);

	if (rc && map->user == USER_NONE &&
	    ftruncate(map->fd, (off_t)map->size))
		return -errno;
	return rc;
}

static int add_lines(struct map *map, const char *suffix,
		     const struct rp_symfile_symbol *symbols, size_t n)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	print_lines(out, map, suffix, symbols, n);

	int rc = fclose(out) ? -ENOMEM : append(map, text, size);

	free(text);
	return rc;
}

static void remove_if_empty(struct map *map)
{
	if (map->size == 0 && map->user == USER_NONE && is_still_there(map))
		unlinkat(map->directory, map->name, 0);
}

int rp_perf_map_add(const struct rp_target *target, const char *patch,
		    const struct rp_symfile_symbol *symbols, size_t n)
{
	char *suffix = make_suffix(patch);
	struct map map;

	if (!suffix)
		return -ENOMEM;
	int rc = open_map(&map, target, true);

	if (!rc && map.user == USER_WRITES)
		rc = -EBUSY;
	if (!rc)
		rc = take_out(&map, suffix);
	if (!rc) {
		rc = add_lines(&map, suffix, symbols, n);
		if (rc)
			remove_if_empty(&map);
	}
	close_map(&map);
	free(suffix);
	return rc;
}

int rp_perf_map_remove(const struct rp_target *target, const char *patch)
{
	char *suffix = make_suffix(patch);
	struct map map;

	if (!suffix)
		return -ENOMEM;
	int rc = open_map(&map, target, false);

	if (!rc) {
		rc = take_out(&map, suffix);
		if (!rc)
			remove_if_empty(&map);
	}
	close_map(&map);
	free(suffix);
	return rc == -ENOENT ? 0 : rc;
}
