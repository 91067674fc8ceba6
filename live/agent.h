/* SPDX-License-Identifier: MIT */
/*
 * A thread of the tool's own in the target, on which hooks run.
 *
 *   int  rp_agent_start(agent, inject, modules, near, diag);
 *   int  rp_agent_call(agent, function, args, timeout_ms, &ret, diag);
 *   void rp_agent_stop(agent, inject);
 *
 * It is made by a bare clone(): pthread_create() would take locks that a stopped
 * thread may hold. Its stack, its TLS block (initial images of all modules that
 * have static TLS) and its thread control block lie in memory of their own; the
 * fields of struct pthread that libc looks at are found through the descriptors
 * that glibc exports for debuggers, or by their values in another thread.
 *
 * Its code is `exit(0)` and nothing else. Between calls it stands in front of
 * that, stopped by this tool; a call sets its registers to a function that
 * returns there, and the system call that then begins is taken for the end of the
 * call, and is not made. So, if this tool dies, the thread ends what it does and
 * then itself, without anything that waits, signals or filters could go wrong
 * with. It is `ours` in the list of threads: not stopped with the others.
 *
 * Signals are blocked in it, but for those that its own faults raise: a fault
 * with the signal blocked would make the kernel drop the program's handler.
 *
 * What a hook may not do is in <repoint/livepatch.h>. One that does not return in
 * time, or that raises a signal which ends programs (this is seen before it is
 * delivered, and is not), or that ends the program, is reported, and its thread
 * is ended on the spot: the process lives on, the locks that the hook held stay
 * held.
 *
 * What it leaves with glibc: a thread that allocates memory has a cache of some
 * hundred bytes, which is freed where pthread_create()'s threads end, not here.
 */
#ifndef REPOINT_LIVE_AGENT_H
#define REPOINT_LIVE_AGENT_H

#include "inject.h"
#include "modules.h"

/**
 * struct rp_agent - the thread.
 * @base, @size: its region in the target: a page that says what it is (record.h),
 *         a page of code, thread control block and TLS, a guard page, the stack
 * @code:  address of its code
 * @stack: end of its stack
 * @idle:  registers with which it ends
 * @alive: it can be called
 */
struct rp_agent {
	struct rp_threads *threads;
	struct rp_modules *modules;
	struct rp_thread *thread;
	uint64_t base, size;
	uint64_t code, stack;
	struct user_regs_struct idle;
	bool alive;
};

/**
 * rp_agent_start() - make the thread. @inject has begun; at least its thread is
 * stopped, others may run.
 * @near: where its memory should be: any address of the target; 0: anywhere
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM; -ESRCH. After a failure nothing is left
 * but what rp_agent_stop() frees, which may be called.
 */
int rp_agent_start(struct rp_agent *agent, struct rp_inject *inject,
		   struct rp_modules *modules, uint64_t near,
		   struct rp_diag *diag);

/**
 * rp_agent_call() - have it call a function, and wait. Other threads run or are
 * stopped, as the caller left them; those that run are looked after
 * (rp_threads_poll()).
 * @args: two of them
 *
 * Return: 0; -ETIMEDOUT, -EFAULT (it raised a signal), -ECHILD (it ended the
 * thread, or would have ended the program), -ESRCH, all with @diag: the agent is
 * over then.
 */
int rp_agent_call(struct rp_agent *agent, uint64_t function,
		  const uint64_t args[2], unsigned int timeout_ms, int64_t *ret,
		  struct rp_diag *diag);

/** rp_agent_stop() - end the thread, if it has not, and free its memory.
 *  @inject: begun; NULL: the memory stays (the process is gone). */
void rp_agent_stop(struct rp_agent *agent, struct rp_inject *inject);

/* Parts of it: the thread control block. */

/**
 * struct rp_tcb - TLS and thread control block of a new thread.
 * @other:     thread pointer of a stopped thread of the program
 * @other_tid: its number, as the target numbers it
 * @first:     that of the thread that the program began with; 0: not known
 * @libc:      whose struct pthread: as @modules knows, or as it looks
 * @size:      of all of it, in whole pages
 * @tp:        thread pointer of the new thread
 * @tid:       address where its number goes
 */
struct rp_tcb {
	struct rp_modules *modules;
	uint64_t other;
	pid_t other_tid;
	uint64_t first;
	enum rp_libc libc;
	uint64_t slots, generation;
	uint64_t dynamic, below;
	uint64_t size, tp, tid;
};

/** rp_tcb_measure() - what is needed: @size. @modules to @first are set. */
int rp_tcb_measure(struct rp_tcb *tcb);
/** rp_tcb_write() - write it to memory at @base, all zero now.
 *  Return: 0; -ESRCH; -EFAULT; -ENOMEM. */
int rp_tcb_write(struct rp_tcb *tcb, uint64_t base);

/** rp_tcb_symbol() - address of something that libc has, exported or not; 0. */
uint64_t rp_tcb_symbol(struct rp_modules *modules, const char *name);

#endif /* REPOINT_LIVE_AGENT_H */
