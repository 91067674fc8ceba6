/* SPDX-License-Identifier: MIT */
/* Running the user's build command, and signals meanwhile. */
#ifndef REPOINT_TOOLS_PATCH_RUNNER_H
#define REPOINT_TOOLS_PATCH_RUNNER_H

#include "intercept.h"

#include <signal.h>
#include <stddef.h>

/**
 * struct rp_runner - how commands are run.
 * @cwd:     directory
 * @source:  source directory
 * @stage:   stage directory: processes that belong to it can be ended
 * @verbose: show what the command prints while it runs
 * @tick:    called now and then while a command runs
 * @signal:  the signal that asked us to stop, 0 if there was none
 * @old:     signal mask before rp_runner_block()
 */
struct rp_runner {
	const char *cwd;
	const char *source;
	const char *stage;
	const struct rp_intercept *intercept;
	bool shims;
	bool verbose;
	void (*tick)(void *data);
	void *data;
	int signal;
	sigset_t old;
};

/*
 * Between these two, signals that end programs are waited for where it suits
 * us: the tree has to be put back first.
 */
void rp_runner_block(struct rp_runner *runner);
void rp_runner_unblock(struct rp_runner *runner);

/** rp_runner_stopped() - has a signal asked us to stop? */
bool rp_runner_stopped(struct rp_runner *runner);

/** struct rp_run - one command; argv or (for the shell) text. */
struct rp_run {
	char *const *argv;
	const char *text;
	const char *side;
	const char *log;
};

/**
 * rp_runner_run() - run a command in a process group of its own.
 *
 * When it has ended no process that belongs to it is left.
 *
 * Return: its exit status, 128 + number of the signal that it died of, or -1 if
 * we were asked to stop.
 */
int rp_runner_run(struct rp_runner *runner, const struct rp_run *run);

/**
 * rp_runner_call() - call a function in a process of its own, so that a signal
 * ends it and not us.
 *
 * Return: what it returns; as for rp_runner_run().
 */
int rp_runner_call(struct rp_runner *runner, int (*function)(void *data),
		   void *data);

#endif /* REPOINT_TOOLS_PATCH_RUNNER_H */
