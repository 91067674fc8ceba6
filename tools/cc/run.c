/* SPDX-License-Identifier: MIT */
/* Running other programs on behalf of the user. */
#define _GNU_SOURCE
#include "run.h"
#include "../tool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void print_verbose(const struct rp_words *words)
{
	const char *verbose = getenv("RP_CC_VERBOSE");

	if (!verbose || !*verbose || !strcmp(verbose, "0"))
		return;
	fprintf(stderr, "repoint cc:");
	for (size_t i = 0; i < words->n; i++)
		fprintf(stderr, " %s", words->v[i]);
	fprintf(stderr, "\n");
}

static int cannot_run(const char *program, int error)
{
	struct rp_diag diag;

	if (error == ENOENT)
		rp_diag_set(&diag, RP_DIAG_CC_NOT_FOUND, NULL,
			"no such compiler; usage: repoint cc COMPILER "
			"ARGUMENT...");
	else
		rp_diag_set(&diag, RP_DIAG_CC_RUN, NULL, "cannot be run: %s",
			strerror(error));
	rp_error(program, &diag);
	return error == ENOENT ? 127 : 126;
}

int rp_run_exec(const struct rp_words *words)
{
	print_verbose(words);
	execvp(words->v[0], words->v);
	return cannot_run(words->v[0], errno);
}

// The program that SIGTERM and SIGHUP are passed on to; 0 once it has ended.
static volatile sig_atomic_t child;

static void forward(int sig)
{
	if (child)
		kill(child, sig);
}

/*
 * What a shell does for a command in the foreground: the terminal sends
 * SIGINT to both processes, and the child alone decides what it means.
 */
static const struct {
	int sig;
	void (*handler)(int sig);
} while_waiting[] = {
	{ SIGINT, SIG_IGN },
	{ SIGQUIT, SIG_IGN },
	{ SIGTERM, forward },
	{ SIGHUP, forward },
};

#define SIGNALS_NR	(sizeof(while_waiting) / sizeof(while_waiting[0]))

static void install_signals(struct sigaction *old, sigset_t *defaults)
{
	sigemptyset(defaults);
	for (size_t i = 0; i < SIGNALS_NR; i++) {
		struct sigaction action = { .sa_flags = SA_RESTART };

		sigaction(while_waiting[i].sig, NULL, &old[i]);
		// nohup: what was ignored stays so, here and in the child
		if (old[i].sa_handler == SIG_IGN)
			continue;
		sigaddset(defaults, while_waiting[i].sig);
		action.sa_handler = while_waiting[i].handler;
		sigaction(while_waiting[i].sig, &action, NULL);
	}
}

static void restore_signals(const struct sigaction *old)
{
	for (size_t i = 0; i < SIGNALS_NR; i++)
		sigaction(while_waiting[i].sig, &old[i], NULL);
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 1 << 8;
	}
	return status;
}

static int spawn_and_wait(const struct rp_words *words,
			  const sigset_t *defaults, int *status)
{
	posix_spawnattr_t attr;
	sigset_t forwarded, mask;
	pid_t pid;

	// A signal between spawn and the store to `child` would be lost.
	sigemptyset(&forwarded);
	sigaddset(&forwarded, SIGTERM);
	sigaddset(&forwarded, SIGHUP);
	sigprocmask(SIG_BLOCK, &forwarded, &mask);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, defaults);
	posix_spawnattr_setsigmask(&attr, &mask);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF |
				 POSIX_SPAWN_SETSIGMASK);
	int error = posix_spawnp(&pid, words->v[0], NULL, &attr, words->v,
				 environ);
	posix_spawnattr_destroy(&attr);
	child = error ? 0 : pid;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (!error)
		*status = wait_for(pid);
	child = 0;
	return error;
}

static void die_of(int sig)
{
	sigset_t set;

	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(sig);
}

int rp_run_wait(const struct rp_words *words)
{
	struct sigaction old[SIGNALS_NR];
	sigset_t defaults;
	int status = 0;

	print_verbose(words);
	install_signals(old, &defaults);
	int error = spawn_and_wait(words, &defaults, &status);
	restore_signals(old);
	if (error)
		return cannot_run(words->v[0], error);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	die_of(WTERMSIG(status));
	return 128 + WTERMSIG(status);
}

static char *read_text(int fd)
{
	size_t room = 4096, n = 0;
	char *text = malloc(room);

	while (text) {
		ssize_t got = read(fd, text + n, room - n - 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += got;
		if (n + 1 < room)
			continue;
		room *= 2;
		char *more = realloc(text, room);
		if (!more)
			free(text);
		text = more;
	}
	if (text)
		text[n] = '\0';
	return text;
}

static int spawn_captured(const struct rp_words *words, int fd, int out,
			  pid_t *pid)
{
	posix_spawn_file_actions_t actions;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, fd == 1 ? 2 : 1, "/dev/null",
					 O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, fd);
	int error = posix_spawnp(pid, words->v[0], &actions, NULL, words->v,
				 environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

char *rp_run_capture(const struct rp_words *words, int fd)
{
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		return NULL;
	int error = spawn_captured(words, fd, ends[1], &pid);
	close(ends[1]);
	char *text = error ? NULL : read_text(ends[0]);
	close(ends[0]);
	if (error)
		return NULL;
	status = wait_for(pid);
	if (text && (!WIFEXITED(status) || WEXITSTATUS(status))) {
		free(text);
		return NULL;
	}
	return text;
}
