// SPDX-License-Identifier: MIT
/*
 * Threads of another process, stopped by ptrace(): registers and memory from
 * there, tables from here; compared with libdw.
 *
 *   peer DIRECTORY         of table files
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <repoint/unwind.h>

#include "subject.h"

#define FRAMES_MAX	500
#define THREADS		4

/* struct trace - of one thread, by libdw. */
struct trace {
	pid_t tid;
	uint64_t ip[FRAMES_MAX];
	bool exact[FRAMES_MAX];
	size_t nr;
};

static struct rp_unwind_module modules[64];
static struct rp_unwind_space space = { sizeof(space), modules, 0, 64 };

/* ---- the other process ---- */

static int waiting[2];

static void wait_here(void *data)
{
	char c;

	(void)data;
	if (write(waiting[1], "x", 1) != 1)
		_exit(1);
	for (;;)
		if (read(STDIN_FILENO, &c, 1) < 0)
			pause();
}

static void *run(void *data)
{
	subject_mixed((unsigned int)(uintptr_t)data, wait_here, NULL);
	return NULL;
}

static void be_target(void)
{
	int quiet[2];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pipe(quiet))
		_exit(1);
	dup2(quiet[0], STDIN_FILENO);
	for (uintptr_t i = 1; i < THREADS; i++) {
		pthread_t id;

		if (pthread_create(&id, NULL, run, (void *)(i * 40)))
			_exit(1);
	}
	run((void *)5);
}

/* As the kernel says it of a thread: in read(), of descriptor 0. */
static bool reads(pid_t pid, const char *tid)
{
	char path[64], text[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%.12s/syscall", pid, tid);
	file = fopen(path, "r");
	/* Who may not know it may not look at the thread either. */
	if (!file)
		return true;
	if (!fgets(text, sizeof(text), file))
		*text = 0;
	fclose(file);
	return !strncmp(text, "0 0x0 ", 6);
}

static bool all_read(pid_t pid)
{
	bool all = true;
	struct dirent *entry;
	char path[32];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		all &= entry->d_name[0] == '.' || reads(pid, entry->d_name);
	if (dir)
		closedir(dir);
	return all;
}

/* Where they are to be looked at: from then on they stay there. */
static pid_t start_target(void)
{
	char c;
	pid_t pid;

	if (pipe(waiting))
		return -1;
	pid = fork();
	if (!pid)
		be_target();
	for (int i = 0; pid > 0 && i < THREADS; i++)
		if (read(waiting[0], &c, 1) != 1)
			return -1;
	for (int i = 0; i < 60000 && !all_read(pid); i++)
		usleep(1000);
	return pid;
}

/* ---- both ways ---- */

static int on_frame(Dwfl_Frame *state, void *data)
{
	struct trace *trace = data;
	Dwarf_Addr pc;
	bool exact;

	if (trace->nr == FRAMES_MAX || !dwfl_frame_pc(state, &pc, &exact))
		return DWARF_CB_ABORT;
	trace->exact[trace->nr] = exact;
	trace->ip[trace->nr++] = pc;
	return DWARF_CB_OK;
}

static bool same(const struct trace *trace, pid_t pid)
{
	struct rp_unwind_process process = { .pid = pid };
	struct rp_unwind_memory memory = { sizeof(memory), 0, 0, NULL,
					   rp_unwind_read_process, &process };
	struct user_regs_struct regs;
	struct rp_unwind_frame frame;
	size_t i = 0;
	int rc;

	if (ptrace(PTRACE_GETREGS, trace->tid, NULL, &regs))
		return false;
	rp_unwind_from_user_regs(&frame, &regs);
	do {
		if (i == trace->nr || frame.ip != trace->ip[i] ||
		    !!(frame.flags & RP_UNWIND_EXACT) != trace->exact[i])
			break;
		i++;
		rc = rp_unwind_step(&space, &memory, &frame);
	} while (rc == 1);
	if (rc || i != trace->nr)
		fprintf(stderr, "# frame %zu of %zu: %d\n", i, trace->nr, rc);
	return !rc && i == trace->nr && i > 10;
}

struct peers {
	pid_t pid;
	int nr, good;
};

static int on_thread(Dwfl_Thread *thread, void *data)
{
	static struct trace trace;
	struct peers *peers = data;

	trace.tid = dwfl_thread_tid(thread);
	trace.nr = 0;
	/* -1 at the end: what nobody called has no caller. */
	dwfl_thread_getframes(thread, on_frame, &trace);
	peers->nr++;
	/* libdw lets a thread go when it has its frames. */
	if (ptrace(PTRACE_SEIZE, trace.tid, NULL, NULL) ||
	    ptrace(PTRACE_INTERRUPT, trace.tid, NULL, NULL))
		return DWARF_CB_OK;
	waitpid(trace.tid, NULL, __WALL);
	peers->good += same(&trace, peers->pid);
	ptrace(PTRACE_DETACH, trace.tid, NULL, NULL);
	return DWARF_CB_OK;
}

static bool attach(Dwfl *dwfl, pid_t pid)
{
	return dwfl && !dwfl_linux_proc_report(dwfl, pid) &&
	       !dwfl_report_end(dwfl, NULL, NULL) &&
	       !dwfl_linux_proc_attach(dwfl, pid, false);
}

int main(int argc, char **argv)
{
	static char nowhere[] = "", *no_debuginfo = nowhere;
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_linux_proc_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.debuginfo_path = &no_debuginfo,
	};
	struct peers peers = { .nr = 0 };
	Dwfl *dwfl = dwfl_begin(&callbacks);

	if (argc != 2)
		return 64;
	peers.pid = start_target();
	/* A copy of this process has everything where it is here. */
	if (peers.pid < 0 || rp_unwind_space_add_self(&space, argv[1], NULL) < 2)
		return 99;
	if (!attach(dwfl, peers.pid)) {
		puts("1..0 # SKIP ptrace() is not permitted");
	} else {
		dwfl_getthreads(dwfl, on_thread, &peers);
		printf("%sok 1 - %d of %d threads as libdw sees them\n1..1\n",
		       peers.good == THREADS ? "" : "not ", peers.good,
		       THREADS);
	}
	dwfl_end(dwfl);
	rp_unwind_space_close(&space);
	kill(peers.pid, SIGKILL);
	waitpid(peers.pid, NULL, 0);
	return 0;
}
