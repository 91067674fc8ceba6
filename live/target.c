// SPDX-License-Identifier: MIT
/* A process and its memory. */
#define _GNU_SOURCE
#include "target.h"

#include <ctype.h>
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char *read_all(int fd, size_t *size)
{
	size_t capacity = 0, n = 0;
	char *text = NULL;

	for (;;) {
		ssize_t got;

		if (n + 4096 > capacity) {
			size_t more = capacity ? 2 * capacity : 8192;
			char *larger = realloc(text, more + 1);

			if (!larger)
				goto fail;
			text = larger;
			capacity = more;
		}
		got = read(fd, text + n, capacity - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			goto fail;
		if (!got)
			break;
		n += got;
	}
	text[n] = 0;
	*size = n;
	return text;
fail:
	free(text);
	return NULL;
}

char *rp_target_file(const struct rp_target *target, const char *name,
		     size_t *size)
{
	int fd = openat(target->proc, name, O_RDONLY | O_CLOEXEC);
	size_t ignored;
	char *text;
	int saved;

	if (fd < 0)
		return NULL;
	text = read_all(fd, size ? size : &ignored);
	saved = errno;
	close(fd);
	errno = saved;
	return text;
}

static const char *status_field(const char *status, const char *field)
{
	size_t length = strlen(field);

	for (const char *line = status; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, field, length) && line[length] == ':')
			return line + length + 1;
	}
	return NULL;
}

long rp_target_status(const char *status, const char *field)
{
	const char *at = status_field(status, field);

	return at ? strtol(at, NULL, 10) : -1;
}

/* The last of the numbers of a line. */
static long last_number(const char *status, const char *field)
{
	const char *at = status_field(status, field);
	long number = -1;

	while (at && *at && *at != '\n') {
		char *end;
		long next = strtol(at, &end, 10);

		if (end == at)
			break;
		number = next;
		at = end;
	}
	return number;
}

static char state_of(const char *status)
{
	const char *at = status_field(status, "State");

	while (at && isspace((unsigned char)*at))
		at++;
	return at ? *at : '?';
}

bool rp_target_is_gone(const struct rp_target *target)
{
	char *status = rp_target_file(target, "status", NULL);
	char state = status ? state_of(status) : 'X';
	bool alone = !status || rp_target_status(status, "Threads") <= 1;

	free(status);
	return state == 'X' || (state == 'Z' && alone);
}

/* Names come from the process: they may hold anything. */
static void copy_name(struct rp_target *t)
{
	char *comm = rp_target_file(t, "comm", NULL);
	size_t n = 0;

	for (const char *c = comm; c && *c && *c != '\n' &&
	     n + 1 < sizeof(t->comm); c++)
		t->comm[n++] = isprint((unsigned char)*c) ? *c : '?';
	t->comm[n] = 0;
	free(comm);
}

static int check_state(const struct rp_target *t, const char *status,
		       struct rp_diag *diag)
{
	char state = state_of(status);

	if (state == 'X' ||
	    (state == 'Z' && rp_target_status(status, "Threads") <= 1))
		return rp_diag_set(diag, RP_DIAG_LIVE_PROCESS, NULL,
			"process %d (%s) has ended and waits for its parent (a zombie): there is nothing to patch",
			t->pid, t->comm);
	return 0;
}

/* Reading maps asks for the same rights as tracing does. */
static int denied(const struct rp_target *t, struct rp_diag *diag)
{
	return rp_diag_set(diag, RP_DIAG_LIVE_PERMISSION, NULL,
		"process %d (%s) of user %u may not be traced by user %u: run as that user or as root (CAP_SYS_PTRACE); see also kernel.yama.ptrace_scope, and processes that are not dumpable",
		t->pid, t->comm, t->uid, geteuid());
}

static int check_memory(struct rp_target *t, struct rp_diag *diag)
{
	char *maps, name[40];
	size_t size;

	snprintf(name, sizeof(name), "%smem", t->at);
	t->mem = openat(t->proc, name, O_RDWR | O_CLOEXEC);
	if (t->mem < 0 && errno == ENOENT)
		return rp_diag_set(diag, RP_DIAG_LIVE_PROCESS, NULL,
			"there is no process %d", t->pid);
	if (t->mem < 0)
		return denied(t, diag);
	snprintf(name, sizeof(name), "%smaps", t->at);
	maps = rp_target_file(t, name, &size);
	if (!maps)
		return errno == ESRCH ? rp_diag_set(diag, RP_DIAG_LIVE_PROCESS,
			NULL, "process %d (%s) has ended", t->pid, t->comm) :
			denied(t, diag);
	free(maps);
	if (!size)
		return rp_diag_set(diag, RP_DIAG_LIVE_PROCESS, NULL,
			"process %d (%s) is ending", t->pid, t->comm);
	return 0;
}

static int check_arch(struct rp_target *t, struct rp_diag *diag)
{
	Elf64_Ehdr header = { 0 };
	char name[40];
	ssize_t got;
	int fd;

	snprintf(name, sizeof(name), "%sexe", t->at);
	fd = openat(t->proc, name, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : pread(fd, &header, sizeof(header), 0);

	if (fd >= 0)
		close(fd);
	/* Unreadable says nothing; the modules are looked at later. */
	if (got != sizeof(header))
		return 0;
	if (!memcmp(header.e_ident, ELFMAG, SELFMAG) &&
	    header.e_ident[EI_CLASS] == ELFCLASS64 &&
	    header.e_machine == EM_X86_64)
		return 0;
	return rp_diag_set(diag, RP_DIAG_LIVE_ARCH, NULL,
		"process %d (%s) is not a 64-bit x86-64 program: only those can be patched",
		t->pid, t->comm);
}

static int open_proc(struct rp_target *t, struct rp_diag *diag)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", t->pid);
	t->proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t->proc >= 0)
		return 0;
	return rp_diag_set(diag, RP_DIAG_LIVE_PROCESS, NULL,
			   "there is no process %d", t->pid);
}

/* A main thread that has ended has no memory any more; others may go on. */
static void find_living(struct rp_target *t, const char *status)
{
	int fd = -1;
	DIR *dir;
	struct dirent *e;

	if (state_of(status) == 'Z' && rp_target_status(status, "Threads") > 1)
		fd = openat(t->proc, "task", O_RDONLY | O_DIRECTORY |
			    O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && !*t->at && (e = readdir(dir))) {
		pid_t tid = strtol(e->d_name, NULL, 10);

		if (tid > 0 && tid != t->pid)
			snprintf(t->at, sizeof(t->at), "task/%d/", tid);
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

static int read_status(struct rp_target *t, struct rp_diag *diag)
{
	char *status = rp_target_file(t, "status", NULL);
	struct stat st;
	int ret;

	if (!status || fstat(t->proc, &st)) {
		free(status);
		return rp_diag_set(diag, RP_DIAG_LIVE_PROCESS, NULL,
				   "process %d has ended", t->pid);
	}
	copy_name(t);
	t->uid = rp_target_status(status, "Uid");
	find_living(t, status);
	if (rp_target_status(status, "VmSize") < 0 && state_of(status) != 'Z')
		ret = rp_diag_set(diag, RP_DIAG_LIVE_PROCESS, NULL,
			"process %d (%s) has no user memory: a thread of the kernel, or a process that is ending",
			t->pid, t->comm);
	else if (rp_target_status(status, "Tgid") != t->pid)
		ret = rp_diag_set(diag, RP_DIAG_LIVE_PROCESS, NULL,
			"%d is a thread of process %ld (%s): give the number of the process",
			t->pid, rp_target_status(status, "Tgid"), t->comm);
	else
		ret = check_state(t, status, diag);
	t->ns_pid = last_number(status, "NSpid");
	if (t->ns_pid < 0)
		t->ns_pid = t->pid;
	t->seccomp = rp_target_status(status, "Seccomp") > 0;
	free(status);
	return ret;
}

int rp_target_open(struct rp_target *t, pid_t pid, struct rp_diag *diag)
{
	int ret;

	*t = (struct rp_target){ .pid = pid, .proc = -1, .mem = -1 };
	if (pid == getpid())
		return rp_diag_set(diag, RP_DIAG_LIVE_PROCESS, NULL,
			"%d is this very process, which cannot stop itself",
			pid);
	ret = open_proc(t, diag);
	if (!ret)
		ret = read_status(t, diag);
	if (!ret)
		ret = check_memory(t, diag);
	return ret ? ret : check_arch(t, diag);
}

void rp_target_close(struct rp_target *t)
{
	if (t->mem >= 0)
		close(t->mem);
	if (t->proc >= 0)
		close(t->proc);
	t->mem = t->proc = -1;
}

size_t rp_target_read_some(const struct rp_target *t, uint64_t address,
			   void *buffer, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = pread(t->mem, (char *)buffer + done, size - done,
				    (off_t)(address + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += got;
	}
	return done;
}

static int why(const struct rp_target *t)
{
	return rp_target_is_gone(t) ? -ESRCH : -EFAULT;
}

int rp_target_read(const struct rp_target *t, uint64_t address, void *buffer,
		   size_t size)
{
	if (address > INT64_MAX)
		return -EFAULT;
	return rp_target_read_some(t, address, buffer, size) == size ? 0 :
	       why(t);
}

int rp_target_read_string(const struct rp_target *t, uint64_t address,
			  char *buffer, size_t size)
{
	size_t got;

	if (address > INT64_MAX || !size)
		return -EFAULT;
	got = rp_target_read_some(t, address, buffer, size - 1);
	buffer[got] = 0;
	/* A string at the end of a mapping ends before it. */
	if (strlen(buffer) < got || got == size - 1)
		return 0;
	return why(t);
}

int rp_target_write(const struct rp_target *t, uint64_t address,
		    const void *bytes, size_t size)
{
	size_t done = 0;

	if (address > INT64_MAX)
		return -EFAULT;
	while (done < size) {
		ssize_t got = pwrite(t->mem, (const char *)bytes + done,
				     size - done, (off_t)(address + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return errno == EACCES || errno == EPERM ? -EACCES :
			       why(t);
		done += got;
	}
	return 0;
}
