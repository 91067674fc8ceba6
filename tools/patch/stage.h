/* SPDX-License-Identifier: MIT */
/*
 * The stage directory of a run, and the mark in the source directory that leads
 * to it: whoever finds a mark that nobody holds a lock on undoes what a killed
 * run has left.
 */
#ifndef REPOINT_TOOLS_PATCH_STAGE_H
#define REPOINT_TOOLS_PATCH_STAGE_H

#include "tree.h"

#include <time.h>

#define RP_STAGE_MARK	".repoint-patch-build"

/**
 * struct rp_stage - a run.
 * @source: source directory, absolute
 * @mark:   path of the mark
 * @dir:    stage directory, absolute; NULL before rp_stage_create()
 * @lock:   descriptor of the mark, locked
 * @time:   of the source directory, which the mark changes
 */
struct rp_stage {
	char *source;
	char *mark;
	char *dir;
	int lock;
	struct timespec time;
};

/**
 * rp_stage_lock() - make the mark; undo what an earlier run has left.
 * @source: absolute
 * @undone: set if there was something to undo
 *
 * Return: 0, or negative with @diag set.
 */
int rp_stage_lock(struct rp_stage *stage, const char *source, bool *undone,
		  struct rp_diag *diag);

/**
 * rp_stage_create() - make the stage directory.
 * @dir: where; NULL for one in $TMPDIR, or else /var/tmp
 */
int rp_stage_create(struct rp_stage *stage, const char *dir,
		    struct rp_diag *diag);

/** rp_stage_unlock() - remove the mark. */
void rp_stage_unlock(struct rp_stage *stage);

/** rp_stage_end_all() - end all processes that belong to the builds of @dir. */
void rp_stage_end_all(const char *dir);

#endif /* REPOINT_TOOLS_PATCH_STAGE_H */
