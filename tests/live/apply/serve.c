// SPDX-License-Identifier: MIT
/* Questions and answers: see serve.h. */
#define _GNU_SOURCE
#include "serve.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static char **arguments;

void answer(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

static void reopen(const char *path, int flags, int fd)
{
	int got = open(path, flags | O_CLOEXEC);

	if (got < 0 || dup2(got, fd) < 0)
		_exit(70);
	close(got);
}

static void fork_to(const char *in, const char *out)
{
	pid_t pid = fork();

	if (pid) {
		answer("%d", pid);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	load_forget();
	reopen(in, O_RDONLY, 0);
	reopen(out, O_WRONLY, 1);
}

static void run_again(void)
{
	execv("/proc/self/exe", arguments);
	answer("exec failed");
}

static void check(void)
{
	char text[400];

	load_check(text, sizeof(text));
	answer("%s", text);
}

static bool command(const char *line)
{
	char a[256], b[256];
	unsigned int n;

	if (!strcmp(line, "version"))
		answer("%d", version());
	else if (!strcmp(line, "check"))
		check();
	else if (!strcmp(line, "forget"))
		answer("%u", load_excuse());
	else if (!strcmp(line, "exec"))
		run_again();
	else if (sscanf(line, "load %255s %u", a, &n) == 2)
		answer("%s", load_start(a, n) ? "ok" : "failed");
	else if (sscanf(line, "fork %255s %255s", a, b) == 2)
		fork_to(a, b);
	else
		return serve_command(line);
	return true;
}

int main(int argc, char **argv)
{
	char line[600];

	arguments = argv;
	signal(SIGPIPE, SIG_IGN);
	serve_begin(argc, argv);
	answer("ready");
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		if (!strcmp(line, "quit"))
			break;
		if (!command(line))
			answer("what is that: %s", line);
	}
	fflush(stdout);
	_exit(0);
}
