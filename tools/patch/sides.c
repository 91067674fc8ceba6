/* SPDX-License-Identifier: MIT */
/* The objects of the two builds, brought in step. */
#define _GNU_SOURCE
#include "sides.h"
#include "compile.h"
#include "files.h"
#include "../tool.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void rp_sides_read(struct rp_sides *sides)
{
	rp_journal_read(&sides->old_journal, sides->old);
	rp_journal_read(&sides->new_journal, sides->new);
}

static bool names_file(const struct rp_sides *sides,
		       const struct rp_words *names, const char *path)
{
	const char *source = sides->patch->source;

	for (size_t i = 0; i < names->n; i++) {
		size_t n = strlen(source);

		if (rp_file_is_inside(path, source) && path[n] == '/' &&
		    !strcmp(path + n + 1, names->v[i]))
			return true;
	}
	return false;
}

// Names are compared first: resolving all of them takes its time.
static bool is_name_of(const struct rp_words *names, const char *path)
{
	for (size_t i = 0; i < names->n; i++) {
		if (!strcmp(rp_basename(names->v[i]), rp_basename(path)))
			return true;
	}
	return false;
}

static bool is_changed(const struct rp_sides *sides, const char *cwd,
		       const char *path)
{
	const struct rp_words *names = &sides->patch->changed;
	bool changed = false;

	if (is_name_of(names, path)) {
		char *absolute = rp_file_absolute(cwd, path);
		char *real = realpath(absolute, NULL);

		changed = names_file(sides, names, real ? real : absolute);
		free(absolute);
		free(real);
	}
	return changed;
}

// The next word of a dependency file, in which backslashes keep blanks.
static bool next_word(FILE *in, char *word, size_t size)
{
	size_t n = 0;
	int c;

	while ((c = getc(in)) != EOF) {
		if (c == '\\') {
			c = getc(in);
			if (c == '\n')
				c = ' ';
			else if (c != ' ' && c != '#' && n + 1 < size)
				word[n++] = '\\';
			else if (n + 1 < size && c != EOF) {
				word[n++] = c;
				continue;
			}
		}
		if (!isspace(c) && n + 1 < size)
			word[n++] = c;
		else if (n)
			break;
	}
	word[n] = '\0';
	return n;
}

static bool depends_on_change(const struct rp_sides *sides,
			      const struct rp_journal_entry *entry)
{
	char *path = rp_format("%s/depends/%s.d", sides->old, entry->kept);
	bool depends = is_changed(sides, entry->cwd, entry->source);
	FILE *in = fopen(path, "re");
	char word[4096];

	while (in && !depends && next_word(in, word, sizeof(word)))
		depends = is_changed(sides, entry->cwd, word);
	if (in)
		fclose(in);
	free(path);
	return depends;
}

static bool source_exists(const struct rp_journal_entry *entry)
{
	char *path = rp_file_absolute(entry->cwd, entry->source);
	bool is = !access(path, F_OK);

	free(path);
	return is;
}

static bool compile(const char *side, const struct rp_journal_entry *entry,
		    const char *which)
{
	struct rp_diag diag;

	if (source_exists(entry) && rp_compile_again(side, entry))
		return true;
	rp_diag_set(&diag, RP_DIAG_BUILD_ONE_SIDED, NULL, "was compiled in one "
		    "build only, and cannot be compiled by itself in the %s "
		    "tree; build everything twice with --clean", which);
	rp_error(entry->output, &diag);
	return false;
}

bool rp_sides_complete_new(struct rp_sides *sides)
{
	bool complete = true;

	for (size_t i = 0; i < sides->old_journal.n; i++) {
		const struct rp_journal_entry *entry = &sides->old_journal.v[i];

		if (rp_journal_find(&sides->new_journal, entry->kept) ||
		    !source_exists(entry) || !depends_on_change(sides, entry))
			continue;
		complete &= compile(sides->new, entry, "patched") &&
			    !rp_journal_add(sides->new, entry);
	}
	rp_sides_read(sides);
	return complete;
}

static bool is_created(const struct rp_sides *sides,
		       const struct rp_journal_entry *entry)
{
	char *path = rp_file_absolute(entry->cwd, entry->source);
	bool created = names_file(sides, &sides->patch->created, path);

	free(path);
	return created;
}

static bool compare(struct rp_sides *sides,
		    const struct rp_journal_entry *entry)
{
	char *old = rp_format("%s/objects/%s", sides->old, entry->kept);
	char *new = rp_format("%s/objects/%s", sides->new, entry->kept);
	bool complete = true;

	if (!rp_journal_find(&sides->old_journal, entry->kept)) {
		if (is_created(sides, entry)) {
			sides->added++;
			goto out;
		}
		complete = compile(sides->old, entry, "original");
	}
	sides->compared++;
	sides->differing += !rp_file_equal(old, new);
out:
	free(old);
	free(new);
	return complete;
}

bool rp_sides_complete_old(struct rp_sides *sides)
{
	bool complete = true;

	for (size_t i = 0; i < sides->new_journal.n; i++)
		complete &= compare(sides, &sides->new_journal.v[i]);
	for (size_t i = 0; i < sides->old_journal.n; i++) {
		const char *kept = sides->old_journal.v[i].kept;
		char *path;

		if (rp_journal_find(&sides->new_journal, kept))
			continue;
		path = rp_format("%s/objects/%s", sides->old, kept);
		unlink(path);
		free(path);
	}
	return complete;
}
