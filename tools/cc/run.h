/* SPDX-License-Identifier: MIT */
/* Running other programs on behalf of the user. */
#ifndef REPOINT_TOOLS_CC_RUN_H
#define REPOINT_TOOLS_CC_RUN_H

#include "words.h"

/**
 * rp_run_exec() - become another program.
 * @words: its command line
 *
 * Return: only if that fails, after a message: 127 if there is no such
 * program, 126 if it cannot be run.
 */
int rp_run_exec(const struct rp_words *words);

/**
 * rp_run_wait() - run another program and wait for its end.
 * @words: its command line
 *
 * Signals of the terminal are left to the program, as is SIGTERM; if it dies of
 * a signal, so does this process.
 *
 * Return: its exit status; 126 or 127 as for rp_run_exec().
 */
int rp_run_wait(const struct rp_words *words);

/**
 * rp_run_capture() - run another program for what it prints.
 * @words: its command line
 * @fd:    1 or 2: what to catch; the other one is thrown away
 *
 * Return: the text, to be freed; NULL if the program could not be run or failed.
 */
char *rp_run_capture(const struct rp_words *words, int fd);

#endif /* REPOINT_TOOLS_CC_RUN_H */
