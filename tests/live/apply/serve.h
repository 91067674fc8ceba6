/* SPDX-License-Identifier: MIT */
/*
 * Programs that answer: a line on standard input, a line on standard output. So
 * that a script can ask a process that is patched what it sees.
 *
 *   version         version() as it is now
 *   check           each worker does two more rounds; "ok N" or what was wrong
 *   load KIND N     N more workers; see load.c
 *   forget          what went wrong so far was to be expected
 *   fork IN OUT     a child that answers there: its number
 *   exec            the same program again
 *   quit
 *
 * All else is for the program: serve_command().
 */
#ifndef TESTS_LIVE_APPLY_SERVE_H
#define TESTS_LIVE_APPLY_SERVE_H

#include <stdbool.h>
#include <stddef.h>

/* Kept as they are, so that each call is one. */
#ifdef __clang__
# define OPAQUE	__attribute__((noinline))
#else
# define OPAQUE	__attribute__((noipa))
#endif

/** serve_begin() - of the program: before the first question. */
void serve_begin(int argc, char **argv);
/** serve_command() - of the program: answer with one line.
 *  Return: false: what is that? */
bool serve_command(const char *line);

/** answer() - print a line. */
void answer(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* load.c: threads that check themselves */
bool load_start(const char *kind, unsigned int n);
void load_check(char *ret, size_t size);
void load_forget(void);
unsigned int load_excuse(void);

/* What they call, of the program; all of it is replaced at once. */
struct seen {
	int left, right, setting;
};
int version(void);
int left(void);
int right(void);
int pair(struct seen *seen);

#endif /* TESTS_LIVE_APPLY_SERVE_H */
