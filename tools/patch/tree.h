/* SPDX-License-Identifier: MIT */
/*
 * Directories that a build may change, and that are put back afterwards.
 *
 * Before the build everything in them is copied into the stage directory
 * (sharing blocks where the file system can) and entered in a manifest, with
 * inode and times. Afterwards what has another inode, size, mtime or ctime than
 * the manifest says gets its old content and times, what is new is removed, what
 * is missing comes back. What was not changed is not even opened.
 *
 * The binary that is to be patched is treated with more care: it may be running.
 * Its file is set aside under another name in the same directory, and a copy
 * takes its place for the build; in the end it gets its name back, the very same
 * file.
 *
 * All that is needed for putting things back is on disk before the build starts:
 * another process can do it.
 */
#ifndef REPOINT_TOOLS_PATCH_TREE_H
#define REPOINT_TOOLS_PATCH_TREE_H

#include "../../object/diag.h"
#include "../cc/words.h"

/* struct rp_tree_counts - what putting back has changed. */
struct rp_tree_counts {
	size_t restored;
	size_t removed;
};

/**
 * rp_tree_save() - copy directories.
 * @stage:  where to; not copied if it is inside of @dirs
 * @dirs:   absolute paths, none inside another
 * @skip:   absolute path of a file that is left alone
 * @binary: file to set aside if it is in @dirs
 *
 * Directories of version control systems (.git and the like) are left alone.
 *
 * Return: 0, or negative with @diag set, and everything as it was.
 */
int rp_tree_save(const char *stage, const struct rp_words *dirs,
		 const char *skip, const char *binary, struct rp_diag *diag);

/** rp_tree_is_saved() - has rp_tree_save() come to its end in @stage? */
bool rp_tree_is_saved(const char *stage);

/**
 * rp_tree_restore() - put everything back.
 *
 * Goes on after errors. Return: 0, or negative with @diag set to the first one.
 */
int rp_tree_restore(const char *stage, struct rp_tree_counts *counts,
		    struct rp_diag *diag);

#endif /* REPOINT_TOOLS_PATCH_TREE_H */
