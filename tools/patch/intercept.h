/* SPDX-License-Identifier: MIT */
/*
 * How the compilers of a build are caught.
 *
 * A shared object (preload/) is loaded into every program of the build. Where
 * such a program starts a compiler, `repoint patch build --compile` is started
 * in its place, with the same words. Inside it nothing is caught any more.
 *
 * Programs that are statically linked load nothing. For them there are scripts
 * with the compilers' names, in a directory that is put in front of PATH.
 */
#ifndef REPOINT_TOOLS_PATCH_INTERCEPT_H
#define REPOINT_TOOLS_PATCH_INTERCEPT_H

#include "../../object/diag.h"

#include <stdbool.h>

/* Directory that the objects and the journal of this build go to. */
#define RP_INTERCEPT_SIDE	"RP_PATCH_SIDE"
/* Directory that names of kept objects are relative to. */
#define RP_INTERCEPT_SOURCE	"RP_PATCH_SOURCE"
/* The program to start in place of a compiler. */
#define RP_INTERCEPT_TOOL	"RP_PATCH_TOOL"
/* Names of further compilers, separated by colons. */
#define RP_INTERCEPT_COMPILERS	"RP_PATCH_COMPILERS"
/* Set inside the wrapper: catch nothing. */
#define RP_INTERCEPT_INSIDE	"RP_PATCH_INSIDE"

/**
 * struct rp_intercept - what a build is started with.
 * @tool:      this program
 * @preload:   the shared object; a path without blanks and colons
 * @shims:     directory of scripts
 * @compilers: names of further compilers, separated by colons
 */
struct rp_intercept {
	char *tool;
	char *preload;
	char *shims;
	const char *compilers;
};

/**
 * rp_intercept_init() - find the program and its shared object.
 * @stage: directory for the scripts, and for a link to the shared object if
 *         its path cannot stand in LD_PRELOAD
 *
 * Return: 0, or negative with @diag set.
 */
int rp_intercept_init(struct rp_intercept *in, const char *stage,
		      const char *compilers, struct rp_diag *diag);
void rp_intercept_deinit(struct rp_intercept *in);

/** rp_intercept_write_shims() - Return: 0, or negative with @diag set. */
int rp_intercept_write_shims(const struct rp_intercept *in,
			     struct rp_diag *diag);

/**
 * rp_intercept_setenv() - set this process's environment up; done in the
 * child that becomes the build.
 * @side:  see RP_INTERCEPT_SIDE
 * @shims: put the scripts into PATH too
 */
void rp_intercept_setenv(const struct rp_intercept *in, const char *side,
			 const char *source, bool shims);

#endif /* REPOINT_TOOLS_PATCH_INTERCEPT_H */
