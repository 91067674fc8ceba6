/* SPDX-License-Identifier: MIT */
/*
 * System calls made by a thread of the target, on behalf of this tool.
 *
 *   int  rp_inject_begin(inject, threads, thread, diag);
 *   int  rp_inject_syscall(inject, nr, args, &ret, diag);	any number
 *   void rp_inject_end(inject);
 *
 * If this process dies in the middle, the thread must not be left somewhere:
 * below its red zone lies a signal frame with its own registers and vector
 * state, and what it runs is `syscall; ret` with the address of an rt_sigreturn
 * as return address. Whoever lets it go, it makes its call and restores itself.
 * While this process lives, it stops the thread at the end of each call and puts
 * the registers back itself, so that even a system call with a restart block
 * (nanosleep(), poll()) goes on where it was.
 *
 * All signals are blocked meanwhile; the frame has the thread's own mask. What
 * arrives stays pending, also a signal that the thread was stopped before.
 *
 * A thread inside a restartable sequence (rseq) is sent to its abort handler, as
 * the kernel does when it preempts one: afterwards it could not know.
 *
 * Both instruction sequences are looked for in the target's executable pages.
 * If they are not there (a small static program), they are written into unused
 * bytes behind the code of the last page of a segment, and taken away again.
 */
#ifndef REPOINT_LIVE_INJECT_H
#define REPOINT_LIVE_INJECT_H

#include "threads.h"

/** RP_INJECT_STACK - bytes below a thread's stack pointer that must be mapped. */
#define RP_INJECT_STACK		16384u

/** RP_GADGETS_SIZE - bytes of both sequences, one behind the other. */
#define RP_GADGETS_SIZE		10u

/**
 * struct rp_gadgets - addresses in the target, found once.
 * @syscall_ret: 0f 05 c3
 * @sigreturn:   mov $15, %eax or %rax; syscall
 * @written:     where they were written, or 0
 * @was:         what was there
 */
struct rp_gadgets {
	uint64_t syscall_ret;
	uint64_t sigreturn;
	uint64_t written;
	uint8_t was[RP_GADGETS_SIZE];
};

/**
 * struct rp_inject - a thread that is borrowed.
 * @saved:  its registers
 * @mask:   its signal mask
 * @stack:  rsp during calls: holds the address of the sigreturn sequence, and
 *          begins the signal frame
 * @begun:  between rp_inject_begin() and rp_inject_end()
 * @ran:    a call was made: the thread is not where it was
 * @cloned: what the last clone() made, as this process numbers it; 0: nothing
 */
struct rp_inject {
	struct rp_threads *threads;
	struct rp_thread *thread;
	struct rp_gadgets gadgets;
	struct user_regs_struct saved;
	uint64_t mask;
	uint64_t stack;
	bool begun;
	bool ran;
	pid_t cloned;
};

/**
 * rp_inject_choose() - a thread that can be used: not in a system call if there
 * is one, with room on its stack, without a shadow stack. Of the stacks those are
 * taken first that are known to be as large as their mapping.
 *
 * Return: a thread, stopped or not; NULL if there is none, see @diag.
 */
struct rp_thread *rp_inject_choose(struct rp_threads *threads,
				   const struct rp_maps *maps,
				   struct rp_diag *diag);

/**
 * rp_inject_begin() - prepare a stopped thread.
 * @inject:  zeroed, or used before with the same target: it knows the gadgets
 * @diag:    on failure: what is missing; seccomp; shadow stack; no room
 *
 * Return: 0; -EINVAL, see @diag; -ESRCH; -ENOMEM.
 */
int rp_inject_begin(struct rp_inject *inject, struct rp_threads *threads,
		    struct rp_thread *thread, const struct rp_maps *maps,
		    struct rp_diag *diag);

/**
 * rp_inject_syscall() - make a system call.
 * @ret: what it returned, a negative errno included
 *
 * Return: 0; -EINVAL, see @diag; -ESRCH.
 */
int rp_inject_syscall(struct rp_inject *inject, long nr, const uint64_t args[6],
		      int64_t *ret, struct rp_diag *diag);

/** rp_inject_end() - the thread is as rp_inject_begin() found it: stopped, its
 *  registers and what its system call will do the same. */
void rp_inject_end(struct rp_inject *inject);

/* Memory of the target, by such calls. Return: 0; -EINVAL, see @diag. */

/** rp_inject_map() - private anonymous memory at exactly @address, for which no
 *  swap is reserved: regions are known by that (record.h). Return also:
 *  -EEXIST: something is there. */
int rp_inject_map(struct rp_inject *inject, uint64_t address, uint64_t size,
		  int access, struct rp_diag *diag);
int rp_inject_protect(struct rp_inject *inject, uint64_t address, uint64_t size,
		      int access, struct rp_diag *diag);
int rp_inject_unmap(struct rp_inject *inject, uint64_t address, uint64_t size,
		    struct rp_diag *diag);

/* Parts of it. */

/**
 * rp_gadgets_find() - find both sequences, unless those of an earlier search are
 * still there, or write them.
 *
 * Return: 0; -EINVAL, see @diag; -ENOMEM; -ESRCH.
 */
int rp_gadgets_find(struct rp_gadgets *gadgets, const struct rp_target *target,
		    const struct rp_maps *maps, struct rp_diag *diag);
/** rp_gadgets_clear() - take away what was written, if anything was. */
void rp_gadgets_clear(struct rp_gadgets *gadgets,
		      const struct rp_target *target);

/**
 * rp_signal_frame_write() - write a signal frame below a stopped thread's red
 * zone, as the kernel would for a signal that arrives now.
 * @regs: what it restores
 * @mask: likewise
 * @low:  end of the stack's mapping
 * @ret:  address of the frame: where rsp has to point before the `ret`
 *
 * Return: 0; -ENOSPC; -ESRCH; -EFAULT; -ENOMEM; -ENODEV: no vector state.
 */
int rp_signal_frame_write(const struct rp_target *target, pid_t tid,
			  const struct user_regs_struct *regs, uint64_t mask,
			  uint64_t sigreturn, uint64_t low, uint64_t *ret);

/** rp_rseq_abort() - if a stopped thread is in a restartable sequence, make that
 *  its abort handler. Return: 0; -ESRCH; -EFAULT. */
int rp_rseq_abort(const struct rp_target *target, pid_t tid,
		  struct user_regs_struct *regs);

#endif /* REPOINT_LIVE_INJECT_H */
