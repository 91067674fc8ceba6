/* SPDX-License-Identifier: MIT */
/* What `repoint patch build` is asked to do. */
#ifndef REPOINT_TOOLS_PATCH_BUILD_OPTIONS_H
#define REPOINT_TOOLS_PATCH_BUILD_OPTIONS_H

#include "settings.h"
#include "../cc/words.h"
#include "../tool.h"

/**
 * struct rp_build_options - the command line.
 * @source:    source directory, absolute
 * @build_dir: where the command runs, absolute
 * @patches:   in order
 * @strip:     -p, negative to find out
 * @clean:     command for the shell that empties the build, or NULL
 * @compilers: names of further compilers, separated by colons
 * @keep:      keep the stage directory; @keep_dir: where it is to be
 * @undo:      only undo what an earlier run has left
 * @command:   the build command
 */
struct rp_build_options {
	struct rp_patch_settings settings;
	char *source;
	char *build_dir;
	struct rp_words patches;
	int strip;
	const char *clean;
	const char *compilers;
	bool keep;
	const char *keep_dir;
	bool undo;
	char *const *command;
};

/**
 * rp_build_options_parse() - read the command line; help is printed here.
 * Return: an exit status.
 */
int rp_build_options_parse(struct rp_build_options *options, int argc,
			   char **argv);

/** rp_build_saved_dirs() - directories that the build may change. */
void rp_build_saved_dirs(const struct rp_build_options *options,
			 struct rp_words *dirs);

#endif /* REPOINT_TOOLS_PATCH_BUILD_OPTIONS_H */
