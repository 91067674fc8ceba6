/* SPDX-License-Identifier: MIT */
/* Lists of command line words. */
#ifndef REPOINT_TOOLS_CC_WORDS_H
#define REPOINT_TOOLS_CC_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * struct rp_words - a list, with NULL behind the last word.
 *
 * Words are copied and live as long as the process, which is a short-lived
 * one; without memory it ends.
 */
struct rp_words {
	char **v;
	size_t n;
	size_t room;
};

void rp_words_add(struct rp_words *words, const char *word);
void rp_words_addf(struct rp_words *words, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* rp_words_expand() - add @argv, with @FILE words replaced by what is there. */
void rp_words_expand(struct rp_words *words, char *const *argv);

/* rp_has_prefix() - does @word begin with @prefix? */
bool rp_has_prefix(const char *word, const char *prefix);

/* rp_basename() - what follows the last slash. */
const char *rp_basename(const char *path);

/* rp_word_in() - is it one of a list that ends with NULL? */
bool rp_word_in(const char *word, const char *const *list);

#endif /* REPOINT_TOOLS_CC_WORDS_H */
