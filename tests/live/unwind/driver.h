/* SPDX-License-Identifier: MIT */
/* A process whose stacks are looked at. */
#ifndef TEST_UNWIND_DRIVER_H
#define TEST_UNWIND_DRIVER_H

#include "../../../live/threads.h"
#include "../../../live/unwind.h"

#include <stdio.h>

/** struct process - one that was started here; @out is its standard output. */
struct process {
	pid_t pid;
	FILE *out;
	struct rp_target target;
	struct rp_modules modules;
	struct rp_threads threads;
	struct rp_unwinder *unwinder;
};

/** compare_tables() - the unwinder's reading of .eh_frame and libdw's, for all
 *  modules of a process. Return: how many places differ. */
int compare_tables(struct process *process);

#endif
