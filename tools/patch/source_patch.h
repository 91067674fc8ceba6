/* SPDX-License-Identifier: MIT */
/* Source patches: what they change, and applying them with patch(1). */
#ifndef REPOINT_TOOLS_PATCH_SOURCE_PATCH_H
#define REPOINT_TOOLS_PATCH_SOURCE_PATCH_H

#include "../../object/diag.h"
#include "../cc/words.h"

/**
 * struct rp_source_patch - the sum of all patches.
 * @scratch: directory in which the changed files are
 * @source:  directory that they are for
 * @copied:  files of @source that the patches speak of, relative to it
 * @changed: those that differ afterwards
 * @removed: those that are gone
 * @created: files that are new
 */
struct rp_source_patch {
	const char *scratch;
	const char *source;
	struct rp_words copied;
	struct rp_words changed;
	struct rp_words removed;
	struct rp_words created;
};

/**
 * rp_source_patch_try() - apply patches to copies of the files in @scratch.
 * @patches: files, in order
 * @strip:   as for patch -p; negative: find out
 *
 * Return: 0, or negative after a message.
 */
int rp_source_patch_try(struct rp_source_patch *patch,
			const struct rp_words *patches, int strip);

/** rp_source_patch_touch() - make the files look new, so that what depends on
 * them is built. */
int rp_source_patch_touch(const struct rp_source_patch *patch,
			  struct rp_diag *diag);

/** rp_source_patch_apply() - put the changed files into the source. */
int rp_source_patch_apply(const struct rp_source_patch *patch,
			  struct rp_diag *diag);

#endif /* REPOINT_TOOLS_PATCH_SOURCE_PATCH_H */
