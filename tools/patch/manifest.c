/* SPDX-License-Identifier: MIT */
/* List of the files that were saved. */
#define _GNU_SOURCE
#include "manifest.h"
#include "files.h"

#include <stdlib.h>
#include <string.h>

static const char magic[] = "repoint manifest 1";

static void put_string(FILE *out, const char *s)
{
	fputs(s ? s : "", out);
	putc('\0', out);
}

void rp_manifest_put_header(FILE *out, const struct rp_words *dirs,
			    const char *skip)
{
	put_string(out, magic);
	put_string(out, skip);
	for (size_t i = 0; i < dirs->n; i++)
		put_string(out, dirs->v[i]);
	put_string(out, "");
}

void rp_manifest_put(FILE *out, const struct rp_saved_file *file)
{
	const struct stat *st = &file->st;

	fprintf(out, "%c %o %u %u %lld %lld.%ld %lld.%ld %llu %lu %lu",
		file->type, st->st_mode, st->st_uid, st->st_gid,
		(long long)st->st_size, (long long)st->st_mtim.tv_sec,
		st->st_mtim.tv_nsec, (long long)st->st_ctim.tv_sec,
		st->st_ctim.tv_nsec, (unsigned long long)st->st_ino,
		(unsigned long)st->st_nlink, file->index);
	putc('\0', out);
	put_string(out, file->path);
	put_string(out, file->target);
}

static char *get_string(FILE *in)
{
	char *s = NULL;
	size_t size = 0;

	if (getdelim(&s, &size, '\0', in) > 0)
		return s;
	free(s);
	return NULL;
}

static bool parse_file(struct rp_saved_file *file, const char *text)
{
	struct stat *st = &file->st;
	long long size, mtime, ctime;
	unsigned long long ino;
	unsigned long links;

	if (sscanf(text, "%c %o %u %u %lld %lld.%ld %lld.%ld %llu %lu %lu",
		   &file->type, &st->st_mode, &st->st_uid, &st->st_gid, &size,
		   &mtime, &st->st_mtim.tv_nsec, &ctime, &st->st_ctim.tv_nsec,
		   &ino, &links, &file->index) != 12)
		return false;
	st->st_size = size;
	st->st_mtim.tv_sec = mtime;
	st->st_ctim.tv_sec = ctime;
	st->st_ino = ino;
	st->st_nlink = links;
	return true;
}

// Return: is the record whole?
static bool get_file(FILE *in, struct rp_saved_file *file, const char *text)
{
	memset(file, 0, sizeof(*file));
	if (!parse_file(file, text))
		return false;
	file->path = get_string(in);
	file->target = file->path ? get_string(in) : NULL;
	return file->target;
}

static bool get_header(FILE *in, struct rp_manifest *manifest)
{
	char *s = get_string(in);
	bool good = s && !strcmp(s, magic);

	free(s);
	manifest->skip = good ? get_string(in) : NULL;
	while (manifest->skip && (s = get_string(in)) && *s)
		rp_words_add(&manifest->dirs, s);
	return manifest->skip && s;
}

static int by_path(const void *a, const void *b)
{
	const struct rp_saved_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static bool get_files(FILE *in, struct rp_manifest *manifest)
{
	size_t room = 0;
	bool whole = true;
	char *text;

	while (whole && (text = get_string(in))) {
		if (manifest->n == room) {
			room = room ? 2 * room : 1024;
			manifest->v = rp_resize(manifest->v, room,
					      sizeof(*manifest->v));
		}
		whole = get_file(in, &manifest->v[manifest->n], text);
		manifest->n += whole;
		free(text);
	}
	qsort(manifest->v, manifest->n, sizeof(*manifest->v), by_path);
	return whole;
}

bool rp_manifest_read(struct rp_manifest *manifest, const char *path)
{
	FILE *in = fopen(path, "re");
	bool good;

	memset(manifest, 0, sizeof(*manifest));
	if (!in)
		return false;
	good = get_header(in, manifest) && get_files(in, manifest);
	fclose(in);
	return good;
}

const struct rp_saved_file *rp_manifest_find(const struct rp_manifest *manifest,
					     const char *path)
{
	struct rp_saved_file key = { .path = (char *)path };

	if (!manifest->n)
		return NULL;
	return bsearch(&key, manifest->v, manifest->n, sizeof(key), by_path);
}

bool rp_is_version_control(const char *name)
{
	static const char *const names[] = {
		".git", ".hg", ".svn", ".bzr", NULL
	};

	return rp_word_in(name, names);
}
