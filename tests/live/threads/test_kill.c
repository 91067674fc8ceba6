// SPDX-License-Identifier: MIT
/*
 * The tool is killed at each of its calls of ptrace() in turn, before and after
 * the call: nobody is left stopped or traced, or notices.
 *
 *   test_kill TARGET
 */
#include "driver.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long calls, kill_at, kill_behind;

/* In place of libc's. */
long ptrace(enum __ptrace_request request, ...)
{
	void *address, *data;
	va_list args;
	pid_t pid;
	long ret;

	va_start(args, request);
	pid = va_arg(args, pid_t);
	address = va_arg(args, void *);
	data = va_arg(args, void *);
	va_end(args);
	if (++calls == kill_at)
		kill(getpid(), SIGKILL);
	ret = syscall(SYS_ptrace, request, pid, address, data);
	if (calls == kill_behind)
		kill(getpid(), SIGKILL);
	return ret;
}

static int work(struct victim *victim)
{
	struct rp_diag diag;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (rp_threads_seize(&victim->threads, &victim->target, &diag))
		return 1;
	for (int i = 0; i < 2; i++) {
		if (stop_soon(victim, &diag))
			return 1;
		rp_threads_resume(&victim->threads);
		run_for(victim, 500);
	}
	if (rp_threads_stop_one(&victim->threads, victim->threads.v[0], &diag))
		return 1;
	rp_threads_resume_one(&victim->threads, victim->threads.v[0]);
	run_for(victim, 200);
	rp_threads_release(&victim->threads);
	return 0;
}

static bool becomes_free(pid_t pid)
{
	for (int i = 0; i < 30000; i++) {
		if (is_free(pid))
			return true;
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
	return false;
}

/* Return: was it killed? */
static bool run_tool(struct victim *victim, long before, long behind)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid) {
		kill_at = before;
		kill_behind = behind;
		_exit(work(victim));
	}
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status))
		result("the tool itself", false, NULL);
	return WIFSIGNALED(status);
}

static void test_class(const char *class)
{
	struct victim victim;
	long killed = 0;
	bool is_good;

	is_good = start(&victim, class);
	for (long n = 1; is_good && n < 1000; n++) {
		bool before = run_tool(&victim, n, 0);
		bool free = becomes_free(victim.pid);
		bool behind = run_tool(&victim, 0, n);

		is_good = free && becomes_free(victim.pid);
		killed += before + behind;
		if (!before && !behind)
			break;
	}
	if (killed < 20) {
		fprintf(stderr, "# killed no more than %ld times\n", killed);
		is_good = false;
	}
	is_good &= end(&victim);
	result(class, is_good, NULL);
}

int main(int argc, char **argv)
{
	const char *const classes[] = {
		"time-nanosleep", "time-futex", "time-poll", "time-pselect",
		"data-read", "data-eventfd", "data-accept", "data-futex",
		"data-wait", "signal-restart", "signal-sigsuspend",
		"signal-signalfd", "task-spin",
	};

	if (argc != 2)
		return 64;
	plan(argv[1]);
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++)
		test_class(classes[i]);
	return done();
}
