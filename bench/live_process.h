/* SPDX-License-Identifier: MIT */
/* The processes that are patched, and the commands that patch them. */
#ifndef BENCH_LIVE_PROCESS_H
#define BENCH_LIVE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* struct live_process - a child that is talked to through two pipes. */
struct live_process {
	pid_t pid;
	FILE *to;
	FILE *from;
};

/** live_start() - start a program, by its path; dies if that is not possible. */
void live_start(struct live_process *process, char *const argv[]);

/** live_ask() - say a line, read one: without its end. */
void live_ask(struct live_process *process, const char *question, char *answer,
	      size_t size);

/** live_read() - the next line, without its end; dies if there is none. */
void live_read(struct live_process *process, char *line, size_t size);

/** live_say() - a line, to which nothing is answered. */
void live_say(struct live_process *process, const char *line);

/** live_end() - close its input and wait; or, with @kill, do not ask.
 *  Returns what waitpid() says. */
int live_end(struct live_process *process, bool kill);

/**
 * struct live_change - what `repoint patch apply` or `revert` says.
 * @wall_ns:    from its start to its exit
 * @stopped_ns: from the first interrupt to where all threads run again
 * @stop_ns:    of it, until all stood still
 * @check_ns:   of it, for their stacks
 * @longest_ns: of all its stops
 * @stops:      how many
 */
struct live_change {
	double wall_ns;
	double stopped_ns;
	double stop_ns;
	double check_ns;
	double longest_ns;
	double stops;
};

/** live_apply() - dies unless it is done. */
void live_apply(const char *repoint, pid_t pid, const char *payload,
		struct live_change *ret);

/** live_revert() - @name: of the payload. */
void live_revert(const char *repoint, pid_t pid, const char *name,
		 struct live_change *ret);

#endif /* BENCH_LIVE_PROCESS_H */
