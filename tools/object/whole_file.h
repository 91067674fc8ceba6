/* SPDX-License-Identifier: MIT */
/* Files that are read as a whole, and replaced as a whole. */
#ifndef REPOINT_TOOLS_WHOLE_FILE_H
#define REPOINT_TOOLS_WHOLE_FILE_H

#include "../../object/diag.h"

#include <stddef.h>
#include <sys/stat.h>

/** struct rp_whole_file - a file's bytes; @image is owned. */
struct rp_whole_file {
	void *image;
	size_t size;
	struct stat st;
};

/**
 * rp_whole_file_read() - read a regular file.
 * @file: filled in; rp_whole_file_deinit() frees it, also after a failure
 * @path: the file
 * @diag: on failure
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_whole_file_read(struct rp_whole_file *file, const char *path,
		       struct rp_diag *diag);

void rp_whole_file_deinit(struct rp_whole_file *file);

/** rp_whole_file_fn - writes the content to an empty file. Return: as below. */
typedef int rp_whole_file_fn(void *context, int fd, struct rp_diag *diag);

/**
 * rp_whole_file_replace() - put a new file in the place of one, or where none is.
 * @path:  the file; if it is a symbolic link, what it points to is replaced
 * @write: writes the content
 * @context: for @write
 * @diag:  on failure
 *
 * The new file gets owner and mode of the old one. It appears by rename(2), or
 * the old one is not touched at all; signals wait meanwhile.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_whole_file_replace(const char *path, rp_whole_file_fn *write,
			  void *context, struct rp_diag *diag);

#endif /* REPOINT_TOOLS_WHOLE_FILE_H */
