/* SPDX-License-Identifier: MIT */
/*
 * Source patches. They are applied to copies of the files first: that shows
 * whether they apply, one after the other, and which files they change, before
 * anything in the tree is.
 */
#define _GNU_SOURCE
#include "source_patch.h"
#include "files.h"
#include "../cc/run.h"
#include "../tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_STRIP	9

/* The name in a header line: up to a tab, or in quotes. */
static char *header_name(const char *text)
{
	char *name = rp_format("%s", text), *out = name;
	const char *in = text;

	if (*in != '"') {
		name[strcspn(name, "\t\r\n")] = '\0';
		return name;
	}
	for (in++; *in && *in != '"'; in++) {
		if (*in == '\\' && in[1])
			in++;
		*out++ = *in;
	}
	*out = '\0';
	return name;
}

// NULL for what is no header.
static const char *header_text(const char *line)
{
	static const char *const prefixes[] = {
		"--- ", "+++ ", "*** ", "Index: ", "rename from ", "rename to ",
		"copy from ", "copy to ", NULL
	};

	for (const char *const *prefix = prefixes; *prefix; prefix++) {
		if (rp_has_prefix(line, *prefix))
			return line + strlen(*prefix);
	}
	return NULL;
}

static bool read_names(struct rp_words *names, const char *path)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!in)
		return false;
	while (getline(&line, &size, in) > 0) {
		const char *text = header_text(line);
		char *name = text ? header_name(text) : NULL;

		if (name && *name && strcmp(name, "/dev/null"))
			rp_words_add(names, name);
		free(name);
	}
	free(line);
	fclose(in);
	return true;
}

static const char *stripped(const char *name, int strip)
{
	for (; strip; strip--) {
		name = strchr(name, '/');
		if (!name)
			return NULL;
		while (*name == '/')
			name++;
	}
	return name;
}

static bool is_safe(const char *name)
{
	char *padded = rp_format("/%s/", name);
	bool safe = *name && *name != '/' && !strstr(padded, "/../");

	free(padded);
	return safe;
}

static bool exists(const char *dir, const char *name)
{
	char *path = rp_format("%s/%s", dir, name);
	bool is = !access(path, F_OK);

	free(path);
	return is;
}

// For a file that the patch creates.
static bool has_directory(const char *dir, const char *name)
{
	char *path = rp_format("%s/%s", dir, name);
	char *slash = strrchr(path, '/');

	*slash = '\0';
	bool has = !access(path, F_OK) && slash > path;
	free(path);
	return has;
}

static bool has_word(const struct rp_words *words, const char *word)
{
	return words->n && rp_word_in(word, (const char *const *)words->v);
}

/* Copies what exists, once: an earlier patch may have changed the copy. */
static int copy_in(struct rp_source_patch *p, const char *name)
{
	char *from = rp_format("%s/%s", p->source, name);
	char *to = rp_format("%s/%s", p->scratch, name);
	struct stat st;
	int rc = 0;

	if (!has_word(&p->copied, name) && !stat(from, &st) &&
	    S_ISREG(st.st_mode)) {
		rp_words_add(&p->copied, name);
		rc = rp_file_make_parents(to);
		if (!rc)
			rc = rp_file_copy(from, to, st.st_mode | 0600);
	}
	free(from);
	free(to);
	return rc;
}

/* Is there anything to patch if names are stripped like this? */
static bool fits(struct rp_source_patch *p, const struct rp_words *names,
		 int strip)
{
	bool found = false;

	for (size_t i = 0; i < names->n; i++) {
		const char *name = stripped(names->v[i], strip);

		if (!name || !is_safe(name) || copy_in(p, name))
			continue;
		found |= exists(p->scratch, name) ||
			 has_directory(p->source, name);
	}
	return found;
}

static struct rp_words patch_command(const struct rp_source_patch *p,
				     const char *path, int strip, bool dry)
{
	struct rp_words words = { 0 };

	// All that patch says goes to one place; its status would be lost.
	rp_words_add(&words, "sh");
	rp_words_add(&words, "-c");
	rp_words_add(&words, "patch \"$@\" 2>&1; echo \"status $?\"");
	rp_words_add(&words, "patch");
	rp_words_addf(&words, "--directory=%s", p->scratch);
	rp_words_addf(&words, "--strip=%d", strip);
	rp_words_addf(&words, "--input=%s", path);
	rp_words_add(&words, "--force");
	rp_words_add(&words, "--forward");
	rp_words_add(&words, "--no-backup-if-mismatch");
	rp_words_add(&words, "--reject-file=-");
	rp_words_add(&words, "--silent");
	if (dry)
		rp_words_add(&words, "--dry-run");
	return words;
}

// Return: what patch said, NULL if it succeeded.
static char *run_patch(const struct rp_source_patch *p, const char *path,
		       int strip, bool dry)
{
	struct rp_words words = patch_command(p, path, strip, dry);
	char *text = rp_run_capture(&words, 1), *status;

	if (!text)
		return rp_format("sh: cannot be run\n");
	status = strstr(text, "status 0\n");
	if (status && (status == text || status[-1] == '\n')) {
		free(text);
		return NULL;
	}
	status = strstr(text, "status 127\n");
	if (status) {
		free(text);
		return rp_format("patch(1) is not installed\n");
	}
	return text;
}

static bool looks_like_git(const struct rp_words *names)
{
	for (size_t i = 0; i < names->n; i++) {
		if (!rp_has_prefix(names->v[i], "a/") &&
		    !rp_has_prefix(names->v[i], "b/"))
			return false;
	}
	return true;
}

static int refused(const char *path, const char *text)
{
	struct rp_diag diag;

	rp_diag_set(&diag, RP_DIAG_BUILD_PATCH, NULL, "does not apply to the "
		    "source; nothing was changed");
	rp_error(path, &diag);
	// The last line is the status.
	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		if (!rp_has_prefix(text, "status "))
			fprintf(stderr, "  patch: %.*s\n", (int)(end - text),
				text);
	}
	return -EINVAL;
}

static int apply_at(struct rp_source_patch *p, const char *path, int strip)
{
	char *text = run_patch(p, path, strip, false);
	int rc = text ? refused(path, text) : 0;

	free(text);
	return rc;
}

// The first way of stripping at which the patch applies.
static int try_levels(struct rp_source_patch *p, const char *path,
		      const struct rp_words *names, int strip)
{
	int first = strip >= 0 ? strip : looks_like_git(names);
	char *text = NULL;
	int rc;

	for (int i = -1; i <= (strip >= 0 ? -1 : MAX_STRIP); i++) {
		int level = i < 0 ? first : i;

		if ((i >= 0 && i == first) || !fits(p, names, level))
			continue;
		char *said = run_patch(p, path, level, true);
		if (!said) {
			free(text);
			return apply_at(p, path, level);
		}
		// What is said of the likeliest way helps most.
		if (text)
			free(said);
		else
			text = said;
	}
	rc = refused(path, text ? text : "none of its files is there\n");
	free(text);
	return rc;
}

static int try_one(struct rp_source_patch *p, const char *path, int strip)
{
	struct rp_words names = { 0 };
	struct rp_diag diag;
	char *real;
	int rc;

	if (!read_names(&names, path)) {
		rc = rp_file_error(&diag, RP_DIAG_READ, NULL, "cannot be read");
		rp_error(path, &diag);
		return rc;
	}
	if (!names.n)
		return refused(path, "there is no header of a unified or "
			       "context diff in it\n");
	real = realpath(path, NULL);
	rc = try_levels(p, real ? real : path, &names, strip);
	free(real);
	return rc;
}

// What has become of the copies?
static void sort_out(struct rp_source_patch *p)
{
	char **list, *from, *to;
	size_t n;

	for (size_t i = 0; i < p->copied.n; i++) {
		const char *name = p->copied.v[i];

		from = rp_format("%s/%s", p->source, name);
		to = rp_format("%s/%s", p->scratch, name);
		if (access(to, F_OK))
			rp_words_add(&p->removed, name);
		else if (!rp_file_equal(from, to))
			rp_words_add(&p->changed, name);
		free(from);
		free(to);
	}
	list = rp_file_list(p->scratch, &n);
	for (size_t i = 0; i < n; i++) {
		if (!has_word(&p->copied, list[i]))
			rp_words_add(&p->created, list[i]);
	}
	rp_file_list_free(list, n);
}

int rp_source_patch_try(struct rp_source_patch *p,
			const struct rp_words *patches, int strip)
{
	for (size_t i = 0; i < patches->n; i++) {
		int rc = try_one(p, patches->v[i], strip);

		if (rc)
			return rc;
	}
	sort_out(p);
	return 0;
}

static int touch(const struct rp_source_patch *p, const struct rp_words *names,
		 struct rp_diag *diag)
{
	for (size_t i = 0; i < names->n; i++) {
		char *path = rp_format("%s/%s", p->source, names->v[i]);

		if (utimensat(AT_FDCWD, path, NULL, 0))
			return rp_file_error(diag, RP_DIAG_WRITE, path,
					     "cannot be touched");
		free(path);
	}
	return 0;
}

int rp_source_patch_touch(const struct rp_source_patch *p, struct rp_diag *diag)
{
	int rc = touch(p, &p->changed, diag);

	return rc ? rc : touch(p, &p->removed, diag);
}

// In place, as an editor would, unless the file has other names.
static int put(const char *from, const char *to)
{
	struct stat st, was;
	int rc;

	if (stat(from, &st))
		return -errno;
	if (lstat(to, &was) || !S_ISREG(was.st_mode) || was.st_nlink > 1 ||
	    access(to, W_OK)) {
		if (unlink(to) && errno != ENOENT)
			return -errno;
		rc = rp_file_make_parents(to);
		if (rc)
			return rc;
	}
	rc = rp_file_copy(from, to, st.st_mode);
	if (!rc && utimensat(AT_FDCWD, to, NULL, 0))
		rc = -errno;
	return rc;
}

static int put_all(const struct rp_source_patch *p,
		   const struct rp_words *names, struct rp_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < names->n; i++) {
		char *from = rp_format("%s/%s", p->scratch, names->v[i]);
		char *to = rp_format("%s/%s", p->source, names->v[i]);

		rc = put(from, to);
		errno = -rc;
		if (rc)
			rp_file_error(diag, RP_DIAG_WRITE, to,
				      "cannot be changed");
		free(from);
		free(to);
	}
	return rc;
}

int rp_source_patch_apply(const struct rp_source_patch *p, struct rp_diag *diag)
{
	int rc = put_all(p, &p->changed, diag);

	if (!rc)
		rc = put_all(p, &p->created, diag);
	for (size_t i = 0; !rc && i < p->removed.n; i++) {
		char *path = rp_format("%s/%s", p->source, p->removed.v[i]);

		if (unlink(path))
			rc = rp_file_error(diag, RP_DIAG_WRITE, path,
					   "cannot be removed");
		free(path);
	}
	return rc;
}
