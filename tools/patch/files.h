/* SPDX-License-Identifier: MIT */
/* Files and directories, as the commands of `repoint patch build` need them. */
#ifndef REPOINT_TOOLS_PATCH_FILES_H
#define REPOINT_TOOLS_PATCH_FILES_H

#include "../../object/diag.h"

#include <stdbool.h>
#include <sys/types.h>

/** rp_format() - a string like that, to be freed; the program ends without memory. */
char *rp_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** rp_resize() - reallocarray(); the program ends without memory. */
void *rp_resize(void *memory, size_t n, size_t size);

/** rp_file_error() - @diag from errno. Return: a negative errno. */
int rp_file_error(struct rp_diag *diag, enum rp_diag_id id, const char *path,
		  const char *what);

/**
 * rp_file_copy() - write what is in @from into @to, which is created or
 * truncated; shares the blocks if the file system can.
 * Return: 0 or a negative errno.
 */
int rp_file_copy(const char *from, const char *to, mode_t mode);

/** rp_file_equal() - do both exist, and hold the same bytes? */
bool rp_file_equal(const char *a, const char *b);

/** rp_file_make_parents() - mkdir -p of what holds @path. */
int rp_file_make_parents(const char *path);

/** rp_file_remove_tree() - rm -rf; false if something is left. */
bool rp_file_remove_tree(const char *path);

/** rp_file_is_inside() - is absolute @path the directory @dir, or in it? */
bool rp_file_is_inside(const char *path, const char *dir);

/** rp_file_absolute() - @path, seen from @cwd, without . and .. and //. */
char *rp_file_absolute(const char *cwd, const char *path);

/** rp_file_list() - relative paths of the regular files below @dir, sorted; *@n. */
char **rp_file_list(const char *dir, size_t *n);
void rp_file_list_free(char **list, size_t n);

#endif /* REPOINT_TOOLS_PATCH_FILES_H */
