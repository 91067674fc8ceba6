// SPDX-License-Identifier: MIT
/*
 * Borrowing a thread for system calls.
 *
 *   1  begin: the frame is written below the stack. The thread is where it was.
 *   2  call: registers are set to `syscall; ret`, with the frame to return to;
 *      then signals are blocked; then it runs, to the stop before and to the one
 *      after the system call. A further call starts from there.
 *   3  end: it is interrupted and continued, and stops where signals are
 *      delivered, before any instruction. There mask and registers are put back,
 *      and the kernel's logic for interrupted system calls takes part again.
 *
 * If this process ends at any place in 2 or 3, the kernel lets the thread go,
 * which then makes its call, if it has not, and returns to the frame. The order
 * of registers and mask in 2 matters: a thread with its own registers and all
 * signals blocked would stay so.
 */
#define _GNU_SOURCE
#include "inject.h"
#include "threads_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE	0x100000
#endif
#define CS_64			0x33
#define MASK_SIZE		8
#define SYSCALL_STOP		(SIGTRAP | 0x80)

static int gone(struct rp_inject *inject, struct rp_diag *diag)
{
	rp_diag_set(diag, RP_DIAG_LIVE_GONE, NULL,
		"thread %d of process %d (%s) has ended while it was used",
		inject->thread->tid, inject->threads->target->pid,
		inject->threads->target->comm);
	return -ESRCH;
}

static int ptrace_int(int request, pid_t tid, void *address, void *data)
{
	return ptrace(request, tid, address, data) < 0 ? -errno : 0;
}

static int get_mask(pid_t tid, uint64_t *mask)
{
	return ptrace_int(PTRACE_GETSIGMASK, tid, (void *)MASK_SIZE, mask);
}

static int set_mask(pid_t tid, uint64_t mask)
{
	return ptrace_int(PTRACE_SETSIGMASK, tid, (void *)MASK_SIZE, &mask);
}

/* Wait for the next stop. Return: 0; -ESRCH: it has ended. */
static int wait_stop(struct rp_thread *thread, int *status)
{
	pid_t got;

	do
		got = waitpid(thread->tid, status, __WALL);
	while (got < 0 && errno == EINTR);
	if (got == thread->tid && WIFSTOPPED(*status)) {
		thread->state = RP_THREAD_STOPPED;
		return 0;
	}
	thread->state = RP_THREAD_GONE;
	return -ESRCH;
}

static int run(struct rp_thread *thread, int request, int signal)
{
	int ret = ptrace_int(request, thread->tid, NULL, (void *)(long)signal);

	if (!ret)
		thread->state = RP_THREAD_RUNNING;
	return ret;
}

static bool is_event_stop(int status)
{
	return status >> 16 == PTRACE_EVENT_STOP;
}

static bool is_signal(int status)
{
	return !(status >> 16) && WSTOPSIG(status) != SYSCALL_STOP;
}

static void note_clone(struct rp_inject *inject, int status)
{
	int event = status >> 16;
	unsigned long tid;

	if (event != PTRACE_EVENT_CLONE && event != PTRACE_EVENT_FORK &&
	    event != PTRACE_EVENT_VFORK)
		return;
	if (!ptrace(PTRACE_GETEVENTMSG, inject->thread->tid, NULL, &tid))
		inject->cloned = (pid_t)tid;
}

/*
 * Run to the next stop at a system call. On the way: an interruption that was
 * asked for earlier, SIGSTOP, which nobody can block, and the group stop that
 * it leads to. Another signal says that the instructions were no good.
 */
static int run_to_syscall_stop(struct rp_inject *inject, int signal,
			       struct rp_diag *diag)
{
	struct rp_thread *thread = inject->thread;
	int status;

	for (;;) {
		int ret = run(thread, PTRACE_SYSCALL, signal);

		if (!ret)
			ret = wait_stop(thread, &status);
		if (ret)
			return gone(inject, diag);
		signal = 0;
		if (is_event_stop(status)) {
			thread->interrupted = false;
		} else if (status >> 16) {
			note_clone(inject, status);
		} else if (!is_signal(status)) {
			return 0;
		} else if (WSTOPSIG(status) == SIGSTOP) {
			signal = SIGSTOP;
		} else {
			return rp_diag_set(diag, RP_DIAG_LIVE_INJECT, NULL,
				"thread %d raised signal %d (%s) on its way to a system call",
				thread->tid, WSTOPSIG(status),
				strsignal(WSTOPSIG(status)));
		}
	}
}

/* Is the stop the right one? Filters of system calls come between the two. */
static int check_entry(struct rp_inject *inject, long nr, struct rp_diag *diag)
{
	struct user_regs_struct regs;

	if (ptrace_int(PTRACE_GETREGS, inject->thread->tid, NULL, &regs))
		return gone(inject, diag);
	if ((long)regs.orig_rax == nr &&
	    regs.rip == inject->gadgets.syscall_ret + 2)
		return 0;
	return rp_diag_set(diag, RP_DIAG_LIVE_INJECT, NULL,
		"thread %d stopped in system call %ld at 0x%llx instead of %ld",
		inject->thread->tid, (long)regs.orig_rax, regs.rip, nr);
}

static void call_regs(const struct rp_inject *inject, long nr,
		      const uint64_t args[6], struct user_regs_struct *regs)
{
	*regs = inject->saved;
	regs->rip = inject->gadgets.syscall_ret;
	regs->rsp = inject->stack;
	regs->rax = nr;
	regs->orig_rax = -1;
	regs->rdi = args[0];
	regs->rsi = args[1];
	regs->rdx = args[2];
	regs->r10 = args[3];
	regs->r8 = args[4];
	regs->r9 = args[5];
}

static int set_call(struct rp_inject *inject, long nr, const uint64_t args[6],
		    struct rp_diag *diag)
{
	struct user_regs_struct regs;

	call_regs(inject, nr, args, &regs);
	if (ptrace_int(PTRACE_SETREGS, inject->thread->tid, NULL, &regs))
		return gone(inject, diag);
	inject->ran = true;
	return 0;
}

/* A signal that the thread was stopped before: since it is blocked now, the
 * kernel makes it pending again, with all that came with it. */
static int block_signals(struct rp_inject *inject, int *signal,
			 struct rp_diag *diag)
{
	if (set_mask(inject->thread->tid, ~(uint64_t)0))
		return gone(inject, diag);
	*signal = inject->thread->signal;
	inject->thread->signal = 0;
	return 0;
}

int rp_inject_syscall(struct rp_inject *inject, long nr, const uint64_t args[6],
		      int64_t *ret, struct rp_diag *diag)
{
	struct user_regs_struct regs;
	bool first = !inject->ran;
	int signal = 0;
	int err = set_call(inject, nr, args, diag);

	if (!err && first)
		err = block_signals(inject, &signal, diag);
	if (!err)
		err = run_to_syscall_stop(inject, signal, diag);
	if (!err)
		err = check_entry(inject, nr, diag);
	if (!err)
		err = run_to_syscall_stop(inject, 0, diag);
	if (err)
		return err;
	if (ptrace_int(PTRACE_GETREGS, inject->thread->tid, NULL, &regs))
		return gone(inject, diag);
	*ret = (int64_t)regs.rax;
	return 0;
}

/* To the place where signals are delivered: what lies between is none of the
 * thread's instructions. */
static int run_to_event_stop(struct rp_thread *thread)
{
	int signal = 0;
	int status;
	int ret = ptrace_int(PTRACE_INTERRUPT, thread->tid, NULL, NULL);

	while (!ret) {
		ret = run(thread, PTRACE_CONT, signal);
		if (!ret)
			ret = wait_stop(thread, &status);
		if (ret)
			break;
		if (is_event_stop(status)) {
			thread->interrupted = false;
			thread->listen = WSTOPSIG(status) != SIGTRAP;
			return 0;
		}
		signal = is_signal(status) && WSTOPSIG(status) == SIGSTOP ?
			 SIGSTOP : 0;
	}
	return ret;
}

void rp_inject_end(struct rp_inject *inject)
{
	struct rp_thread *thread = inject->thread;

	if (!inject->begun)
		return;
	// An error means that the thread has ended: nothing is left to put back.
	if (inject->ran && thread->state == RP_THREAD_STOPPED &&
	    !run_to_event_stop(thread) &&
	    !set_mask(thread->tid, inject->mask))
		(void)rp_thread_set_regs(thread, &inject->saved);
	rp_gadgets_clear(&inject->gadgets, inject->threads->target);
	inject->begun = false;
	inject->ran = false;
}

/* What a thread's status says about it. */

static bool has_shadow_stack(const char *status)
{
	const char *line = strstr(status, "\nx86_Thread_features:");
	const char *end = line ? strchr(line + 1, '\n') : NULL;
	const char *word = line ? strstr(line, "shstk") : NULL;

	return word && (!end || word < end);
}

/* Filters are suspended while a thread is stopped, if that is permitted. */
static bool is_filtered(const struct rp_threads *threads,
			const struct rp_thread *thread, const char *status)
{
	if (rp_target_status(status, "Seccomp") <= 0)
		return false;
	return thread->state == RP_THREAD_STOPPED ? !thread->unfiltered :
	       !threads->target->seccomp;
}

static int check_status(const struct rp_threads *threads,
			const struct rp_thread *thread, struct rp_diag *diag)
{
	pid_t tid = thread->tid;
	char name[48];
	char *status;
	int ret = 0;

	snprintf(name, sizeof(name), "task/%d/status", tid);
	status = rp_target_file(threads->target, name, NULL);
	if (!status)
		return rp_diag_set(diag, RP_DIAG_LIVE_GONE, NULL,
				   "thread %d has ended", tid);
	if (has_shadow_stack(status))
		ret = rp_diag_set(diag, RP_DIAG_LIVE_SHADOW_STACK, NULL,
			"thread %d has a shadow stack: it cannot be made to run system calls; start the program without (GLIBC_TUNABLES=glibc.cpu.x86_shstk=off)",
			tid);
	else if (is_filtered(threads, thread, status))
		ret = rp_diag_set(diag, RP_DIAG_LIVE_SECCOMP, NULL,
			"thread %d filters its system calls (seccomp), and may be ended by ours: suspending the filter takes CAP_SYS_ADMIN, run as root",
			tid);
	free(status);
	return ret;
}

/* Stacks. */

static const struct rp_map *stack_of(const struct rp_maps *maps, uint64_t sp)
{
	const struct rp_map *map = rp_maps_at(maps, sp - 1);

	if (!map || (map->access & (PROT_READ | PROT_WRITE)) !=
	    (PROT_READ | PROT_WRITE) || map->shared ||
	    sp - map->start < RP_INJECT_STACK || !strcmp(map->name, "[heap]"))
		return NULL;
	return map;
}

/* Is all of a mapping one stack? The program's first one, or one above a guard
 * page; other mappings may hold many small ones. */
static bool is_whole_stack(const struct rp_maps *maps, const struct rp_map *map)
{
	const struct rp_map *below = map > maps->v ? map - 1 : NULL;

	return !strcmp(map->name, "[stack]") ||
	       (below && below->end == map->start && !below->access);
}

static int check_stack(const struct rp_maps *maps, pid_t tid, uint64_t sp,
		       struct rp_diag *diag)
{
	if (stack_of(maps, sp))
		return 0;
	return rp_diag_set(diag, RP_DIAG_LIVE_INJECT, NULL,
		"thread %d has less than %u KB of memory of its own below its stack pointer",
		tid, RP_INJECT_STACK >> 10);
}

/* Choosing. */

#define SCORE_STACK	4
#define SCORE_IN_CODE	2
#define SCORE_NO_BLOCK	1
#define SCORE_BEST	(SCORE_STACK + SCORE_IN_CODE)
#define LOOK_AT		64u	/* a fair one is good enough after that many */

/* Can a system call be one that keeps a restart block? */
static bool may_keep_block(long nr)
{
	return nr == SYS_nanosleep || nr == SYS_clock_nanosleep ||
	       nr == SYS_poll || nr == SYS_futex || nr == SYS_restart_syscall;
}

/* Where a thread that runs is, as /proc tells. Return: 0; -ESRCH. */
static int read_place(const struct rp_target *target, pid_t tid, long *nr,
		      uint64_t *sp)
{
	unsigned long long stack, ip;
	char name[48];
	char *text;
	int n;

	*nr = -1;
	*sp = 0;
	snprintf(name, sizeof(name), "task/%d/syscall", tid);
	text = rp_target_file(target, name, NULL);
	if (!text)
		return -ESRCH;
	n = sscanf(text, "%ld %*x %*x %*x %*x %*x %*x %llx %llx", nr, &stack,
		   &ip);
	if (n == 1)
		n = sscanf(text, "%*d %llx %llx", &stack, &ip) + 1;
	if (n == 3)
		*sp = stack;
	free(text);
	return 0;
}

static int score_place(const struct rp_maps *maps, long nr, uint64_t sp)
{
	// It runs: what its stack is will be seen.
	const struct rp_map *map = sp ? stack_of(maps, sp) : NULL;

	if (sp && !map)
		return -1;
	return (map && is_whole_stack(maps, map) ? SCORE_STACK : 0) +
	       (nr < 0 ? SCORE_IN_CODE : !may_keep_block(nr) ? SCORE_NO_BLOCK : 0);
}

static int score(struct rp_threads *threads, const struct rp_thread *thread,
		 const struct rp_maps *maps)
{
	const struct user_regs_struct *r = &thread->regs;
	uint64_t sp;
	long nr;

	if (thread->state == RP_THREAD_GONE || thread->ours ||
	    thread->other || thread->zombie)
		return -1;
	if (thread->state == RP_THREAD_STOPPED)
		return r->cs != CS_64 ? -1 :
		       score_place(maps, (long)r->orig_rax, r->rsp);
	if (read_place(threads->target, thread->tid, &nr, &sp))
		return -1;
	return score_place(maps, nr, sp);
}

struct rp_thread *rp_inject_choose(struct rp_threads *threads,
				   const struct rp_maps *maps,
				   struct rp_diag *diag)
{
	struct rp_thread *best = NULL;
	int best_score = -1;

	rp_diag_set(diag, RP_DIAG_LIVE_INJECT, NULL,
		"no thread of process %d (%s) can make system calls for this tool: all have less than %u KB below their stack pointer, or run 32-bit code",
		threads->target->pid, threads->target->comm,
		RP_INJECT_STACK >> 10);
	for (size_t i = 0; i < threads->n && best_score < SCORE_BEST; i++) {
		int s = score(threads, threads->v[i], maps);

		if (s > best_score &&
		    !check_status(threads, threads->v[i], diag)) {
			best = threads->v[i];
			best_score = s;
		}
		if (i >= LOOK_AT && best_score > SCORE_STACK)
			break;
	}
	return best;
}

/* Beginning. */

static int leave_rseq(struct rp_threads *threads, struct rp_thread *thread)
{
	struct user_regs_struct regs = thread->regs;
	int ret = rp_rseq_abort(threads->target, thread->tid, &regs);

	if (ret || regs.rip == thread->regs.rip)
		return ret;
	return rp_thread_set_regs(thread, &regs);
}

static int check_thread(struct rp_threads *threads,
			const struct rp_thread *thread,
			const struct rp_maps *maps, struct rp_diag *diag)
{
	int ret;

	if (thread->regs.cs != CS_64)
		return rp_diag_set(diag, RP_DIAG_LIVE_INJECT, NULL,
				   "thread %d runs 32-bit code", thread->tid);
	ret = check_stack(maps, thread->tid, thread->regs.rsp, diag);
	return ret ? ret : check_status(threads, thread, diag);
}

/*
 * Without TRACESYSGOOD a thread that stands at a system call when its tracer dies
 * gets the signal that the stop is reported with, SIGTRAP. With it that is no
 * signal at all, and nothing happens.
 */
static int set_options(const struct rp_thread *thread)
{
	long options = RP_TRACE_OPTIONS | PTRACE_O_TRACESYSGOOD;

	if (thread->unfiltered)
		options |= PTRACE_O_SUSPEND_SECCOMP;
	return ptrace_int(PTRACE_SETOPTIONS, thread->tid, NULL,
			  (void *)options);
}

static int write_frame(struct rp_inject *inject, const struct rp_maps *maps)
{
	const struct rp_thread *thread = inject->thread;
	int ret = get_mask(thread->tid, &inject->mask);

	if (ret)
		return ret;
	return rp_signal_frame_write(inject->threads->target, thread->tid,
		&inject->saved, inject->mask, inject->gadgets.sigreturn,
		stack_of(maps, inject->saved.rsp)->start, &inject->stack);
}

static int explain_frame(struct rp_inject *inject, int err,
			 struct rp_diag *diag)
{
	if (err == -ESRCH)
		return gone(inject, diag);
	if (err == -ENOMEM)
		return rp_diag_nomem(diag);
	return rp_diag_set(diag, RP_DIAG_LIVE_INJECT, NULL,
		"thread %d: its state cannot be kept on its stack: %s",
		inject->thread->tid, strerror(-err));
}

int rp_inject_begin(struct rp_inject *inject, struct rp_threads *threads,
		    struct rp_thread *thread, const struct rp_maps *maps,
		    struct rp_diag *diag)
{
	int ret = check_thread(threads, thread, maps, diag);

	inject->threads = threads;
	inject->thread = thread;
	inject->ran = false;
	inject->begun = false;
	if (!ret)
		ret = rp_gadgets_find(&inject->gadgets, threads->target, maps,
				      diag);
	if (ret)
		return ret;
	ret = leave_rseq(threads, thread);
	inject->saved = thread->regs;
	if (!ret)
		ret = set_options(thread);
	if (!ret)
		ret = write_frame(inject, maps);
	if (ret) {
		rp_gadgets_clear(&inject->gadgets, threads->target);
		return explain_frame(inject, ret, diag);
	}
	inject->begun = true;
	return 0;
}

/* Memory. */

static int memory_error(struct rp_inject *inject, const char *what,
			uint64_t address, uint64_t size, int64_t error,
			struct rp_diag *diag)
{
	return rp_diag_set(diag, RP_DIAG_LIVE_MEMORY, NULL,
		"process %d (%s) cannot %s %llu KB at 0x%llx: %s%s",
		inject->threads->target->pid, inject->threads->target->comm,
		what, (unsigned long long)(size >> 10),
		(unsigned long long)address, strerror((int)-error),
		error == -ENOMEM ?
		" (see its limits: RLIMIT_AS, memory of its cgroup, vm.max_map_count)" :
		"");
}

int rp_inject_unmap(struct rp_inject *inject, uint64_t address, uint64_t size,
		    struct rp_diag *diag)
{
	const uint64_t args[6] = { address, size };
	int64_t got;
	int ret = rp_inject_syscall(inject, SYS_munmap, args, &got, diag);

	if (ret || !got)
		return ret;
	return memory_error(inject, "unmap", address, size, got, diag);
}

int rp_inject_protect(struct rp_inject *inject, uint64_t address, uint64_t size,
		      int access, struct rp_diag *diag)
{
	const uint64_t args[6] = { address, size, access };
	int64_t got;
	int ret = rp_inject_syscall(inject, SYS_mprotect, args, &got, diag);

	if (ret || !got)
		return ret;
	return memory_error(inject, "protect", address, size, got, diag);
}

int rp_inject_map(struct rp_inject *inject, uint64_t address, uint64_t size,
		  int access, struct rp_diag *diag)
{
	const uint64_t args[6] = {
		address, size, access,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
		MAP_FIXED_NOREPLACE, (uint64_t)-1, 0,
	};
	int64_t got;
	int ret = rp_inject_syscall(inject, SYS_mmap, args, &got, diag);

	if (ret || (uint64_t)got == address)
		return ret;
	if (got < 0 && got > -4096)
		return got == -EEXIST ? -EEXIST :
		       memory_error(inject, "map", address, size, got, diag);
	// Kernels before 4.17 take the address for a hint only.
	ret = rp_inject_unmap(inject, got, size, diag);
	return ret ? ret : -EEXIST;
}
