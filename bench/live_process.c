// SPDX-License-Identifier: MIT
/* The processes that are patched, and the commands that patch them. */
#define _GNU_SOURCE
#include "live_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "patch_process.h"

#define ALIVE_MAX	4

extern char **environ;

/* Should this program die, they do not stay. */
static pid_t alive[ALIVE_MAX];

static void kill_all(void)
{
	for (size_t i = 0; i < ALIVE_MAX; i++)
		if (alive[i])
			kill(alive[i], SIGKILL);
}

static void note(pid_t was, pid_t is)
{
	static bool registered;

	if (!registered && atexit(kill_all))
		bench_die("atexit failed");
	registered = true;
	for (size_t i = 0; i < ALIVE_MAX; i++)
		if (alive[i] == was) {
			alive[i] = is;
			return;
		}
	bench_die("more than %d processes", ALIVE_MAX);
}

static void make_pipe(int fds[2])
{
	if (pipe2(fds, O_CLOEXEC))
		bench_die("no pipe: %s", strerror(errno));
}

void live_start(struct live_process *process, char *const argv[])
{
	posix_spawn_file_actions_t files;
	int in[2], out[2];

	make_pipe(in);
	make_pipe(out);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in[0], 0);
	posix_spawn_file_actions_adddup2(&files, out[1], 1);
	if (posix_spawn(&process->pid, argv[0], &files, NULL, argv, environ))
		bench_die("%s: cannot be run", argv[0]);
	posix_spawn_file_actions_destroy(&files);
	note(0, process->pid);
	close(in[0]);
	close(out[1]);
	process->to = fdopen(in[1], "we");
	process->from = fdopen(out[0], "re");
	if (!process->to || !process->from)
		bench_die("no memory");
	/* Who has ended is found out by reading. */
	signal(SIGPIPE, SIG_IGN);
}

void live_say(struct live_process *process, const char *line)
{
	fprintf(process->to, "%s\n", line);
	fflush(process->to);
}

void live_read(struct live_process *process, char *line, size_t size)
{
	if (!fgets(line, (int)size, process->from))
		bench_die("process %d has ended", process->pid);
	line[strcspn(line, "\n")] = 0;
}

void live_ask(struct live_process *process, const char *question, char *answer,
	      size_t size)
{
	live_say(process, question);
	live_read(process, answer, size);
}

int live_end(struct live_process *process, bool kill_it)
{
	int status;

	if (kill_it)
		kill(process->pid, SIGKILL);
	fclose(process->to);
	if (waitpid(process->pid, &status, 0) != process->pid)
		bench_die("process %d cannot be waited for", process->pid);
	note(process->pid, 0);
	fclose(process->from);
	return status;
}

/* ---- commands ---- */

static double figure(const char *text, const char *key)
{
	char quoted[32], *found;

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	found = strstr(text, quoted);
	if (!found)
		bench_die("repoint patch: no %s in %s", key, text);
	return strtod(found + strlen(quoted), NULL);
}

static void read_file(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t n;

	if (!file)
		bench_die("%s: cannot be read", path);
	n = fread(text, 1, size - 1, file);
	text[n] = 0;
	fclose(file);
}

static void change(const char *repoint, const char *verb, pid_t pid,
		   const char *what, struct live_change *ret)
{
	char *path = patch_path("change.json"), number[16], text[8192];
	char *argv[] = { (char *)repoint, "patch", (char *)verb, "--json",
			 number, (char *)what, NULL };

	snprintf(number, sizeof(number), "%d", pid);
	ret->wall_ns = (double)patch_run(argv, path, 0);
	read_file(path, text, sizeof(text));
	free(path);
	ret->stopped_ns = figure(text, "stopped_ns");
	ret->stop_ns = figure(text, "stop_ns");
	ret->check_ns = figure(text, "check_ns");
	ret->longest_ns = figure(text, "longest_stop_ns");
	ret->stops = figure(text, "stops");
}

void live_apply(const char *repoint, pid_t pid, const char *payload,
		struct live_change *ret)
{
	change(repoint, "apply", pid, payload, ret);
}

void live_revert(const char *repoint, pid_t pid, const char *name,
		 struct live_change *ret)
{
	change(repoint, "revert", pid, name, ret);
}
