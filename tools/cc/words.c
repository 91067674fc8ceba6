/* SPDX-License-Identifier: MIT */
/* Lists of command line words, and response files. */
#define _GNU_SOURCE
#include "words.h"
#include "../tool.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH	16		/* a response file may name another */
#define MAX_FILE	(64u << 20)	/* and may be a device without an end */

static void *need(void *memory)
{
	struct rp_diag diag;

	if (memory)
		return memory;
	rp_diag_nomem(&diag);
	rp_error("repoint cc", &diag);
	exit(RP_EXIT_ERROR);
}

static void add_owned(struct rp_words *words, char *word)
{
	if (words->n + 1 >= words->room) {
		words->room = words->room ? 2 * words->room : 64;
		words->v = need(reallocarray(words->v, words->room,
					     sizeof(*words->v)));
	}
	words->v[words->n++] = word;
	words->v[words->n] = NULL;
}

void rp_words_add(struct rp_words *words, const char *word)
{
	add_owned(words, need(strdup(word)));
}

void rp_words_addf(struct rp_words *words, const char *fmt, ...)
{
	char *word = NULL;
	va_list args;

	va_start(args, fmt);
	int length = vasprintf(&word, fmt, args);
	va_end(args);
	add_owned(words, need(length < 0 ? NULL : word));
}

static char *read_file(const char *path)
{
	FILE *in = fopen(path, "re");
	size_t room = 4096, n = 0, got;
	char *text;

	if (!in)
		return NULL;
	text = need(malloc(room));
	while ((got = fread(text + n, 1, room - n - 1, in)) && n < MAX_FILE) {
		n += got;
		if (n + 1 == room) {
			room *= 2;
			text = need(realloc(text, room));
		}
	}
	text[n] = '\0';
	bool failed = ferror(in);
	fclose(in);
	if (!failed)
		return text;
	free(text);
	return NULL;
}

/*
 * Cuts the next word off *@text, in place: white space separates, quotes of
 * both kinds and backslashes keep it.
 */
static char *next_word(char **text)
{
	char *in = *text, *out, *word, quote = 0;

	while (isspace((unsigned char)*in))
		in++;
	if (!*in)
		return NULL;
	for (word = out = in; *in; in++) {
		if (*in == '\\' && in[1] && quote != '\'')
			*out++ = *++in;
		else if (quote && *in == quote)
			quote = 0;
		else if (!quote && (*in == '"' || *in == '\''))
			quote = *in;
		else if (!quote && isspace((unsigned char)*in))
			break;
		else
			*out++ = *in;
	}
	*text = *in ? in + 1 : in;
	*out = '\0';
	return word;
}

static void expand(struct rp_words *words, const char *word, int depth);

static void expand_file(struct rp_words *words, char *text, int depth)
{
	char *word;

	while ((word = next_word(&text)))
		expand(words, word, depth);
}

// A word that names no file means itself, as compilers have it.
static void expand(struct rp_words *words, const char *word, int depth)
{
	char *text = NULL;

	if (word[0] == '@' && depth < MAX_DEPTH)
		text = read_file(word + 1);
	if (!text) {
		rp_words_add(words, word);
		return;
	}
	expand_file(words, text, depth + 1);
	free(text);
}

void rp_words_expand(struct rp_words *words, char *const *argv)
{
	for (; *argv; argv++)
		expand(words, *argv, 0);
}

bool rp_has_prefix(const char *word, const char *prefix)
{
	return !strncmp(word, prefix, strlen(prefix));
}

const char *rp_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool rp_word_in(const char *word, const char *const *list)
{
	for (; *list; list++) {
		if (!strcmp(word, *list))
			return true;
	}
	return false;
}
