/* SPDX-License-Identifier: MIT */
/* How the compilers of a build are caught. */
#define _GNU_SOURCE
#include "intercept.h"
#include "files.h"
#include "../cc/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef RP_PRELOAD_DIR
# define RP_PRELOAD_DIR	"/usr/lib/repoint"
#endif

static const char object_name[] = "repoint-build.so";

/* Beside the program in a build tree, or where it was installed. */
static char *find_preload(const char *tool)
{
	int n = rp_basename(tool) - tool;
	char *candidates[] = {
		rp_format("%.*spatch/preload/%s", n, tool, object_name),
		rp_format("%s/%s", RP_PRELOAD_DIR, object_name),
		rp_format("%.*s../lib/repoint/%s", n, tool, object_name),
		rp_format("%.*s../lib/x86_64-linux-gnu/repoint/%s", n, tool,
			  object_name),
		rp_format("%.*s../lib64/repoint/%s", n, tool, object_name),
	};
	char *found = NULL;

	for (size_t i = 0; i < sizeof(candidates) / sizeof(*candidates); i++) {
		if (!found)
			found = realpath(candidates[i], NULL);
		free(candidates[i]);
	}
	return found;
}

// ld.so takes blanks and colons for the end of a name.
static bool can_stand_in_list(const char *path)
{
	return !strpbrk(path, " :\t");
}

static int shorten(struct rp_intercept *in, const char *stage,
		   struct rp_diag *diag)
{
	char *link = rp_format("%s/%s", stage, object_name);

	if (!can_stand_in_list(link))
		return rp_diag_set(diag, RP_DIAG_WRITE, link, "ld.so takes no "
			"path with blanks or colons; set TMPDIR to another "
			"directory");
	if (symlink(in->preload, link))
		return rp_file_error(diag, RP_DIAG_WRITE, link,
				     "cannot be made");
	free(in->preload);
	in->preload = link;
	return 0;
}

int rp_intercept_init(struct rp_intercept *in, const char *stage,
		      const char *compilers, struct rp_diag *diag)
{
	in->compilers = compilers;
	in->tool = realpath("/proc/self/exe", NULL);
	in->preload = in->tool ? find_preload(in->tool) : NULL;
	in->shims = rp_format("%s/shims", stage);
	if (!in->preload)
		return rp_diag_set(diag, RP_DIAG_READ, object_name, "not found, "
			"neither beside the program nor in " RP_PRELOAD_DIR);
	return can_stand_in_list(in->preload) ? 0 : shorten(in, stage, diag);
}

void rp_intercept_deinit(struct rp_intercept *in)
{
	free(in->tool);
	free(in->preload);
	free(in->shims);
}

static void put_quoted(FILE *out, const char *word)
{
	putc('\'', out);
	for (; *word; word++) {
		if (*word == '\'')
			fputs("'\\''", out);
		else
			putc(*word, out);
	}
	putc('\'', out);
}

static bool write_script(const struct rp_intercept *in, const char *path,
			 const char *compiler)
{
	FILE *out = fopen(path, "wxe");

	if (!out)
		return false;
	fputs("#!/bin/sh\n[ -z \"$" RP_INTERCEPT_INSIDE "\" ] || exec ", out);
	put_quoted(out, compiler);
	fputs(" \"$@\"\nexec ", out);
	put_quoted(out, in->tool);
	fputs(" patch build --compile ", out);
	put_quoted(out, compiler);
	fputs(" \"$@\"\n", out);
	bool written = !ferror(out);
	return !fclose(out) && written && !chmod(path, 0755);
}

static char *find_program(const char *name)
{
	const char *path = getenv("PATH");

	while (path && *path) {
		size_t n = strcspn(path, ":");
		char *candidate = rp_format("%.*s/%s", (int)n, path, name);

		if (n && !access(candidate, X_OK))
			return candidate;
		free(candidate);
		path += n + (path[n] == ':');
	}
	return NULL;
}

static bool write_shim(const struct rp_intercept *in, const char *name)
{
	char *compiler = find_program(name);
	char *path = rp_format("%s/%s", in->shims, name);
	bool written = !compiler || write_script(in, path, compiler);

	free(path);
	free(compiler);
	return written;
}

int rp_intercept_write_shims(const struct rp_intercept *in,
			     struct rp_diag *diag)
{
	static const char *const names[] = {
		"cc", "c++", "gcc", "g++", "clang", "clang++", NULL
	};
	const char *list = in->compilers;
	bool written = true;

	for (const char *const *name = names; *name; name++)
		written &= write_shim(in, *name);
	while (written && *list) {
		size_t n = strcspn(list, ":");
		char *name = rp_format("%.*s", (int)n, list);

		written &= write_shim(in, name);
		free(name);
		list += n + (list[n] == ':');
	}
	return written ? 0 : rp_file_error(diag, RP_DIAG_WRITE, in->shims,
					   "cannot be filled");
}

static void prepend(const char *variable, const char *word)
{
	const char *old = getenv(variable);
	char *value = old && *old ? rp_format("%s:%s", word, old) :
				    rp_format("%s", word);

	setenv(variable, value, 1);
	free(value);
}

void rp_intercept_setenv(const struct rp_intercept *in, const char *side,
			 const char *source, bool shims)
{
	setenv(RP_INTERCEPT_SIDE, side, 1);
	setenv(RP_INTERCEPT_SOURCE, source, 1);
	setenv(RP_INTERCEPT_TOOL, in->tool, 1);
	setenv(RP_INTERCEPT_COMPILERS, in->compilers, 1);
	setenv("RP_PATCH_PRELOAD", in->preload, 1);
	unsetenv(RP_INTERCEPT_INSIDE);
	prepend("LD_PRELOAD", in->preload);
	if (shims)
		prepend("PATH", in->shims);
}
