// SPDX-License-Identifier: MIT
/* Cases, each in a process of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "case.h"

#define STATUS_SKIP	77
#define RUN_OPTION	"--run"
/* Out of the way of tests that count on low numbers. */
#define PROC_FD		900
#define REASON_FD	901

static char self[PATH_MAX];
static char directory[PATH_MAX];
static const struct test_case *current;
static unsigned int failures;

const void *case_data(void)
{
	return current->data;
}

int case_proc(void)
{
	return PROC_FD;
}

unsigned int case_count_maps(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned int lines = 0;
	int c;

	while ((c = getc(maps)) != EOF)
		lines += c == '\n';
	fclose(maps);
	return lines;
}

const char *case_directory(void)
{
	return directory;
}

double case_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

bool case_check(bool holds, const char *file, int line, const char *format, ...)
{
	char text[1024];
	va_list ap;

	if (holds)
		return true;
	/* What is wrong once is often wrong a thousand times. */
	if (__atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED) > 4)
		return false;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	fprintf(stderr, "# %s: %s:%d: not true: %s\n", current->name,
		strrchr(file, '/') ? strrchr(file, '/') + 1 : file, line, text);
	return false;
}

void case_skip(const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (write(REASON_FD, text, strlen(text)) < 0)
		_exit(1);
	_exit(STATUS_SKIP);
}

void case_end(void)
{
	fflush(NULL);
	_exit(failures != 0);
}

/* ---- the child ---- */

static int run_here(const struct test_case *c)
{
	current = c;
	c->run();
	return failures != 0;
}

__attribute__((noreturn))
static void become(const struct test_case *c, int reason)
{
	/* Dies with us, and so do children that stay in its group. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(reason, REASON_FD);
	dup2(open("/proc", O_PATH | O_DIRECTORY), PROC_FD);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	current = c;
	if (c->setup)
		c->setup();
	if (failures)
		_exit(1);
	execl(self, self, RUN_OPTION, c->name, (char *)NULL);
	fprintf(stderr, "# %s: %s\n", self, strerror(errno));
	_exit(1);
}

/* ---- the parent ---- */

/* 0 and *status, or -ETIMEDOUT. */
static int wait_for(pid_t pid, unsigned int seconds, int *status)
{
	struct pollfd fd = {
		.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN
	};
	int error = 0;

	if (poll(&fd, 1, (int)seconds * 1000) == 0) {
		error = -ETIMEDOUT;
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
	}
	close(fd.fd);
	waitpid(pid, status, 0);
	/* What the case left behind. */
	kill(-pid, SIGKILL);
	return error;
}

static void explain(const struct test_case *c, int error, int status,
		    unsigned int seconds)
{
	if (error)
		fprintf(stderr, "# %s: not done within %u s\n", c->name,
			seconds);
	else if (WIFSIGNALED(status))
		fprintf(stderr, "# %s: killed by SIG%s\n", c->name,
			sigabbrev_np(WTERMSIG(status)));
	else
		fprintf(stderr, "# %s: exit status %d\n", c->name,
			WEXITSTATUS(status));
}

static bool run_case(const struct test_case *c, int number)
{
	unsigned int seconds = c->seconds ? c->seconds : 60;
	int status = 0, error, reason[2];
	char text[256] = "";
	pid_t pid;

	fflush(NULL);
	if (pipe2(reason, O_CLOEXEC) < 0)
		return false;
	pid = fork();
	if (pid == 0)
		become(c, reason[1]);
	close(reason[1]);
	error = wait_for(pid, seconds, &status);
	if (!error && WIFEXITED(status) && WEXITSTATUS(status) == STATUS_SKIP &&
	    read(reason[0], text, sizeof(text) - 1) > 0)
		printf("ok %d - %s # SKIP %s\n", number, c->name, text);
	else
		printf("%s %d - %s\n", error || status ? "not ok" : "ok",
		       number, c->name);
	close(reason[0]);
	if (!*text && (error || status))
		explain(c, error, status, seconds);
	return *text || !(error || status);
}

static bool wanted(const struct test_case *c, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], c->name))
			return true;
	return argc == 1;
}

static const struct test_case *find(const struct test_case *cases, size_t nr,
				    const char *name)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(cases[i].name, name))
			return &cases[i];
	return NULL;
}

static void note_self(const char *argv0)
{
	char copy[PATH_MAX];

	/* argv[0] is absolute when a case runs: there may be no /proc. */
	if (!realpath(argv0, self) &&
	    readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		exit(99);
	strcpy(copy, self);
	strcpy(directory, dirname(copy));
}

int cases_main(const struct test_case *cases, size_t nr, int argc, char **argv)
{
	const struct test_case *c;
	int number = 0;
	bool ok = true;

	note_self(argv[0]);
	if (argc == 3 && !strcmp(argv[1], RUN_OPTION)) {
		c = find(cases, nr, argv[2]);
		return c ? run_here(c) : 99;
	}
	for (size_t i = 0; i < nr; i++)
		if (wanted(&cases[i], argc, argv))
			ok = run_case(&cases[i], ++number) && ok;
	printf("1..%d\n", number);
	return !ok;
}
