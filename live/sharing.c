// SPDX-License-Identifier: MIT
/* Processes that share the target's memory. */
#define _GNU_SOURCE
#include "sharing.h"

#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Our own parent is the helper of rp_livepatch_apply(), which only waits. */
static bool is_same_memory(pid_t target, pid_t other)
{
	return other != getppid() &&
	       syscall(SYS_kcmp, target, other, KCMP_VM, 0, 0) == 0;
}

static pid_t sharing_child(const struct rp_target *target, pid_t tid)
{
	char name[48];
	char *list, *at, *end;
	pid_t found = 0;

	snprintf(name, sizeof(name), "task/%d/children", tid);
	list = rp_target_file(target, name, NULL);
	for (at = list; at && !found; at = end) {
		pid_t child = strtol(at, &end, 10);

		if (end == at)
			break;
		if (child > 0 && is_same_memory(target->pid, child))
			found = child;
	}
	free(list);
	return found;
}

static pid_t sharing_parent(const struct rp_target *target)
{
	char *status = rp_target_file(target, "status", NULL);
	long parent = status ? rp_target_status(status, "PPid") : 0;

	free(status);
	return parent > 0 && is_same_memory(target->pid, parent) ? parent : 0;
}

pid_t rp_sharing_find(const struct rp_threads *threads)
{
	pid_t found = sharing_parent(threads->target);

	for (size_t i = 0; i < threads->n && !found; i++) {
		const struct rp_thread *t = threads->v[i];

		if (t->state != RP_THREAD_GONE && !t->ours)
			found = sharing_child(threads->target, t->tid);
	}
	return found;
}
