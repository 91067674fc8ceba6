// SPDX-License-Identifier: MIT
/* A program patches itself: by a helper process, see livepatch_apply.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <repoint/livepatch_apply.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lock.h"

#define STACK_SIZE	(64u << 10)
#define NO_DESCRIPTORS	125
#define NO_PROCESS	126
#define EXEC_FAILED	127
#define REFUSED		2	/* exit status of the commands */
#define ARGS_MAX	10

#ifndef MFD_NOEXEC_SEAL
# define MFD_NOEXEC_SEAL	0x0008U
#endif

/**
 * struct helper - the process that starts the tool, and waits for it.
 * @args:   the tool's words
 * @go:     the program has permitted it to trace
 * @output: file for what the tool says. No pipe: a child that another thread
 *          forks meanwhile would hold that open, and its end never come
 * @mask:   the tool's signal mask
 * @stack:  the lower half of it is for what becomes the tool
 */
struct helper {
	const char *args[ARGS_MAX];
	int go[2];
	int output;
	bool want_stdout;
	sigset_t mask;
	char *stack;
};

/* As the kernel has it. */
struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void *restorer;
	unsigned long mask;
};

static long call(long nr, long a, long b, long c, long d)
{
	return rp__syscall(nr, a, b, c, d);
}

/* Handlers of the program must not run here once signals are let in; and the end
 * of the tool is to be waited for, even where SIGCHLD is ignored. */
static void drop_handlers(void)
{
	const struct kernel_sigaction by_default = { 0 };

	for (int sig = 1; sig < NSIG; sig++) {
		struct kernel_sigaction action = { 0 };

		if (!call(SYS_rt_sigaction, sig, 0, (long)&action,
			  sizeof(action.mask)) &&
		    (sig == SIGCHLD || (action.handler != SIG_IGN &&
					action.handler != SIG_DFL)))
			call(SYS_rt_sigaction, sig, (long)&by_default, 0,
			     sizeof(action.mask));
	}
}

/* The three, whichever numbers the program has free; no other one. */
static bool set_descriptors(const struct helper *h)
{
	long output, null;

	call(SYS_close, h->go[0], 0, 0, 0);
	call(SYS_close, h->go[1], 0, 0, 0);
	output = call(SYS_fcntl, h->output, F_DUPFD, 3, 0);
	call(SYS_close, h->output, 0, 0, 0);
	null = call(SYS_openat, AT_FDCWD, (long)"/dev/null", O_RDWR, 0);
	null = call(SYS_fcntl, null, F_DUPFD, 3, 0);
	if (output < 0 || null < 0)
		return false;
	call(SYS_dup3, null, 0, 0, 0);
	call(SYS_dup3, h->want_stdout ? output : null, 1, 0, 0);
	call(SYS_dup3, h->want_stdout ? null : output, 2, 0, 0);
#ifdef SYS_close_range
	call(SYS_close_range, 3, ~0u, 0, 0);
#endif
	return true;
}

static int run_tool(void *context)
{
	const struct helper *h = context;

	call(SYS_rt_sigprocmask, SIG_SETMASK, (long)&h->mask, 0, NSIG / 8);
	call(SYS_execve, (long)h->args[0], (long)h->args, (long)environ, 0);
	call(SYS_exit_group, EXEC_FAILED, 0, 0, 0);
	return EXEC_FAILED;
}

/*
 * Who calls execve() is from then on a child as any other, with a SIGCHLD at its
 * end: so this process does not, but starts another one.
 */
static int start_tool(struct helper *h)
{
	int status;
	pid_t pid;

	if (!set_descriptors(h))
		return NO_DESCRIPTORS;
	pid = clone(run_tool, h->stack + STACK_SIZE / 2,
		    CLONE_VM | CLONE_VFORK | SIGCHLD, h);
	if (pid < 0)
		return NO_PROCESS;
	while (call(SYS_wait4, pid, (long)&status, 0, 0) == -EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/*
 * Shares the program's memory, and with the thread that called the place where
 * errno is: bare system calls only, but for clone(), which sets it if it fails.
 * All signals are blocked.
 */
static int run(void *context)
{
	struct helper *h = context;
	char byte;

	drop_handlers();
	while (call(SYS_read, h->go[0], (long)&byte, 1, 0) == -EINTR)
		;
	call(SYS_exit_group, start_tool(h), 0, 0, 0);
	return 0;
}

/* Its handlers are its own (no CLONE_SIGHAND), its memory is not. */
static pid_t start(struct helper *h)
{
	sigset_t all;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &h->mask);
	pid = clone(run, h->stack + STACK_SIZE, CLONE_VM, h);
	if (pid < 0)
		pid = -errno;
	pthread_sigmask(SIG_SETMASK, &h->mask, NULL);
	return pid;
}

static int open_output(void)
{
	int fd = memfd_create("repoint", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	/* Linux 6.3 */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("repoint", MFD_CLOEXEC);
	return fd;
}

/* As much as there is room for. Return: was that all? */
static bool read_output(int fd, char *text, size_t size)
{
	size_t n = 0;
	char more;

	while (n + 1 < size) {
		ssize_t got = pread(fd, text + n, size - 1 - n, (off_t)n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (size)
		text[n] = 0;
	return pread(fd, &more, 1, (off_t)n) <= 0;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (!WIFEXITED(status))
		return -EINVAL;
	switch (WEXITSTATUS(status)) {
	case 0:
		return 0;
	case REFUSED:
		return -EAGAIN;
	case NO_DESCRIPTORS:
		return -EMFILE;
	case NO_PROCESS:
		return -ENOMEM;
	case EXEC_FAILED:
		return -ENOENT;
	default:
		return -EINVAL;
	}
}

static int run_helper(struct helper *h, char *text, size_t size)
{
	bool fits;
	pid_t pid;
	int ret;

	pid = start(h);
	if (pid < 0)
		return pid;
	/* Its descendants as well. Fails where Yama is not: it is not needed there. */
	prctl(PR_SET_PTRACER, pid, 0, 0, 0);
	while (write(h->go[1], "", 1) < 0 && errno == EINTR)
		;
	ret = wait_for(pid);
	fits = read_output(h->output, text, size);
	return !ret && h->want_stdout && !fits ? -ENOSPC : ret;
}

static void close_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

static int helper(struct helper *h, char *text, size_t size)
{
	int ret = -ENOMEM;

	h->go[0] = h->go[1] = -1;
	h->output = open_output();
	h->stack = malloc(STACK_SIZE);
	if (h->output < 0 || pipe2(h->go, O_CLOEXEC))
		ret = -errno;
	else if (h->stack)
		ret = run_helper(h, text, size);
	free(h->stack);
	close_open(h->go[0]);
	close_open(h->go[1]);
	close_open(h->output);
	if (text && size && ret == -ENOENT)
		snprintf(text, size, "%s cannot be run", h->args[0]);
	return ret;
}

/* The process that is about to be changed: a child of fork is another one. */
static pid_t changing;

static bool take(void)
{
	pid_t self = getpid(), was = __atomic_load_n(&changing,
						     __ATOMIC_RELAXED);

	return was != self &&
	       __atomic_compare_exchange_n(&changing, &was, self, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void release(void)
{
	__atomic_store_n(&changing, 0, __ATOMIC_RELEASE);
}

static const char *tool_of(const struct rp_livepatch_options *options)
{
	return options && options->tool ? options->tool : RP_TOOL_PATH;
}

/* `repoint patch VERB --quiet --timeout S PID WHAT` */
static int change(const char *verb, const char *what,
		  const struct rp_livepatch_options *options, char *message,
		  size_t size)
{
	unsigned int ms = options && options->timeout_ms ?
			  options->timeout_ms : 10000;
	char pid[16], timeout[16];
	struct helper h = { .args = {
		tool_of(options), "patch", verb, "--quiet", "--timeout",
		timeout, pid, what ? what : "--all", NULL } };
	int ret;

	if (message && size)
		*message = 0;
	else
		size = 0;
	/* The word after the options: not one itself. */
	if (what && *what == '-')
		return -EINVAL;
	snprintf(pid, sizeof(pid), "%d", getpid());
	snprintf(timeout, sizeof(timeout), "%u.%03u", ms / 1000, ms % 1000);
	if (!take()) {
		if (size)
			snprintf(message, size,
				 "another thread patches this process");
		return -EAGAIN;
	}
	ret = helper(&h, message, size);
	release();
	return ret;
}

int rp_livepatch_apply(const char *path,
		       const struct rp_livepatch_options *options,
		       char *message, size_t size)
{
	return path ? change("apply", path, options, message, size) : -EINVAL;
}

int rp_livepatch_replace(const char *path,
			 const struct rp_livepatch_options *options,
			 char *message, size_t size)
{
	return path ? change("replace", path, options, message, size) :
	       -EINVAL;
}

int rp_livepatch_revert(const char *name,
			const struct rp_livepatch_options *options,
			char *message, size_t size)
{
	return change("revert", name, options, message, size);
}

int rp_livepatch_list(const struct rp_livepatch_options *options, char *text,
		      size_t size)
{
	char pid[16];
	struct helper h = { .want_stdout = true, .args = {
		tool_of(options), "patch", "list", "--json", pid, NULL } };

	if (!text || !size)
		return -EINVAL;
	*text = 0;
	snprintf(pid, sizeof(pid), "%d", getpid());
	return helper(&h, text, size);
}
