/* SPDX-License-Identifier: MIT */
/* Small text files of lines: keys, signatures, the policy. */
#ifndef REPOINT_PAYLOAD_LINES_H
#define REPOINT_PAYLOAD_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/**
 * struct rp_lines - what is left of a text.
 * @at:     first byte that was not read
 * @end:    behind the last one
 * @number: of the line that was read last, from 1
 */
struct rp_lines {
	const char *at;
	const char *end;
	unsigned int number;
};

/** struct rp_word - bytes of a text; they may be any but blanks at the ends. */
struct rp_word {
	const char *start;
	size_t size;
};

static inline bool rp_word_is(const struct rp_word *word, const char *s)
{
	return word->size == strlen(s) && !memcmp(word->start, s, word->size);
}

static inline bool rp_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static inline struct rp_word rp_word_trim(const char *start, const char *end)
{
	while (start < end && rp_is_blank(*start))
		start++;
	while (start < end && rp_is_blank(end[-1]))
		end--;
	return (struct rp_word){ start, end - start };
}

/** rp_word_cut() - take the first word of a line off. */
static inline struct rp_word rp_word_cut(struct rp_word *line)
{
	const char *end = line->start + line->size, *p = line->start;

	while (p < end && !rp_is_blank(*p))
		p++;
	struct rp_word first = { line->start, p - line->start };
	*line = rp_word_trim(p, end);
	return first;
}

/**
 * rp_lines_next() - the next line that says something.
 * @lines: the text
 * @line:  set to the line, without blanks around it
 *
 * Empty lines, and those that begin with #, are passed over.
 *
 * Return: false at the end.
 */
static inline bool rp_lines_next(struct rp_lines *lines, struct rp_word *line)
{
	while (lines->at < lines->end) {
		const char *start = lines->at;
		const char *end = memchr(start, '\n', lines->end - start);

		if (!end)
			end = lines->end;
		lines->at = end < lines->end ? end + 1 : end;
		lines->number++;
		*line = rp_word_trim(start, end);
		if (line->size && *line->start != '#')
			return true;
	}
	return false;
}

#endif /* REPOINT_PAYLOAD_LINES_H */
