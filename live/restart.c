// SPDX-License-Identifier: MIT
/*
 * System calls that were under way when their thread was stopped.
 *
 * Waking a thread up for a stop looks to a system call as if a signal came. Most
 * return -ERESTART*, and the kernel starts them again if there was no handler to
 * run. Those below return a plain -EINTR, in cases most of which signal(7) lists
 * (sockets with a timeout, epoll_wait(), semop(), ...). It says of all of them
 * that nothing was done: no data moved, no operation performed, so that starting
 * again is the same as never having been woken up.
 *
 * connect() belongs to them: on a socket without a timeout the kernel itself
 * starts it again, from the same place. close() does not: its descriptor is gone
 * when it returns.
 */
#include "threads_impl.h"

#include <errno.h>
#include <sys/syscall.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2	441
#endif

static bool returns_eintr(long nr)
{
	switch (nr) {
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
	case SYS_semop:
	case SYS_semtimedop:
	case SYS_rt_sigtimedwait:
	case SYS_io_getevents:
	case SYS_io_pgetevents:
	case SYS_io_uring_enter:
	/* Their timeout could not be written back, it is read-only. */
	case SYS_select:
	case SYS_pselect6:
	case SYS_ppoll:
	/* Sockets with a timeout; some devices and file systems. */
	case SYS_read:
	case SYS_readv:
	case SYS_pread64:
	case SYS_preadv:
	case SYS_preadv2:
	case SYS_write:
	case SYS_writev:
	case SYS_pwrite64:
	case SYS_pwritev:
	case SYS_pwritev2:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_sendto:
	case SYS_sendmsg:
	case SYS_sendmmsg:
	case SYS_accept:
	case SYS_accept4:
	case SYS_connect:
	case SYS_sendfile:
	case SYS_splice:
	/* tmpfs gives back what it had allocated. */
	case SYS_fallocate:
		return true;
	default:
		return false;
	}
}

bool rp_restart_repair(struct user_regs_struct *regs)
{
	/* orig_rax is negative where no system call led into the kernel. */
	if ((int64_t)regs->rax != -EINTR || (int64_t)regs->orig_rax < 0 ||
	    !returns_eintr((long)regs->orig_rax))
		return false;
	regs->rax = -(int64_t)RP_ERESTARTNOHAND;
	return true;
}

bool rp_thread_restarts(const struct user_regs_struct *regs)
{
	if ((int64_t)regs->orig_rax < 0)
		return false;
	switch (-(int64_t)regs->rax) {
	case 512:	/* ERESTARTSYS */
	case 513:	/* ERESTARTNOINTR */
	case RP_ERESTARTNOHAND:
	case 516:	/* ERESTART_RESTARTBLOCK */
		return true;
	default:
		return false;
	}
}

const char *rp_syscall_name(long nr)
{
	static const struct {
		long nr;
		const char *name;
	} names[] = {
		{ SYS_vfork, "vfork" }, { SYS_clone, "clone" },
		{ SYS_clone3, "clone3" }, { SYS_execve, "execve" },
		{ SYS_execveat, "execveat" }, { SYS_exit, "exit" },
		{ SYS_exit_group, "exit_group" }, { SYS_read, "read" },
		{ SYS_write, "write" }, { SYS_pread64, "pread64" },
		{ SYS_pwrite64, "pwrite64" }, { SYS_open, "open" },
		{ SYS_openat, "openat" }, { SYS_close, "close" },
		{ SYS_fsync, "fsync" }, { SYS_fdatasync, "fdatasync" },
		{ SYS_sync, "sync" }, { SYS_msync, "msync" },
		{ SYS_stat, "stat" }, { SYS_newfstatat, "newfstatat" },
		{ SYS_statx, "statx" }, { SYS_unlink, "unlink" },
		{ SYS_unlinkat, "unlinkat" }, { SYS_rename, "rename" },
		{ SYS_ioctl, "ioctl" }, { SYS_mmap, "mmap" },
		{ SYS_munmap, "munmap" }, { SYS_mprotect, "mprotect" },
		{ SYS_madvise, "madvise" }, { SYS_getdents64, "getdents64" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (names[i].nr == nr)
			return names[i].name;
	}
	return NULL;
}
