/* SPDX-License-Identifier: MIT */
/*
 * The threads of a process: stopping all of them, and letting them go as if
 * nothing had happened.
 *
 *   int  rp_threads_seize(threads, target, diag);	all run on
 *   int  rp_threads_stop(threads, diag);		all are stopped
 *   void rp_threads_resume(threads);			all run again
 *   void rp_threads_release(threads);			nothing is traced
 *
 * Seizing stops nobody, and threads that are created later are seized by the
 * kernel. PTRACE_O_EXITKILL is never set: if this process ends at any moment,
 * the kernel lets all threads go.
 *
 * System calls that were under way start again. The kernel sees to most; some
 * (epoll_wait(), semop(), ...) return EINTR to a stop that nobody should notice,
 * and are given -ERESTARTNOHAND instead: the kernel then starts them again, or
 * makes it EINTR after all if a handler has to run. Timeouts of those start
 * again in full.
 *
 * A signal that arrives while threads run under trace is passed on, a group
 * stop (SIGSTOP, SIGTSTP) is kept, as is the one that was in force before.
 *
 * What no tracer can hide: a call that had done a part of its work (write() of
 * much to a pipe, recv() with MSG_WAITALL) returns that part, as it does when a
 * program is stopped and continued by a shell or a freezer.
 *
 * All calls must be made by one and the same thread of this process.
 */
#ifndef REPOINT_LIVE_THREADS_H
#define REPOINT_LIVE_THREADS_H

#include "target.h"

#include <sys/user.h>

enum rp_thread_state {
	RP_THREAD_RUNNING,	/* seized, runs */
	RP_THREAD_STOPPED,	/* in a ptrace stop; registers are valid */
	RP_THREAD_GONE,		/* has ended */
};

/**
 * struct rp_thread - one thread.
 * @regs:    valid while stopped: what it will run with. Change them with
 *           rp_thread_set_regs().
 * @listen:  in a group stop: PTRACE_LISTEN instead of PTRACE_CONT
 * @interrupted: a stop is on its way
 * @other:   not of this process, traced because it was created by clone() with
 *           flags of its own: let go at its first stop
 * @zombie:  the main thread, which has ended before the others
 * @unfiltered: its filters of system calls are suspended
 * @ours:    created by this tool: never stopped with the others, not walked, its
 *           stops are not waited for
 * @signal:  passed on when it runs again; 0: none. Threads that were stopped by
 *           this file have none: it is delivered before they stop.
 * @user:    for whoever uses it
 *
 * Its stop is one in which the kernel decides about restarts when it runs on,
 * whatever @regs are then. Who lets it run in between, has to bring it back to
 * such a stop (PTRACE_INTERRUPT).
 */
struct rp_thread {
	pid_t tid;
	enum rp_thread_state state;
	bool listen;
	bool interrupted;
	bool other;
	bool zombie;
	bool unfiltered;
	bool ours;
	int signal;
	struct user_regs_struct regs;
	void *user;
	struct rp_thread *next_retired;
};

/**
 * struct rp_threads - those of a process.
 * @v:         in no order; the pointers stay valid until rp_threads_release(),
 *             but rp_threads_stop() takes those that are gone out of the array
 * @stopped:   all of them are stopped
 * @execed:    the process runs another program now: all of @v are gone
 * @nomem:     a new thread could not be listed
 * @suspend_seccomp: filters of system calls are not in force on stopped threads
 *             (they are whenever a thread runs by itself)
 * @stopped_at: CLOCK_MONOTONIC, ns: when the first one was interrupted
 * @first, @last: of the last stop, ns: until the first and until the last one
 *             of them had stopped
 */
struct rp_threads {
	const struct rp_target *target;
	struct rp_thread **v;
	size_t n;
	size_t capacity;
	bool stopped;
	bool execed;
	bool nomem;
	bool suspend_seccomp;
	uint64_t stopped_at;
	uint64_t first, last;
	struct rp_thread_index *index;	/* by tid */
	struct rp_thread *retired;
};

/**
 * rp_threads_seize() - trace all threads of a process, and all that they create.
 * @threads: filled in; rp_threads_release() also after a failure
 * @diag:    on failure: no permission (why, what helps), traced by another
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM.
 */
int rp_threads_seize(struct rp_threads *threads, const struct rp_target *target,
		     struct rp_diag *diag);

/**
 * rp_threads_stop() - stop all threads but @ours, and read their registers.
 * @diag: on failure: the thread that does not stop, its state, system call
 *
 * A thread that waits in the kernel for something that no signal interrupts
 * (vfork(), a dead disk) is given some milliseconds.
 *
 * Return: 0; -EAGAIN: one did not stop, all run again, see @diag; -ESRCH: the
 * process is gone, see @diag; -ENOMEM.
 */
int rp_threads_stop(struct rp_threads *threads, struct rp_diag *diag);

/** rp_threads_resume() - let all stopped threads run, still traced.
 *  Return: ns since the first one was interrupted. */
uint64_t rp_threads_resume(struct rp_threads *threads);

/**
 * rp_threads_release() - let all threads go, and free the list. Threads that run
 * are stopped for it, one by one, and only that long.
 *
 * One that cannot be stopped (vfork()) is let go by the kernel when this process
 * ends; so is a main thread that has ended before the others.
 *
 * Return: as rp_threads_resume(), 0 if they ran.
 */
uint64_t rp_threads_release(struct rp_threads *threads);

/** rp_threads_stop_one() / rp_threads_resume_one() - the same for one thread.
 *  Return: 0; -EAGAIN; -ESRCH: it is gone. */
int rp_threads_stop_one(struct rp_threads *threads, struct rp_thread *thread,
			struct rp_diag *diag);
void rp_threads_resume_one(struct rp_threads *threads, struct rp_thread *thread);

/**
 * rp_threads_poll() - take note of what happened to running threads (new ones,
 * ended ones, signals to pass on) without waiting. To be called now and then
 * while seized threads run: signals and clones wait for it.
 */
void rp_threads_poll(struct rp_threads *threads);

/**
 * rp_threads_add() - list a thread that is traced already: a new one, known from
 * PTRACE_EVENT_CLONE. One that is listed is found.
 * Return: it, running; its first stop is on its way. NULL: no memory.
 */
struct rp_thread *rp_threads_add(struct rp_threads *threads, pid_t tid);

/** rp_threads_find() - by number, or NULL. */
struct rp_thread *rp_threads_find(const struct rp_threads *threads, pid_t tid);

/** rp_threads_count() - those that have not ended and are not @ours. */
size_t rp_threads_count(const struct rp_threads *threads);

/** rp_thread_set_regs() - of a stopped thread. Return: 0; -ESRCH. */
int rp_thread_set_regs(struct rp_thread *thread,
		       const struct user_regs_struct *regs);

/** rp_thread_restarts() - will the kernel start its system call again when it
 *  runs: is @regs in a restart state (rax is -ERESTART*)? */
bool rp_thread_restarts(const struct user_regs_struct *regs);

#endif /* REPOINT_LIVE_THREADS_H */
