/* SPDX-License-Identifier: MIT */
/*
 * The same work for many files, on several processors; what it prints comes out
 * in the order of the files.
 *
 *   static int check(void *context, size_t index, FILE *out, FILE *err);
 *   ...
 *   status = rp_parallel(nfiles, jobs, check, &settings);
 *
 * Each file is one call, in one of @jobs threads. It prints to the streams that
 * it is given, never to stdout and stderr: for JSON, what comes between two
 * files is printed by the call itself (index ? "," : "").
 *
 * Ctrl-C ends the program at once, unless a call holds it: see interrupt.h.
 */
#ifndef REPOINT_TOOLS_PARALLEL_H
#define REPOINT_TOOLS_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/**
 * rp_parallel_fn - the work for one file.
 * @context: as given; what is in it is shared by all threads
 * @index:   of the file, from 0
 * @out:     what becomes stdout
 * @err:     what becomes stderr; comes out before @out
 *
 * Return: exit status for this file.
 */
typedef int rp_parallel_fn(void *context, size_t index, FILE *out, FILE *err);

/**
 * rp_parallel() - call @fn for 0 to @n - 1.
 * @n:       how many
 * @jobs:    threads; 0: as many as there are processors to run on
 * @fn:      the work
 * @context: for @fn
 *
 * Return: the greatest value that @fn returned; 1 at least if memory ran out
 * (which is reported).
 */
int rp_parallel(size_t n, unsigned int jobs, rp_parallel_fn *fn, void *context);

#define RP_PARALLEL_MAX	1024u	/* threads */

/** rp_parallel_jobs() - the word of an option -j. Return: is it a number of
 *  threads (1 to RP_PARALLEL_MAX)? */
bool rp_parallel_jobs(const char *word, unsigned int *ret);

#endif /* REPOINT_TOOLS_PARALLEL_H */
