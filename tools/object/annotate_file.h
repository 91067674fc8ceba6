/* SPDX-License-Identifier: MIT */
/* Annotating an object file in place. */
#ifndef REPOINT_TOOLS_ANNOTATE_FILE_H
#define REPOINT_TOOLS_ANNOTATE_FILE_H

#include "whole_file.h"
#include "../../object/annotate/annotate.h"

/**
 * struct rp_annotated_file - a file that was read, and what it holds.
 * @annotation: valid until rp_annotated_file_deinit()
 * @image, @size: what was read
 */
struct rp_annotated_file {
	struct rp_annotation annotation;
	struct rp_whole_file file;
	const void *image;
	size_t size;
};

/**
 * rp_annotate_file() - annotate one object file.
 * @file:    filled in; rp_annotated_file_deinit() frees it, also after a failure
 * @path:    the file; if it is a symbolic link, what it points to is replaced
 * @dry_run: look, but do not write
 * @diag:    what is wrong, on failure
 *
 * The file is replaced by rename(2), or not touched at all.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_annotate_file(struct rp_annotated_file *file, const char *path,
		     bool dry_run, struct rp_diag *diag);

/** rp_annotate_kernel_file() - the same with the names and formats of a Linux
 *  kernel, see kernel_sites.h. */
int rp_annotate_kernel_file(struct rp_annotated_file *file, const char *path,
			    const struct rp_abi *abi, bool module, bool dry_run,
			    struct rp_diag *diag);

void rp_annotated_file_deinit(struct rp_annotated_file *file);

#endif /* REPOINT_TOOLS_ANNOTATE_FILE_H */
