/* SPDX-License-Identifier: MIT */
/*
 * What a build has compiled: one line for each object, with fields separated
 * by tabs: name of the kept object, working directory, source, output, and the
 * words of the compiler. Tabs, newlines and backslashes in a field are escaped
 * as \t, \n and \\.
 *
 * Compilers run in parallel: each line is one write() to the end of the file.
 */
#ifndef REPOINT_TOOLS_PATCH_JOURNAL_H
#define REPOINT_TOOLS_PATCH_JOURNAL_H

#include "../cc/words.h"

/**
 * struct rp_journal_entry - one object.
 * @kept:   its path below SIDE/objects, and, with .d, below SIDE/depends
 * @cwd:    where the compiler ran
 * @source: as the compiler was told
 * @output: absolute path; of a link if the object was a temporary file
 * @words:  compiler and arguments
 * @line:   which line of the journal it is
 */
struct rp_journal_entry {
	char *kept;
	char *cwd;
	char *source;
	char *output;
	struct rp_words words;
	size_t line;
};

/* struct rp_journal - sorted by @kept, which is unique: the last one counts. */
struct rp_journal {
	struct rp_journal_entry *v;
	size_t n;
};

/** rp_journal_add() - append to SIDE/journal. Return: 0 or negative errno. */
int rp_journal_add(const char *side, const struct rp_journal_entry *entry);

/** rp_journal_read() - read SIDE/journal; one that is not there is empty. */
void rp_journal_read(struct rp_journal *journal, const char *side);

/** rp_journal_find() - the entry of a kept object, or NULL. */
const struct rp_journal_entry *rp_journal_find(const struct rp_journal *journal,
					       const char *kept);

/** rp_journal_count() - how many lines SIDE/journal has by now. */
size_t rp_journal_count(const char *side);

#endif /* REPOINT_TOOLS_PATCH_JOURNAL_H */
