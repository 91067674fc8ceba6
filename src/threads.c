// SPDX-License-Identifier: MIT
/* The other threads of this process, from /proc/self/task. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "threads.h"

/* glibc 2.32; false once a thread was made by pthread_create. */
extern char __libc_single_threaded __attribute__((weak));

bool rp__threads_single(void)
{
	struct stat st;

	/* A vfork child shares memory with threads that it does not list. */
	if (&__libc_single_threaded && !__libc_single_threaded)
		return false;
	/* Threads made by a raw clone: two links of its own, one for each. */
	return stat("/proc/self/task", &st) == 0 && st.st_nlink == 3;
}

/* The hexadecimal mask after "SigBlk:\t" in a status file. */
static int parse_blocked(const char *status, uint64_t *ret)
{
	const char *p = strstr(status, "\nSigBlk:\t");

	if (!p)
		return -ENOTSUP;
	*ret = 0;
	for (p += 9; *p && *p != '\n'; p++)
		*ret = *ret << 4 | (uint64_t)(*p <= '9' ? *p - '0'
						       : *p - 'a' + 10);
	return 0;
}

/* 1 if blocked, 0 if not or if the thread is gone. */
static int thread_blocks(int task_fd, const char *tid, int signal)
{
	char path[32], status[4096];
	uint64_t mask = 0;
	ssize_t n;
	int fd;

	strcpy(path, tid);
	strcat(path, "/status");
	fd = openat(task_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -ENOTSUP;
	n = read(fd, status, sizeof(status) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	status[n] = '\0';
	if (parse_blocked(status, &mask) < 0)
		return -ENOTSUP;
	return mask >> (signal - 1) & 1;
}

/* struct dirent64 as the kernel writes it. */
struct dirent_abi {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

static int to_int(const char *digits)
{
	int n = 0;

	while (*digits >= '0' && *digits <= '9')
		n = 10 * n + *digits++ - '0';
	return n;
}

static int scan_entries(int fd, const char *buffer, long len, int signal)
{
	for (long pos = 0; pos < len;) {
		const struct dirent_abi *entry =
			(const struct dirent_abi *)(buffer + pos);
		int blocks = 0;

		if (entry->name[0] >= '1' && entry->name[0] <= '9' &&
		    strlen(entry->name) < 12)
			blocks = thread_blocks(fd, entry->name, signal);
		if (blocks)
			return blocks < 0 ? blocks : to_int(entry->name);
		pos += entry->reclen;
	}
	return 0;
}

int rp__threads_blocking(int signal)
{
	_Alignas(8) char buffer[4096];
	int fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int found = 0;
	long len;

	if (fd < 0)
		return -ENOTSUP;
	while (!found && (len = syscall(SYS_getdents64, fd, buffer,
					sizeof(buffer))) > 0)
		found = scan_entries(fd, buffer, len, signal);
	close(fd);
	return found;
}
