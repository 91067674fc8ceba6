// SPDX-License-Identifier: MIT
#define _GNU_SOURCE
#include "kill_at.h"

#include <signal.h>
#include <stdarg.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

long kill_at;
long kill_calls;

static void count(void)
{
	if (++kill_calls == kill_at)
		kill(getpid(), SIGKILL);
}

long __real_ptrace(int request, pid_t pid, void *address, void *data);
long __wrap_ptrace(int request, pid_t pid, void *address, void *data);
long __wrap_ptrace(int request, pid_t pid, void *address, void *data)
{
	count();
	return __real_ptrace(request, pid, address, data);
}

pid_t __real_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
	pid_t ret;

	if (!(options & WNOHANG))
		count();
	ret = __real_waitpid(pid, status, options);
	// One that only looks, again and again, counts when it has seen something.
	if (options & WNOHANG && ret)
		count();
	return ret;
}

ssize_t __real_pwrite(int fd, const void *buffer, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *buffer, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *buffer, size_t size, off_t offset)
{
	count();
	return __real_pwrite(fd, buffer, size, offset);
}
