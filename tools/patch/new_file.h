/* SPDX-License-Identifier: MIT */
/* Files that are there whole or not at all. */
#ifndef REPOINT_TOOLS_PATCH_NEW_FILE_H
#define REPOINT_TOOLS_PATCH_NEW_FILE_H

#include "../../object/diag.h"

#include <stddef.h>
#include <sys/types.h>

/**
 * struct rp_new_file - a file that is to be.
 * @path:    its name
 * @mode:    its permissions, whatever the umask is
 * @replace: may it replace one? If not, it is an error that one is there
 */
struct rp_new_file {
	const char *path;
	mode_t mode;
	bool replace;
};

/**
 * rp_new_file_write() - make a file.
 * @file: which
 * @text: its content
 * @diag: filled in if it fails
 *
 * It is written under another name, readable by its owner only, and gets its own
 * when it is on the disk. After a failure nothing is left of it.
 */
int rp_new_file_write(const struct rp_new_file *file, const char *text,
		      struct rp_diag *diag);

#endif /* REPOINT_TOOLS_PATCH_NEW_FILE_H */
