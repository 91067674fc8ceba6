// SPDX-License-Identifier: MIT
/* Ways to make life hard for a process. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "case.h"
#include "environment.h"

#ifndef PR_SET_MDWE
# define PR_SET_MDWE			65
# define PR_MDWE_REFUSE_EXEC_GAIN	1
#endif
#define SYS_MSEAL	462

/* ---- seccomp ---- */

const struct denied deny_mprotect_exec = {
	SYS_mprotect, 2, PROT_EXEC | PROT_WRITE, PROT_EXEC | PROT_WRITE, EACCES
};
/* The window may be opened, but not closed. */
const struct denied deny_restore_exec = {
	SYS_mprotect, 2, PROT_EXEC | PROT_WRITE, PROT_EXEC, EACCES
};
const struct denied deny_membarrier = { SYS_membarrier, 0, 0, 0, EPERM };
const struct denied deny_setaffinity = {
	SYS_sched_setaffinity, 0, 0, 0, EPERM
};
const struct denied deny_vm_readv = { SYS_process_vm_readv, 0, 0, 0, EPERM };
/* No file can be opened for both: /proc/self/mem is what uses that here. */
const struct denied deny_open_rdwr = {
	SYS_openat, 2, O_ACCMODE, O_RDWR, EACCES
};
const struct denied deny_pwrite = { SYS_pwrite64, 0, 0, 0, EPERM };
const struct denied deny_open = { SYS_openat, 0, 0, 0, EACCES };

#define RULE_LEN	6

/* Six instructions: fall through to the next rule unless it applies. */
static void add_rule(struct sock_filter *at, const struct denied *d)
{
	const struct sock_filter rule[RULE_LEN] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)d->nr, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 (uint32_t)offsetof(struct seccomp_data, args) +
			 8 * d->arg),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, d->mask),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, d->value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K,
			 SECCOMP_RET_ERRNO | (uint32_t)d->error),
	};

	memcpy(at, rule, sizeof(rule));
}

void deny(const struct denied *const *list)
{
	struct sock_filter filter[16 * RULE_LEN + 1];
	struct sock_fprog program = { .filter = filter };
	unsigned short len = 0;

	for (; *list; list++, len += RULE_LEN)
		add_rule(&filter[len], *list);
	filter[len++] = (struct sock_filter)
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = len;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		    SECCOMP_FILTER_FLAG_TSYNC, &program) != 0)
		SKIP("no seccomp filter can be installed: %s", strerror(errno));
}

/* ---- the kernel's own refusals ---- */

void refuse_exec_gain(void)
{
	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0)
		SKIP("no PR_SET_MDWE (Linux 6.3): %s", strerror(errno));
}

/*
 * The bounds of executable mappings that follow each other, from the real
 * /proc: text that was patched is a mapping of its own.
 */
static bool find_text(const void *address, uintptr_t *start, uintptr_t *end)
{
	int fd = openat(case_proc(), "self/maps", O_RDONLY | O_CLOEXEC);
	FILE *maps = fd < 0 ? NULL : fdopen(fd, "r");
	uintptr_t from, to;
	char line[512], exec;

	*start = *end = 0;
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %*2s%c", &from, &to, &exec) != 3 ||
		    exec != 'x')
			continue;
		if (from != *end && *end > (uintptr_t)address)
			break;
		if (from != *end)
			*start = from;
		*end = to;
	}
	if (maps)
		fclose(maps);
	return (uintptr_t)address >= *start && (uintptr_t)address < *end;
}

void seal_text_of(const void *address)
{
	uintptr_t start, end;

	REQUIRE(find_text(address, &start, &end));
	if (syscall(SYS_MSEAL, start, end - start, 0ul) < 0)
		SKIP("no mseal (Linux 6.10): %s", strerror(errno));
}

void hide_proc(void)
{
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/proc", "tmpfs", 0, NULL) < 0)
		SKIP("/proc cannot be hidden without root: %s",
		     strerror(errno));
}

void become_nobody(void)
{
	if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
		SKIP("another user needs root: %s", strerror(errno));
}

/* ---- limits ---- */

static char *spare_start;
static size_t spare_pages;

/* Neighbours of different protection do not merge: a mapping a page. */
void exhaust_maps(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = 4 << 20;

	spare_start = mmap(NULL, pages * page, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (spare_start == MAP_FAILED)
		SKIP("no address space: %s", strerror(errno));
	spare_pages = pages;
	for (size_t i = 1; i < pages; i += 2)
		if (mprotect(spare_start + i * page, page, PROT_READ) < 0)
			break;
	/* The last one or two, by whatever still fits. */
	while (mmap(NULL, page, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1,
		    0) != MAP_FAILED)
		;
	if (errno != ENOMEM)
		SKIP("vm.max_map_count cannot be reached");
}

void release_maps(void)
{
	munmap(spare_start, spare_pages * (size_t)sysconf(_SC_PAGESIZE));
}

static struct rlimit space_before;

static size_t space_used(void)
{
	unsigned long pages = 0;
	char text[64] = "";
	int fd = openat(case_proc(), "self/statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		SKIP("no /proc/self/statm");
	close(fd);
	sscanf(text, "%lu", &pages);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

void exhaust_address_space(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_AS, &space_before);
	limit = space_before;
	limit.rlim_cur = space_used();
	REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
}

void release_address_space(void)
{
	setrlimit(RLIMIT_AS, &space_before);
}
