/* SPDX-License-Identifier: MIT */
/* Programs that are stopped, and tests of how that went. */
#ifndef DRIVER_H
#define DRIVER_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "../../../live/threads.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/**
 * struct victim - a program that runs.
 * @in:  closing it ends the program
 * @out: what it writes
 */
struct victim {
	pid_t pid;
	int in, out;
	struct rp_target target;
	struct rp_threads threads;
};

/** start() - a class of ./target, ready, and look at it. Return: false: it did
 *  not come to that, see victim_line(). */
bool start(struct victim *victim, const char *class);

/** run_program() - the same with other arguments; no target is opened. */
void run_program(struct victim *victim, char *const argv[]);
bool open_victim(struct victim *victim);

/** victim_line() - the next line that it writes. "" if there is none within a
 *  minute. */
const char *victim_line(struct victim *victim);

/** end() - end it. Return: its verdict was good. */
bool end(struct victim *victim);

/** victim_kill() - if it is still there. */
void victim_kill(struct victim *victim);

/** state_of() - of a thread: 'S', 't', ... */
char state_of(pid_t pid, pid_t tid);

/** is_free() - is no thread traced or stopped? */
bool is_free(pid_t pid);

/** stop_soon() - rp_threads_stop() until it is not -EAGAIN, for some seconds: any
 *  thread may wait in the kernel for a disk, or for a lock that waits for one. */
int stop_soon(struct victim *victim, struct rp_diag *diag);

/** cycles() - seize, stop, resume, release, in several orders, @n stops.
 *  Return: NULL, or what went wrong. @again: how many of them needed more than one
 *  attempt. */
const char *cycles(struct victim *victim, int n, int *again);

/** run_for() - let it run under trace for about so long. */
void run_for(struct victim *victim, unsigned int us);

/* TAP */
void plan(const char *target_program);
void result(const char *name, bool is_good, const char *why);
void skipped(const char *name, const char *why);
int done(void);

extern const char *target_program;

#endif /* DRIVER_H */
