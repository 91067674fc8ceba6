/* SPDX-License-Identifier: MIT */
/* Running the user's build command, and signals meanwhile. */
#define _GNU_SOURCE
#include "runner.h"
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS		100
#define PATIENCE_MS	5000	/* for a build to end after a signal */

static const int stopping[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

#define STOPPING_NR	(sizeof(stopping) / sizeof(*stopping))

static void stopping_set(sigset_t *set)
{
	struct sigaction action;

	sigemptyset(set);
	for (size_t i = 0; i < STOPPING_NR; i++) {
		// nohup: what was ignored stays so
		if (!sigaction(stopping[i], NULL, &action) &&
		    action.sa_handler != SIG_IGN)
			sigaddset(set, stopping[i]);
	}
}

void rp_runner_block(struct rp_runner *runner)
{
	sigset_t set;

	stopping_set(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, &runner->old);
}

void rp_runner_unblock(struct rp_runner *runner)
{
	sigset_t pipe;
	struct timespec now = { 0 };

	// A reader of our messages that went away is no reason to die late.
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigtimedwait(&pipe, NULL, &now);
	sigprocmask(SIG_SETMASK, &runner->old, NULL);
}

bool rp_runner_stopped(struct rp_runner *runner)
{
	struct timespec now = { 0 };
	sigset_t set;
	int sig;

	stopping_set(&set);
	sig = runner->signal ? 0 : sigtimedwait(&set, NULL, &now);
	if (sig > 0)
		runner->signal = sig;
	return runner->signal;
}

static bool redirect(const char *log)
{
	int in = open("/dev/null", O_RDONLY);
	int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0666);

	return in >= 0 && out >= 0 && dup2(in, 0) >= 0 &&
	       dup2(out, 1) >= 0 && dup2(out, 2) >= 0;
}

static void become(const struct rp_runner *runner, const struct rp_run *run,
		   pid_t parent)
{
	const char *shell[] = { "/bin/sh", "-c", run->text, NULL };
	char *const *argv = run->text ? (char *const *)shell : run->argv;

	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, &runner->old, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || !redirect(run->log))
		_exit(126);
	if (chdir(runner->cwd)) {
		fprintf(stderr, "%s: %s\n", runner->cwd, strerror(errno));
		_exit(126);
	}
	// Dates in the two builds must agree.
	setenv("SOURCE_DATE_EPOCH", "1000000000", 0);
	setenv("PWD", runner->cwd, 1);
	rp_intercept_setenv(runner->intercept, run->side, runner->source,
			    runner->shims);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

// What the command has printed since the last time.
static void show_log(const struct rp_runner *runner, int log)
{
	char bytes[4096];
	ssize_t n;

	while (runner->verbose && (n = read(log, bytes, sizeof(bytes))) > 0) {
		if (write(STDERR_FILENO, bytes, n) < 0)
			return;
	}
}

/* Waits for the next event. Return: a signal, or 0. */
static int wait_event(void)
{
	struct timespec tick = { .tv_nsec = TICK_MS * 1000000l };
	sigset_t set;
	int sig;

	stopping_set(&set);
	sigaddset(&set, SIGCHLD);
	sig = sigtimedwait(&set, NULL, &tick);
	return sig > 0 ? sig : 0;
}

static void stop(struct rp_runner *runner, pid_t pid, int sig)
{
	// The second one is meant in earnest.
	kill(-pid, runner->signal ? SIGKILL : sig);
	runner->signal = sig;
}

static int wait_for(struct rp_runner *runner, pid_t pid, int log)
{
	int status = 0, late = 0;

	for (;;) {
		int sig = wait_event();

		if (sig && sig != SIGCHLD)
			stop(runner, pid, sig);
		show_log(runner, log);
		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
		if (runner->signal && (late += TICK_MS) > PATIENCE_MS)
			kill(-pid, SIGKILL);
		if (!sig && runner->tick)
			runner->tick(runner->data);
	}
	show_log(runner, log);
	return status;
}

static int exit_status(const struct rp_runner *runner, int status)
{
	if (runner->signal)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int rp_runner_run(struct rp_runner *runner, const struct rp_run *run)
{
	pid_t parent = getpid(), pid;
	int status, log;

	log = open(run->log, O_RDONLY | O_CREAT | O_CLOEXEC, 0666);
	lseek(log, 0, SEEK_END);
	pid = fork();
	if (!pid)
		become(runner, run, parent);
	if (pid < 0)
		return 126;
	setpgid(pid, pid);
	status = wait_for(runner, pid, log);
	close(log);
	// Jobs of a make that was interrupted, and what it left in the
	// background, must not write into the tree any more.
	rp_stage_end_all(runner->stage);
	return exit_status(runner, status);
}

int rp_runner_call(struct rp_runner *runner, int (*function)(void *data),
		   void *data)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		sigprocmask(SIG_SETMASK, &runner->old, NULL);
		int status = function(data);
		if (fflush(stdout))
			status = 1;
		_exit(status);
	}
	if (pid < 0)
		return 1;
	setpgid(pid, pid);
	return exit_status(runner, wait_for(runner, pid, -1));
}
