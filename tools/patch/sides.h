/* SPDX-License-Identifier: MIT */
/*
 * The objects of the two builds, brought in step: an object that only one build
 * has compiled cannot be compared.
 */
#ifndef REPOINT_TOOLS_PATCH_SIDES_H
#define REPOINT_TOOLS_PATCH_SIDES_H

#include "journal.h"
#include "source_patch.h"

/**
 * struct rp_sides - the two builds.
 * @old, @new: their directories
 * @compared:  objects that both have, in the end
 * @differing: those whose bytes differ
 * @added:     objects of new sources
 */
struct rp_sides {
	char *old;
	char *new;
	const struct rp_source_patch *patch;
	struct rp_journal old_journal;
	struct rp_journal new_journal;
	size_t compared;
	size_t differing;
	size_t added;
};

/** rp_sides_read() - read the journals, after the builds. */
void rp_sides_read(struct rp_sides *sides);

/**
 * rp_sides_complete_new() - compile, in the patched tree, what the build should
 * have: objects of the original build that depend on a changed file.
 *
 * Return: false after a message.
 */
bool rp_sides_complete_new(struct rp_sides *sides);

/**
 * rp_sides_complete_old() - compile, in the original tree, what only the
 * patched build has compiled (a generated header has changed, say). Drop what
 * only the original build has compiled: the patch has nothing to do with it.
 *
 * Return: false after a message.
 */
bool rp_sides_complete_old(struct rp_sides *sides);

#endif /* REPOINT_TOOLS_PATCH_SIDES_H */
