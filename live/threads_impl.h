/* SPDX-License-Identifier: MIT */
/* What the files that implement threads.h share. */
#ifndef REPOINT_LIVE_THREADS_IMPL_H
#define REPOINT_LIVE_THREADS_IMPL_H

#include "threads.h"

/* Kernels before 5.x and their headers may lack names, not the numbers. */
#define RP_ERESTARTNOHAND	514

#define RP_TRACE_OPTIONS	(PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)

/** rp_threads_scan() - seize threads that are not listed.
 *  Return: how many; -EINVAL, see @diag; -ENOMEM. */
int rp_threads_scan(struct rp_threads *threads, struct rp_diag *diag);

/** rp_threads_retire() - take those that are gone out of the array. */
void rp_threads_retire(struct rp_threads *threads);

/** rp_threads_free() - the list, without letting anybody go. */
void rp_threads_free(struct rp_threads *threads);

/** rp_threads_has() - is @tid one of the process's threads? */
bool rp_threads_has(const struct rp_threads *threads, pid_t tid);

/** rp_threads_gone() - Return: -ESRCH, with @diag. */
int rp_threads_gone(const struct rp_threads *threads, struct rp_diag *diag);

/**
 * struct rp_thread_stat - of task/TID/stat.
 * @state: 'R', 'S', 'D', ...; 'X' if there is no such thread
 * @is_worker: a thread of the kernel that is listed with the process's (io_uring,
 *         vhost): it never runs code of the program
 */
struct rp_thread_stat {
	char state;
	bool is_worker;
};

struct rp_thread_stat rp_thread_stat(const struct rp_threads *threads,
				     pid_t tid);

/** rp_thread_is_stuck() - Return: -EAGAIN, with @diag about a thread that does
 *  not stop. */
int rp_thread_is_stuck(const struct rp_threads *threads, pid_t tid, char state,
		       struct rp_diag *diag);

/** rp_restart_repair() - a system call that returns EINTR to a stop is to be
 *  started again. Return: has @regs been changed? */
bool rp_restart_repair(struct user_regs_struct *regs);

/** rp_syscall_name() - of those that take long; NULL for others. */
const char *rp_syscall_name(long nr);

#endif /* REPOINT_LIVE_THREADS_IMPL_H */
