/* SPDX-License-Identifier: MIT */
/*
 * A program as users write them, that can tell at any moment whether its
 * static calls and static keys do what they should.
 */
#ifndef SUBJECT_H
#define SUBJECT_H

#include <stdbool.h>

#include <repoint/error.h>

/* What the static call calls. FAR is in libc, beyond 2 GiB from a PIE. */
enum subject_func { SUBJECT_ONE, SUBJECT_TWO, SUBJECT_FAR, SUBJECT_RET0,
		    SUBJECT_NULL, SUBJECT_FUNC_NR };

/* Updates; what the functions of the library return. */
int subject_set(enum subject_func func);
int subject_enable(bool enabled);
/* Both in one batch, with the error's details. */
int subject_batch(enum subject_func func, bool enabled, struct rp_error *error);

/* What the queries say. */
enum subject_func subject_func(void);
bool subject_enabled(void);

/*
 * True if all call sites call what the query says, and all branches go where
 * the query says. For when nobody updates.
 */
bool subject_is(enum subject_func func, bool enabled);
bool subject_consistent(void);

/* Runs all sites; false if one gave what no function gives. For other threads. */
bool subject_run_once(void);

/* A code address for those who want to spoil the text. */
const void *subject_text(void);

/*
 * Threads that run all sites in a loop, and check that each result is one that
 * some function gives. The result of NULL is undefined: not while they run.
 */
void subject_start(unsigned int threads);
unsigned long subject_progress(void);
/* True if they got on and met nothing wrong. */
bool subject_stop(void);
/* True when all threads have gone around once more. */
bool subject_moves(void);

#endif
