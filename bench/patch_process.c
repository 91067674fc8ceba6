// SPDX-License-Identifier: MIT
/* Other programs, timed, in a directory that is gone afterwards. */
#define _GNU_SOURCE
#include "bench.h"
#include "patch_process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX	32

extern char **environ;

static char *directory;

static char *format_args(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		bench_die("no memory");
	return text;
}

/* ---- directory ---- */

static void remove_directory(void)
{
	char *const argv[] = { "rm", "-rf", directory, NULL };
	pid_t pid;

	if (!posix_spawnp(&pid, "rm", NULL, NULL, argv, environ))
		waitpid(pid, NULL, 0);
}

const char *patch_directory(void)
{
	const char *parent = getenv("TMPDIR");

	if (directory)
		return directory;
	if (asprintf(&directory, "%s/repoint-bench.XXXXXX",
		     parent && *parent ? parent : "/tmp") < 0)
		bench_die("no memory");
	if (!mkdtemp(directory))
		bench_die("%s: cannot be made", directory);
	atexit(remove_directory);
	return directory;
}

char *patch_path(const char *format, ...)
{
	char *name, *path;
	va_list args;

	va_start(args, format);
	name = format_args(format, args);
	va_end(args);
	if (asprintf(&path, "%s/%s", patch_directory(), name) < 0)
		bench_die("no memory");
	free(name);
	return path;
}

FILE *patch_open(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		bench_die("%s: cannot be written", path);
	return file;
}

void patch_close(FILE *file, const char *path)
{
	int error = ferror(file);

	if (fclose(file) || error)
		bench_die("%s: cannot be written", path);
}

uint64_t patch_size(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		bench_die("%s: is not there", path);
	return (uint64_t)st.st_size;
}

/* ---- programs ---- */

static pid_t start(char *const argv[], const char *output, const char *errors)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC;
	posix_spawn_file_actions_t files;
	pid_t pid;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, output, flags, 0600);
	posix_spawn_file_actions_addopen(&files, 2, errors, flags, 0600);
	if (posix_spawnp(&pid, argv[0], &files, NULL, argv, environ))
		bench_die("%s: cannot be run", argv[0]);
	posix_spawn_file_actions_destroy(&files);
	return pid;
}

static void show(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[512];

	for (int i = 0; file && i < 20 && fgets(line, sizeof(line), file); i++)
		fputs(line, stderr);
	if (file)
		fclose(file);
}

static void check_status(char *const argv[], int got, int want,
			 const char *errors)
{
	if (WIFEXITED(got) && WEXITSTATUS(got) == want)
		return;
	show(errors);
	fputs("the command was:", stderr);
	for (char *const *arg = argv; *arg; arg++)
		fprintf(stderr, " %s", *arg);
	fputc('\n', stderr);
	if (WIFEXITED(got))
		bench_die("%s: exit status %d instead of %d", argv[0],
			  WEXITSTATUS(got), want);
	bench_die("%s: killed by signal %d", argv[0], WTERMSIG(got));
}

uint64_t patch_run(char *const argv[], const char *output, int status)
{
	char *errors = patch_path("errors");
	uint64_t begin = bench_ns(), end;
	pid_t pid = start(argv, output, errors);
	int got;

	if (waitpid(pid, &got, 0) != pid)
		bench_die("%s: cannot be waited for", argv[0]);
	end = bench_ns();
	check_status(argv, got, status, errors);
	free(errors);
	return end - begin;
}

uint64_t patch_shell(const char *format, ...)
{
	char *command, *whole;
	uint64_t ns;
	va_list args;

	va_start(args, format);
	command = format_args(format, args);
	va_end(args);
	if (asprintf(&whole, "cd '%s' && %s", patch_directory(), command) < 0)
		bench_die("no memory");
	ns = patch_run((char *[]){ "sh", "-c", whole, NULL }, "/dev/null", 0);
	free(whole);
	free(command);
	return ns;
}

bool patch_have(const char *command)
{
	char line[128];

	snprintf(line, sizeof(line), "command -v %s >/dev/null 2>&1", command);
	return system(line) == 0;
}

/* ---- memory ---- */

double patch_peak(const char *peak, char *const argv[], int status)
{
	char *command[ARGS_MAX] = { (char *)peak };
	char *output = patch_path("peak");
	uint64_t bytes;
	FILE *file;
	int got;

	for (size_t i = 0; argv[i]; i++) {
		if (i + 2 >= ARGS_MAX)
			bench_die("more than %d arguments", ARGS_MAX - 2);
		command[i + 1] = argv[i];
	}
	patch_run(command, output, 0);
	file = fopen(output, "re");
	if (!file || fscanf(file, "%d %" SCNu64, &got, &bytes) != 2)
		bench_die("%s: says nothing", peak);
	fclose(file);
	free(output);
	if (got != status)
		bench_die("%s: exit status %d instead of %d", argv[0], got,
			  status);
	return (double)bytes;
}
