// SPDX-License-Identifier: MIT
/* The helper is nobody's child, and signals are as before. */
#ifndef _GNU_SOURCE
# define _GNU_SOURCE
#endif
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "self.h"
#include "work.h"

static volatile sig_atomic_t caught;
static volatile bool stop;
static volatile int reaped;

static void count(int sig)
{
	(void)sig;
	caught = caught + 1;
}

static void handle(int sig, void (*handler)(int), int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = flags;
	CHECK(!sigaction(sig, &action, NULL));
}

/* All kinds of ends of the helper: done, refused, no tool. */
static void cycle(void)
{
	struct rp_livepatch_options none = options;

	CHECK(apply(fix) == 0 && answer() == 2);
	CHECK(apply(fix) == -EAGAIN);
	CHECK(revert("fix") == 0 && answer() == 1);
	none.tool = "/nowhere/repoint";
	CHECK(rp_livepatch_apply(fix, &none, NULL, 0) == -ENOENT);
}

static void sigchld(void)
{
	handle(SIGCHLD, count, SA_RESTART);
	cycle();
	CHECK(!caught);
	handle(SIGCHLD, count, SA_NOCLDWAIT);
	cycle();
	CHECK(!caught);
	handle(SIGCHLD, SIG_IGN, 0);
	cycle();
}

/* What does wait for children of its own. */
static void *reap(void *context)
{
	int how = context ? 0 : WNOHANG;

	while (!stop) {
		int status;
		pid_t pid = waitpid(-1, &status, how);

		if (pid > 0)
			reaped = reaped + 1;
		else if (pid < 0 && errno != ECHILD)
			abort();
	}
	return NULL;
}

static void wait_loop(void)
{
	static int yes;
	pthread_t thread[2];

	CHECK(!pthread_create(&thread[0], NULL, reap, NULL));
	CHECK(!pthread_create(&thread[1], NULL, reap, &yes));
	for (int i = 0; i < 10; i++)
		cycle();
	stop = true;
	CHECK(!pthread_join(thread[0], NULL));
	CHECK(!pthread_join(thread[1], NULL));
	CHECK(!reaped);
}

/* The children that the program has are its own, and stay. */
static void own_child(void)
{
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (!pid)
		_exit(42);
	cycle();
	CHECK(waitpid(-1, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
	CHECK(waitpid(-1, &status, __WALL) == -1 && errno == ECHILD);
}

static bool blocked(int sig)
{
	sigset_t now;

	CHECK(!pthread_sigmask(SIG_BLOCK, NULL, &now));
	return sigismember(&now, sig) == 1;
}

static void masks(void)
{
	sigset_t set;

	CHECK(!blocked(SIGUSR1));
	cycle();
	CHECK(!blocked(SIGUSR1) && !blocked(SIGCHLD));
	sigfillset(&set);
	CHECK(!pthread_sigmask(SIG_SETMASK, &set, NULL));
	cycle();
	CHECK(blocked(SIGUSR1) && blocked(SIGCHLD) && blocked(SIGTERM));
}

static void ignored(void)
{
	struct sigaction now;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_IGN);
	cycle();
	CHECK(!sigaction(SIGCHLD, NULL, &now) && now.sa_handler == SIG_IGN);
	CHECK(!sigaction(SIGPIPE, NULL, &now) && now.sa_handler == SIG_IGN);
}

/* Calls are interrupted, and the handler runs in this process only. */
static void interrupted(void)
{
	struct itimerval each, none;
	struct sigaction now;

	memset(&each, 0, sizeof(each));
	memset(&none, 0, sizeof(none));
	each.it_value.tv_usec = each.it_interval.tv_usec = 2000;
	handle(SIGALRM, count, 0);
	CHECK(!setitimer(ITIMER_REAL, &each, NULL));
	for (int i = 0; i < 5; i++)
		cycle();
	CHECK(!setitimer(ITIMER_REAL, &none, NULL));
	CHECK(caught);
	CHECK(!sigaction(SIGALRM, NULL, &now) && now.sa_handler == count);
}

bool run_signals(const char *name)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = {
		{ "sigchld", sigchld }, { "wait-loop", wait_loop },
		{ "own-child", own_child }, { "masks", masks },
		{ "ignored", ignored }, { "interrupted", interrupted },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (!strcmp(cases[i].name, name)) {
			cases[i].run();
			return true;
		}
	}
	return false;
}
