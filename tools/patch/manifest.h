/* SPDX-License-Identifier: MIT */
/*
 * List of the files that were saved. Records end with NUL, so that a name may
 * hold anything else: first a header with the directories, the path to skip and
 * the stage; then for each file
 *
 *   "TYPE MODE UID GID SIZE MTIME CTIME INODE LINKS INDEX", PATH, LINK TARGET
 */
#ifndef REPOINT_TOOLS_PATCH_MANIFEST_H
#define REPOINT_TOOLS_PATCH_MANIFEST_H

#include "../cc/words.h"

#include <stdio.h>
#include <sys/stat.h>

/**
 * struct rp_saved_file - one file.
 * @type:   'f' file, 'd' directory, 'l' symbolic link, 'b' file that was set
 *          aside, 'o' anything else (left alone)
 * @index:  name of its copy
 * @target: of a symbolic link; where the file is that was set aside
 */
struct rp_saved_file {
	char type;
	struct stat st;
	unsigned long index;
	char *path;
	char *target;
};

struct rp_manifest {
	struct rp_words dirs;
	char *skip;
	struct rp_saved_file *v;	/* sorted by path */
	size_t n;
};

void rp_manifest_put_header(FILE *out, const struct rp_words *dirs,
			    const char *skip);
void rp_manifest_put(FILE *out, const struct rp_saved_file *file);

/** rp_manifest_read() - Return: false if @path is not one, or is damaged. */
bool rp_manifest_read(struct rp_manifest *manifest, const char *path);

/** rp_manifest_find() - what was saved at @path, or NULL. */
const struct rp_saved_file *rp_manifest_find(const struct rp_manifest *manifest,
					     const char *path);

/** rp_is_version_control() - name of a directory that is left alone. */
bool rp_is_version_control(const char *name);

#endif /* REPOINT_TOOLS_PATCH_MANIFEST_H */
