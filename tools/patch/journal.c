/* SPDX-License-Identifier: MIT */
/* What a build has compiled. */
#define _GNU_SOURCE
#include "journal.h"
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put_field(FILE *out, const char *field, char end)
{
	for (; *field; field++) {
		switch (*field) {
		case '\t': fputs("\\t", out); break;
		case '\n': fputs("\\n", out); break;
		case '\\': fputs("\\\\", out); break;
		default: putc(*field, out);
		}
	}
	putc(end, out);
}

static void put_entry(FILE *out, const struct rp_journal_entry *entry)
{
	put_field(out, entry->kept, '\t');
	put_field(out, entry->cwd, '\t');
	put_field(out, entry->source, '\t');
	put_field(out, entry->output, '\t');
	for (size_t i = 0; i < entry->words.n; i++)
		put_field(out, entry->words.v[i],
			  i + 1 < entry->words.n ? '\t' : '\n');
}

static char *path_of(const char *side)
{
	return rp_format("%s/journal", side);
}

static int append(const char *path, const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	int rc = 0;

	if (fd < 0)
		return -errno;
	ssize_t done = write(fd, text, length);
	if (done != (ssize_t)length)
		rc = done < 0 ? -errno : -ENOSPC;
	close(fd);
	return rc;
}

int rp_journal_add(const char *side, const struct rp_journal_entry *entry)
{
	char *text = NULL, *path = path_of(side);
	size_t length;
	FILE *out = open_memstream(&text, &length);
	int rc = -ENOMEM;

	if (out) {
		put_entry(out, entry);
		fclose(out);
		rc = text ? append(path, text, length) : -ENOMEM;
	}
	free(text);
	free(path);
	return rc;
}

// Cuts the next field off, in place.
static char *next_field(char **line)
{
	char *field = *line, *in = *line, *out = *line;

	if (!*line)
		return NULL;
	for (; *in && *in != '\t'; in++) {
		if (*in == '\\' && in[1]) {
			in++;
			*out++ = *in == 't' ? '\t' : *in == 'n' ? '\n' : *in;
		} else {
			*out++ = *in;
		}
	}
	*line = *in ? in + 1 : NULL;
	*out = '\0';
	return field;
}

static bool parse(struct rp_journal_entry *entry, char *line)
{
	char *fields[4], *word;

	for (size_t i = 0; i < 4; i++) {
		fields[i] = next_field(&line);
		if (!fields[i])
			return false;
	}
	entry->kept = fields[0];
	entry->cwd = fields[1];
	entry->source = fields[2];
	entry->output = fields[3];
	while ((word = next_field(&line)))
		rp_words_add(&entry->words, word);
	return entry->words.n;
}

static int by_kept(const void *a, const void *b)
{
	const struct rp_journal_entry *x = a, *y = b;
	int order = strcmp(x->kept, y->kept);

	return order ? order : (x->line > y->line) - (x->line < y->line);
}

static void keep_last(struct rp_journal *journal)
{
	size_t n = 0;

	for (size_t i = 0; i < journal->n; i++) {
		if (i + 1 < journal->n &&
		    !strcmp(journal->v[i].kept, journal->v[i + 1].kept))
			continue;
		journal->v[n++] = journal->v[i];
	}
	journal->n = n;
}

static void read_lines(struct rp_journal *journal, FILE *in)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	while ((length = getline(&line, &size, in)) > 0) {
		struct rp_journal_entry entry = { .line = journal->n };

		// A writer that was killed may have left half a line.
		if (line[length - 1] != '\n')
			break;
		line[length - 1] = '\0';
		if (!parse(&entry, line))
			continue;
		journal->v = rp_resize(journal->v, journal->n + 1,
				     sizeof(entry));
		journal->v[journal->n++] = entry;
		line = NULL;	// the entry's fields are in it
		size = 0;
	}
	free(line);
}

void rp_journal_read(struct rp_journal *journal, const char *side)
{
	char *path = path_of(side);
	FILE *in = fopen(path, "re");

	journal->v = NULL;
	journal->n = 0;
	free(path);
	if (!in)
		return;
	read_lines(journal, in);
	fclose(in);
	qsort(journal->v, journal->n, sizeof(*journal->v), by_kept);
	keep_last(journal);
}

const struct rp_journal_entry *rp_journal_find(const struct rp_journal *journal,
					       const char *kept)
{
	size_t low = 0, high = journal->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(kept, journal->v[middle].kept);

		if (!order)
			return &journal->v[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

size_t rp_journal_count(const char *side)
{
	char *path = path_of(side);
	FILE *in = fopen(path, "re");
	size_t n = 0;
	int c;

	free(path);
	while (in && (c = getc_unlocked(in)) != EOF)
		n += c == '\n';
	if (in)
		fclose(in);
	return n;
}
