// SPDX-License-Identifier: MIT
/*
 * A program that takes things away from itself, as arguments say:
 *
 *   filter   a system call filter: read, write, exit, sleeps; all else kills it
 *   full     every hole within 3 GiB of its code is mapped, without access
 *   limit    RLIMIT_AS as large as what is mapped
 */
#define _GNU_SOURCE
#include "serve.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REACH	(3ull << 30)

static int filter(void)
{
	static const int allowed[] = {
		SYS_read, SYS_write, SYS_nanosleep, SYS_clock_nanosleep,
		SYS_futex, SYS_rt_sigreturn, SYS_restart_syscall,
		SYS_exit_group, SYS_exit, SYS_brk, SYS_getpid,
	};
	enum { N = sizeof(allowed) / sizeof(allowed[0]) };
	struct sock_filter code[N + 3];
	struct sock_fprog program = { N + 3, code };

	code[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		offsetof(struct seccomp_data, nr));
	for (int i = 0; i < N; i++)
		code[i + 1] = (struct sock_filter)BPF_JUMP(
			BPF_JMP | BPF_JEQ | BPF_K, allowed[i], N - i, 0);
	code[N + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						   SECCOMP_RET_KILL_PROCESS);
	code[N + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
						   SECCOMP_RET_ALLOW);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		       SECCOMP_FILTER_FLAG_TSYNC, &program);
}

static void fill_hole(uint64_t from, uint64_t to)
{
	if (from < to)
		mmap((void *)from, to - from, PROT_NONE, MAP_PRIVATE |
		     MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
}

static int fill(void)
{
	uint64_t here = (uint64_t)fill & ~4095ull, start, end;
	uint64_t at = here > REACH + 65536 ? here - REACH : 65536;
	uint64_t until = here + REACH;
	uint64_t holes[2000][2];
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[400];
	int n = 0;

	while (maps && n < 1999 && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx", &start, &end) != 2 || end <= at)
			continue;
		if (start > at) {
			holes[n][0] = at;
			holes[n++][1] = start < until ? start : until;
		}
		at = end;
		if (at >= until)
			break;
	}
	if (at < until) {
		holes[n][0] = at;
		holes[n++][1] = until;
	}
	if (maps)
		fclose(maps);
	while (n--)
		fill_hole(holes[n][0], holes[n][1]);
	return 0;
}

static int limit(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;
	struct rlimit r;

	if (!f || fscanf(f, "%lu", &pages) != 1)
		return -1;
	fclose(f);
	r.rlim_cur = r.rlim_max = pages * 4096;
	return setrlimit(RLIMIT_AS, &r);
}

void serve_begin(int argc, char **argv)
{
	(void)argc;
	(void)argv;
}

bool serve_command(const char *line)
{
	int ret = 0;

	if (!strcmp(line, "filter"))
		ret = filter();
	else if (!strcmp(line, "full"))
		ret = fill();
	else if (!strcmp(line, "limit"))
		ret = limit();
	else
		return false;
	answer("%s", ret ? "failed" : "ok");
	return true;
}
