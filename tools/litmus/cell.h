/* SPDX-License-Identifier: MIT */
/*
 * One protocol at one offset: a writer that changes the site and executors
 * that run it, for a few milliseconds, in a child process of their own.
 */
#ifndef LITMUS_CELL_H
#define LITMUS_CELL_H

#include <stdbool.h>
#include <stdint.h>

#include "machine.h"
#include "protocol.h"
#include "site.h"

/*
 * Less than this is no evidence: the threads may have taken turns on the
 * processor rather than met.
 */
enum {
	LITMUS_OVERLAP_MIN = 64,	/* updates with progress in between */
	LITMUS_SWITCHES_MIN = 16,	/* changes of the target that were seen */
};

/* What an executor alone writes; one cache line, read by the writer. */
struct litmus_executor {
	_Alignas(LITMUS_LINE) uint64_t calls;
	uint64_t switches;
	uint64_t seen[LITMUS_STATE_NR];
	uint64_t traps;
};

enum litmus_end {
	LITMUS_END_KILLED,	/* the child did not say; see status */
	LITMUS_END_TIME,	/* whole, as long as it ran */
	LITMUS_END_TORN,	/* a call came back from the wrong place */
	LITMUS_END_CRASH,	/* an executor got a signal */
	LITMUS_END_ERROR,	/* the experiment could not be made */
};

/* Shared between the child and its parent: survives the child's death. */
struct litmus_shared {
	enum litmus_end end;
	int error;		/* negative errno (ERROR) */
	int signal;		/* CRASH, and TORN by a stray SIGTRAP */
	uint32_t value;		/* TORN: what the call returned */
	uint64_t address;	/* CRASH: of the instruction */
	int64_t distance;	/* CRASH: the same, from the site */
	char message[160];	/* ERROR: why */
	_Alignas(LITMUS_LINE) uint64_t updates;
	uint64_t overlapped;
	struct litmus_executor executors[LITMUS_CPUS_MAX - 1];
};

struct litmus_slice {
	const struct litmus_protocol *protocol;
	const struct litmus_machine *machine;
	unsigned int offset;
	unsigned int size;
	unsigned int block;
	unsigned int round;	/* varies entry and rhythm */
	unsigned int ms;
	bool until_shown;	/* end as soon as the threads were seen to meet */
};

/**
 * litmus_slice_run() - one experiment.
 * @slice:  what to do
 * @shared: MAP_SHARED memory; the outcome
 *
 * SIGCHLD, SIGINT and SIGTERM must be blocked. The child is gone on return.
 *
 * Return: 0; -EINTR if SIGINT or SIGTERM came (the outcome means nothing);
 * -ETIMEDOUT if the child had to be killed; another negative errno.
 */
int litmus_slice_run(const struct litmus_slice *slice,
		     struct litmus_shared *shared);

#endif /* LITMUS_CELL_H */
