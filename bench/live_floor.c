// SPDX-License-Identifier: MIT
/* The least that stopping all threads of a process takes. */
#define _GNU_SOURCE
#include "live_floor.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "bench.h"

static pid_t *list_threads(pid_t pid, unsigned int nr)
{
	pid_t *tids = calloc(nr, sizeof(*tids));
	unsigned int n = 0;
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir || !tids)
		bench_die("%s: cannot be read", path);
	while ((entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		if (n < nr)
			tids[n] = atoi(entry->d_name);
		n++;
	}
	closedir(dir);
	if (n != nr)
		bench_die("process %d has %u threads, not %u", pid, n, nr);
	return tids;
}

static void trace(enum __ptrace_request request, pid_t tid)
{
	if (ptrace(request, tid, 0, 0))
		bench_die("ptrace: thread %d: %s", tid, strerror(errno));
}

static void wait_stopped(pid_t tid)
{
	int status;

	while (waitpid(tid, &status, __WALL) != tid)
		if (errno != EINTR)
			bench_die("waitpid: thread %d: %s", tid,
				  strerror(errno));
	if (!WIFSTOPPED(status))
		bench_die("thread %d has ended", tid);
}

double live_floor(pid_t pid, unsigned int threads, double *stop_ns)
{
	pid_t *tids = list_threads(pid, threads);
	uint64_t start, stopped, end;

	if (ptrace(PTRACE_SEIZE, tids[0], 0, 0)) {
		free(tids);
		return 0;
	}
	for (unsigned int i = 1; i < threads; i++)
		trace(PTRACE_SEIZE, tids[i]);
	start = bench_ns();
	for (unsigned int i = 0; i < threads; i++)
		trace(PTRACE_INTERRUPT, tids[i]);
	for (unsigned int i = 0; i < threads; i++)
		wait_stopped(tids[i]);
	stopped = bench_ns();
	for (unsigned int i = 0; i < threads; i++)
		trace(PTRACE_DETACH, tids[i]);
	end = bench_ns();
	free(tids);
	*stop_ns = (double)(stopped - start);
	return (double)(end - start);
}
