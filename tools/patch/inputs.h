/* SPDX-License-Identifier: MIT */
/* Which object pairs a run of the differ has. */
#ifndef REPOINT_TOOLS_PATCH_INPUTS_H
#define REPOINT_TOOLS_PATCH_INPUTS_H

#include "../../patch/patch.h"

struct rp_patch_inputs {
	struct rp_patch_input *v;
	size_t n;
	size_t room;
};

/** rp_patch_inputs_dirs() - objects of two trees, by relative path. Return: an exit status. */
int rp_patch_inputs_dirs(struct rp_patch_inputs *inputs, const char *old_dir,
			 const char *new_dir);

/** rp_patch_inputs_pairs() - OLD NEW OLD NEW ... Return: an exit status. */
int rp_patch_inputs_pairs(struct rp_patch_inputs *inputs, char *const *paths,
			  size_t n);

void rp_patch_inputs_deinit(struct rp_patch_inputs *inputs);

#endif /* REPOINT_TOOLS_PATCH_INPUTS_H */
