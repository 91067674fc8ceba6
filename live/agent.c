// SPDX-License-Identifier: MIT
/* The thread for hooks: how it is made, called and ended. */
#define _GNU_SOURCE
#include "agent.h"
#include "region.h"
#include "threads_impl.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define STACK_SIZE	(256u << 10)
#define MAP_ATTEMPTS	16u
#define PREPARE_MS	2000u
#define END_MS		2000u
#define POLLS		200u	/* before it is waited for with less haste */
#define MASK_SIZE	8
#define SYSCALL_STOP	(SIGTRAP | 0x80)
#define EFLAGS_PLAIN	0x202u
#define FPU_CONTROL	0x37fu
#define SSE_CONTROL	0x1f80u

/* In its page of code. Functions return to CODE_RETURN. */
#define CODE_RETURN	0u
#define CODE_EXIT	3u
#define CODE_EXITED	12u

static const uint8_t code[] = {
	0x48, 0x89, 0xc3,		// mov %rax, %rbx
	0xb8, 0x3c, 0x00, 0x00, 0x00,	// mov $60, %eax
	0x31, 0xff,			// xor %edi, %edi
	0x0f, 0x05,			// syscall
	0xeb, 0xf5,			// jmp to the second one
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static const struct rp_target *target_of(const struct rp_agent *agent)
{
	return agent->threads->target;
}

static int process_gone(const struct rp_agent *agent, struct rp_diag *diag)
{
	rp_diag_set(diag, RP_DIAG_LIVE_GONE, NULL,
		    "process %d (%s) has ended while a hook ran in it",
		    target_of(agent)->pid, target_of(agent)->comm);
	return -ESRCH;
}

/*
 * Waiting. The other threads go on meanwhile, and are looked after.
 * Return: 1: it stopped; 0: time is up; -ESRCH: it has ended.
 */
static int wait_stop(struct rp_agent *agent, uint64_t until, int *status)
{
	struct rp_thread *thread = agent->thread;

	for (unsigned int i = 0;; i++) {
		pid_t got = waitpid(thread->tid, status, __WALL | WNOHANG);

		if (got == thread->tid && WIFSTOPPED(*status)) {
			thread->state = RP_THREAD_STOPPED;
			return 1;
		}
		if (got == thread->tid || (got < 0 && errno != EINTR)) {
			thread->state = RP_THREAD_GONE;
			return -ESRCH;
		}
		if (now_ms() >= until)
			return 0;
		rp_threads_poll(agent->threads);
		if (i < POLLS)
			sched_yield();
		else
			nanosleep(&(struct timespec){ 0, 500000 }, NULL);
	}
}

static int resume(struct rp_agent *agent, int request, int signal)
{
	if (ptrace(request, agent->thread->tid, NULL, (void *)(long)signal))
		return -errno;
	agent->thread->state = RP_THREAD_RUNNING;
	return 0;
}

static int set_mask(struct rp_agent *agent, uint64_t mask)
{
	return ptrace(PTRACE_SETSIGMASK, agent->thread->tid, (void *)MASK_SIZE,
		      &mask) ? -errno : 0;
}

static uint64_t bit(int signal)
{
	return 1ull << (signal - 1);
}

/* Those that are not blocked. abort() of musl, if it finds SIGABRT blocked, goes on
 * to take a lock of the whole process, and to drop the handler. */
static uint64_t fault_signals(void)
{
	return bit(SIGSEGV) | bit(SIGBUS) | bit(SIGFPE) | bit(SIGILL) |
	       bit(SIGTRAP) | bit(SIGSYS) | bit(SIGABRT);
}

/* Ending it. */

static bool is_stopped(struct rp_agent *agent)
{
	int status;

	if (agent->thread->state == RP_THREAD_RUNNING) {
		if (ptrace(PTRACE_INTERRUPT, agent->thread->tid, NULL, NULL))
			return false;
		wait_stop(agent, now_ms() + END_MS, &status);
	}
	return agent->thread->state == RP_THREAD_STOPPED;
}

/* Wherever it is: its next instructions are those that end it. A system call
 * that it stands in front of is not made. */
static void end_thread(struct rp_agent *agent)
{
	uint64_t until = now_ms() + END_MS;
	int status;

	agent->alive = false;
	while (is_stopped(agent) && now_ms() < until) {
		if (set_mask(agent, ~(uint64_t)0) ||
		    rp_thread_set_regs(agent->thread, &agent->idle) ||
		    resume(agent, PTRACE_CONT, 0))
			break;
		wait_stop(agent, until, &status);
	}
	// Killed just now: its end is yet to be told.
	if (agent->thread->state != RP_THREAD_GONE)
		wait_stop(agent, until, &status);
}

/* Calling. */

enum next {
	NEXT_GO_ON,
	NEXT_DONE,
	NEXT_FAILED,
};

struct call {
	struct rp_agent *agent;
	struct rp_diag *diag;
	bool in_syscall;
	int signal;		/* to pass on */
	int error;
	int64_t result;
};

static enum next failed(struct call *call, int error)
{
	call->error = error;
	return NEXT_FAILED;
}

static void describe_place(struct rp_agent *agent, uint64_t pc, char *ret,
			   size_t size)
{
	struct rp_module *module = rp_modules_at(agent->modules, pc);

	if (module)
		snprintf(ret, size, "0x%llx, %s+0x%llx",
			 (unsigned long long)pc, module->path,
			 (unsigned long long)(pc - module->bias));
	else
		snprintf(ret, size, "0x%llx", (unsigned long long)pc);
}

static int get_regs(struct rp_agent *agent, struct user_regs_struct *regs)
{
	return ptrace(PTRACE_GETREGS, agent->thread->tid, NULL, regs) ? -ESRCH :
	       0;
}

/*
 * In front of the exit that its code makes: the system call is skipped, and the
 * thread stands behind it, in front of the next attempt.
 */
static enum next returned(struct call *call, struct user_regs_struct *regs)
{
	struct rp_agent *agent = call->agent;
	int status;

	call->result = (int64_t)regs->rbx;
	regs->orig_rax = -1;
	if (rp_thread_set_regs(agent->thread, regs))
		return failed(call, -ESRCH);
	do {
		if (resume(agent, PTRACE_SYSCALL, 0) ||
		    wait_stop(agent, now_ms() + PREPARE_MS, &status) != 1)
			return failed(call, -ECHILD);
	} while (status >> 16 || WSTOPSIG(status) != SYSCALL_STOP);
	return NEXT_DONE;
}

static enum next on_syscall(struct call *call)
{
	struct rp_agent *agent = call->agent;
	struct user_regs_struct regs;

	call->in_syscall = !call->in_syscall;
	if (!call->in_syscall)
		return NEXT_GO_ON;
	if (get_regs(agent, &regs))
		return failed(call, -ECHILD);
	if ((long)regs.orig_rax == SYS_exit &&
	    regs.rip == agent->code + CODE_EXITED)
		return returned(call, &regs);
	if ((long)regs.orig_rax == SYS_exit_group) {
		rp_diag_set(call->diag, RP_DIAG_LIVE_HOOK, NULL,
			"it called exit(%d): that was prevented, the program runs on",
			(int)regs.rdi);
		return failed(call, -ECHILD);
	}
	return NEXT_GO_ON;
}

/* Is there a handler, or is it ignored? */
static bool is_harmless(struct rp_agent *agent, int signal)
{
	static const char *const fields[] = { "\nSigIgn:", "\nSigCgt:" };
	char *status = rp_target_file(target_of(agent), "status", NULL);
	bool ret = signal == SIGCHLD || signal == SIGCONT ||
		   signal == SIGURG || signal == SIGWINCH;

	for (int i = 0; i < 2 && status; i++) {
		const char *at = strstr(status, fields[i]);

		if (at && strtoull(at + strlen(fields[i]), NULL, 16) &
		    bit(signal))
			ret = true;
	}
	free(status);
	return ret;
}

static bool is_stop_signal(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN ||
	       signal == SIGTTOU;
}

/* Raised by the thread itself: a fault, or sent by abort() or raise(). */
static bool is_own(struct rp_agent *agent, const siginfo_t *info)
{
	const struct rp_target *target = target_of(agent);

	return info->si_code > 0 ||
	       ((info->si_code == SI_TKILL || info->si_code == SI_USER) &&
		(info->si_pid == target->ns_pid || info->si_pid == target->pid));
}

static const char *signal_name(int signal)
{
	switch (signal) {
	case SIGSEGV: return "SIGSEGV";
	case SIGBUS: return "SIGBUS";
	case SIGFPE: return "SIGFPE";
	case SIGILL: return "SIGILL";
	case SIGTRAP: return "SIGTRAP";
	case SIGSYS: return "SIGSYS";
	case SIGABRT: return "SIGABRT";
	default: return strsignal(signal);
	}
}

static enum next on_signal(struct call *call, int signal)
{
	struct rp_agent *agent = call->agent;
	struct user_regs_struct regs;
	char place[160];
	siginfo_t info;

	if (ptrace(PTRACE_GETSIGINFO, agent->thread->tid, NULL, &info) ||
	    get_regs(agent, &regs))
		return failed(call, -ECHILD);
	call->signal = signal;
	if (is_stop_signal(signal) ||
	    (!(fault_signals() & bit(signal)) && is_harmless(agent, signal)))
		return NEXT_GO_ON;
	if (!is_own(agent, &info)) {
		// Meant for the process: blocked here, it goes to another thread.
		set_mask(agent, ~(uint64_t)0);
		return NEXT_GO_ON;
	}
	describe_place(agent, regs.rip, place, sizeof(place));
	rp_diag_set(call->diag, RP_DIAG_LIVE_HOOK, NULL,
		"it raised signal %d (%s) at %s: that was not delivered, the program runs on",
		signal, signal_name(signal), place);
	return failed(call, -EFAULT);
}

static enum next on_event(struct call *call, int event)
{
	struct rp_agent *agent = call->agent;
	unsigned long tid;

	if (event == PTRACE_EVENT_CLONE &&
	    !ptrace(PTRACE_GETEVENTMSG, agent->thread->tid, NULL, &tid))
		rp_threads_add(agent->threads, (pid_t)tid);
	// Everything that there was is gone.
	if (event == PTRACE_EVENT_EXEC)
		return failed(call, -ECHILD);
	return NEXT_GO_ON;
}

static enum next on_stop(struct call *call, int status)
{
	call->signal = 0;
	if (status >> 16)
		return on_event(call, status >> 16);
	if (WSTOPSIG(status) == SYSCALL_STOP)
		return on_syscall(call);
	return on_signal(call, WSTOPSIG(status));
}

static void run_call(struct call *call, unsigned int timeout_ms)
{
	struct rp_agent *agent = call->agent;
	uint64_t until = now_ms() + timeout_ms;
	enum next next = NEXT_GO_ON;
	int status;

	rp_diag_set(call->diag, RP_DIAG_LIVE_HOOK, NULL,
		"it ended its thread, which is not its own");
	while (next == NEXT_GO_ON) {
		int ret = resume(agent, PTRACE_SYSCALL, call->signal);

		if (!ret || ret == -ESRCH)
			ret = wait_stop(agent, until, &status);
		if (ret == 1) {
			next = on_stop(call, status);
		} else if (ret) {
			next = failed(call, -ECHILD);
		} else {
			rp_diag_set(call->diag, RP_DIAG_LIVE_HOOK, NULL,
				"it did not return within %u ms, and was ended",
				timeout_ms);
			next = failed(call, -ETIMEDOUT);
		}
	}
}

/* As if its code had just called the function. */
static int set_call(struct rp_agent *agent, uint64_t function,
		    const uint64_t args[2])
{
	struct user_regs_struct regs = agent->idle;
	uint64_t back = agent->code + CODE_RETURN;
	int ret;

	regs.rip = function;
	regs.rdi = args[0];
	regs.rsi = args[1];
	regs.rsp = agent->stack - 16 - sizeof(back);
	ret = rp_target_write(target_of(agent), regs.rsp, &back, sizeof(back));
	return ret ? ret : rp_thread_set_regs(agent->thread, &regs);
}

int rp_agent_call(struct rp_agent *agent, uint64_t function,
		  const uint64_t args[2], unsigned int timeout_ms, int64_t *ret,
		  struct rp_diag *diag)
{
	struct call call = { .agent = agent, .diag = diag };

	if (!agent->alive) {
		rp_diag_set(diag, RP_DIAG_LIVE_HOOK, NULL,
			    "the thread for hooks has ended");
		return -ECHILD;
	}
	if (set_call(agent, function, args))
		call.error = -ECHILD;
	else
		run_call(&call, timeout_ms);
	if (!call.error) {
		*ret = call.result;
		return 0;
	}
	end_thread(agent);
	if (rp_target_is_gone(target_of(agent)) || agent->threads->execed)
		return process_gone(agent, diag);
	if (agent->thread->state != RP_THREAD_GONE)
		rp_diag_set(diag, RP_DIAG_LIVE_HOOK, NULL,
			"its thread %d cannot be ended: it waits in the kernel for something that no signal interrupts",
			agent->thread->tid);
	return call.error;
}

/* Making it. */

static int map_region(struct rp_agent *agent, struct rp_inject *inject,
		      uint64_t near, struct rp_diag *diag)
{
	int ret = -EEXIST;

	for (unsigned int i = 0; i < MAP_ATTEMPTS && ret == -EEXIST; i++) {
		struct rp_maps maps;

		if (rp_maps_read(&maps, target_of(agent)))
			return process_gone(agent, diag);
		agent->base = rp_maps_gap(&maps, near, near + 1, agent->size,
					  RP_PAGE, UINT64_MAX, i);
		rp_maps_free(&maps);
		if (!agent->base)
			break;
		ret = rp_region_map(inject, agent->base, agent->size,
				    RP_REGION_AGENT, diag);
	}
	if (ret)
		agent->base = 0;
	if (ret == -EEXIST)
		return rp_diag_set(diag, RP_DIAG_LIVE_MEMORY, NULL,
			"process %d has no room for the thread of hooks: %llu KB",
			target_of(agent)->pid,
			(unsigned long long)(agent->size >> 10));
	return ret;
}

/* First what it is: a later run of the tool looks for it. */
static int write_region(struct rp_agent *agent)
{
	struct rp_region region = {
		.magic = RP_REGION_MAGIC, .version = RP_REGION_VERSION,
		.kind = RP_REGION_AGENT, .base = agent->base,
		.size = agent->size, .state = RP_STATE_REVERTED,
		.record_size = sizeof(region),
	};
	int ret = rp_target_write(target_of(agent), agent->base, &region,
				  sizeof(region));

	return ret ? ret : rp_target_write(target_of(agent), agent->code, code,
					   sizeof(code));
}

static int write_memory(struct rp_agent *agent, struct rp_tcb *tcb,
			struct rp_diag *diag)
{
	uint64_t leave = agent->code + CODE_EXIT;
	int ret = write_region(agent);

	if (!ret)
		ret = rp_tcb_write(tcb, agent->code + RP_PAGE);
	// Where its first `ret` leads.
	if (!ret)
		ret = rp_target_write(target_of(agent), agent->stack - 16,
				      &leave, sizeof(leave));
	if (ret == -ESRCH)
		return process_gone(agent, diag);
	if (ret)
		rp_diag_set(diag, RP_DIAG_LIVE_WRITE, NULL,
			"the thread for hooks: its memory in process %d cannot be written: %s",
			target_of(agent)->pid, strerror(-ret));
	return ret;
}

static int protect(struct rp_agent *agent, struct rp_inject *inject,
		   uint64_t tcb_size, struct rp_diag *diag)
{
	uint64_t tls = agent->code + RP_PAGE;
	int ret = rp_inject_protect(inject, agent->code, RP_PAGE,
				    PROT_READ | PROT_EXEC, diag);

	if (!ret)
		ret = rp_inject_protect(inject, tls, tcb_size,
					PROT_READ | PROT_WRITE, diag);
	if (!ret)
		ret = rp_inject_protect(inject, tls + tcb_size, RP_PAGE,
					PROT_NONE, diag);
	if (!ret)
		ret = rp_inject_protect(inject, agent->stack - STACK_SIZE,
					STACK_SIZE, PROT_READ | PROT_WRITE,
					diag);
	return ret;
}

static int clone_thread(struct rp_agent *agent, struct rp_inject *inject,
			const struct rp_tcb *tcb, struct rp_diag *diag)
{
	const uint64_t args[6] = {
		CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
		CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
		CLONE_PARENT_SETTID | CLONE_CHILD_SETTID |
		CLONE_CHILD_CLEARTID,
		agent->stack - 16, tcb->tid, tcb->tid, tcb->tp,
	};
	int64_t got;
	int ret;

	inject->cloned = 0;
	ret = rp_inject_syscall(inject, SYS_clone, args, &got, diag);
	if (ret)
		return ret;
	if (got < 0 || !inject->cloned)
		return rp_diag_set(diag, RP_DIAG_LIVE_HOOK, NULL,
			"process %d cannot create the thread for hooks: %s%s",
			target_of(agent)->pid, got < 0 ? strerror((int)-got) :
			"it was not announced", got == -EAGAIN ?
			" (see RLIMIT_NPROC, and pids.max of its cgroup)" : "");
	agent->thread = rp_threads_add(agent->threads, inject->cloned);
	if (!agent->thread)
		return rp_diag_nomem(diag);
	agent->thread->ours = true;
	return 0;
}

/* Arithmetic as a new thread expects it, not as the borrowed one had it. */
static int reset_fpu(struct rp_agent *agent)
{
	struct user_fpregs_struct fpu = {
		.cwd = FPU_CONTROL, .mxcsr = SSE_CONTROL,
	};

	return ptrace(PTRACE_SETFPREGS, agent->thread->tid, NULL, &fpu) ?
	       -errno : 0;
}

static void set_idle(struct rp_agent *agent, const struct user_regs_struct *now)
{
	agent->idle = (struct user_regs_struct){
		.rip = agent->code + CODE_EXIT, .rsp = agent->stack - 16,
		.orig_rax = -1, .eflags = EFLAGS_PLAIN,
		.cs = now->cs, .ss = now->ss, .ds = now->ds, .es = now->es,
		.fs = now->fs, .gs = now->gs,
		.fs_base = now->fs_base, .gs_base = now->gs_base,
	};
}

/* Its first stop comes before its first instruction. */
static int first_stop(struct rp_agent *agent, struct rp_diag *diag)
{
	struct rp_thread *thread = agent->thread;
	struct user_regs_struct regs;
	int status;

	thread->interrupted = false;
	if (wait_stop(agent, now_ms() + PREPARE_MS, &status) != 1 ||
	    get_regs(agent, &regs))
		return rp_diag_set(diag, RP_DIAG_LIVE_HOOK, NULL,
			"the thread for hooks, %d, has not stopped",
			thread->tid);
	set_idle(agent, &regs);
	if (ptrace(PTRACE_SETOPTIONS, thread->tid, NULL,
		   (void *)(long)(RP_TRACE_OPTIONS | PTRACE_O_TRACESYSGOOD)) ||
	    rp_thread_set_regs(thread, &agent->idle) || reset_fpu(agent) ||
	    set_mask(agent, ~fault_signals()))
		return rp_diag_set(diag, RP_DIAG_LIVE_HOOK, NULL,
			"the thread for hooks, %d, has ended", thread->tid);
	agent->alive = true;
	return 0;
}

/* isalpha() and others have thread-local pointers. */
static int prepare_libc(struct rp_agent *agent, const struct rp_tcb *tcb,
			struct rp_diag *diag)
{
	const uint64_t none[2] = { 0 };
	uint64_t function;
	int64_t ignored;

	if (tcb->libc != RP_LIBC_GLIBC)
		return 0;
	function = rp_tcb_symbol(agent->modules, "__ctype_init");
	return function ? rp_agent_call(agent, function, none, PREPARE_MS,
					&ignored, diag) : 0;
}

/* Thread pointer of the program's first thread, which may run. */
static uint64_t first_thread(struct rp_agent *agent)
{
	struct rp_thread *thread = rp_threads_find(agent->threads,
						   target_of(agent)->pid);
	struct rp_diag ignored;
	uint64_t ret;

	if (!thread || thread->state == RP_THREAD_GONE)
		return 0;
	if (thread->state == RP_THREAD_STOPPED)
		return thread->regs.fs_base;
	if (rp_threads_stop_one(agent->threads, thread, &ignored))
		return 0;
	ret = thread->regs.fs_base;
	rp_threads_resume_one(agent->threads, thread);
	return ret;
}

static int measure(struct rp_agent *agent, struct rp_inject *inject,
		   struct rp_tcb *tcb, struct rp_diag *diag)
{
	const uint64_t none[6] = { 0 };
	int64_t tid = target_of(agent)->ns_pid;
	int ret = 0;

	// Numbered as the target numbers it.
	if (inject->thread->tid != target_of(agent)->pid)
		ret = rp_inject_syscall(inject, SYS_gettid, none, &tid, diag);

	if (ret)
		return ret;
	*tcb = (struct rp_tcb){
		.modules = agent->modules, .other = inject->saved.fs_base,
		.other_tid = (pid_t)tid,
		.first = first_thread(agent),
	};
	ret = rp_tcb_measure(tcb);
	if (ret)
		return rp_diag_set(diag, RP_DIAG_LIVE_HOOK, NULL,
			"thread-local storage of process %d (%s) is not as expected",
			target_of(agent)->pid, target_of(agent)->comm);
	return 0;
}

static int make(struct rp_agent *agent, struct rp_inject *inject,
		uint64_t near, struct rp_diag *diag)
{
	struct rp_tcb tcb;
	int ret = measure(agent, inject, &tcb, diag);

	if (ret)
		return ret;
	agent->size = 3 * RP_PAGE + tcb.size + STACK_SIZE;
	ret = map_region(agent, inject, near, diag);
	if (ret)
		return ret;
	agent->code = agent->base + RP_PAGE;
	agent->stack = agent->base + agent->size;
	ret = write_memory(agent, &tcb, diag);
	if (!ret)
		ret = protect(agent, inject, tcb.size, diag);
	if (!ret)
		ret = clone_thread(agent, inject, &tcb, diag);
	if (!ret)
		ret = first_stop(agent, diag);
	return ret ? ret : prepare_libc(agent, &tcb, diag);
}

int rp_agent_start(struct rp_agent *agent, struct rp_inject *inject,
		   struct rp_modules *modules, uint64_t near,
		   struct rp_diag *diag)
{
	int ret;

	*agent = (struct rp_agent){
		.threads = inject->threads, .modules = modules,
	};
	if (!near && modules->libc_module)
		near = modules->libc_module->low;
	else if (!near && modules->n)
		near = modules->v[0].low;
	ret = make(agent, inject, near, diag);
	if (ret)
		rp_agent_stop(agent, inject);
	return ret == -ESRCH || ret == -ENOMEM || !ret ? ret : -EINVAL;
}

void rp_agent_stop(struct rp_agent *agent, struct rp_inject *inject)
{
	struct rp_diag ignored;
	bool ended;

	if (agent->thread && agent->thread->state != RP_THREAD_GONE)
		end_thread(agent);
	ended = !agent->thread || agent->thread->state == RP_THREAD_GONE;
	// A thread that cannot be ended keeps its memory.
	if (agent->base && ended && inject)
		(void)rp_inject_unmap(inject, agent->base, agent->size,
				      &ignored);
	*agent = (struct rp_agent){
		.threads = agent->threads, .modules = agent->modules,
	};
}
