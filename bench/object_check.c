/* SPDX-License-Identifier: MIT */
/*
 * What running programs on files costs: two commands, one process for each file,
 * taking turns, so that both meet the same machine.
 *
 *   object-check-bench ROUNDS 'COMMAND A' 'COMMAND B' FILE...
 *
 * A command is words, split at blanks; the file comes last. Prints for each the
 * mean of the wall clock per file, over the rounds the median of these, and the
 * largest peak of memory. Exit status 1: a command failed in a way that is more
 * than having found something (2 and up), or was killed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORDS	32
#define MAX_ROUNDS	64

struct command {
	const char *text;
	char *words[MAX_WORDS + 2];
	size_t nwords;
	double round[MAX_ROUNDS];	/* milliseconds per file */
	long peak;			/* kB */
};

static void split(struct command *c, char *text)
{
	c->text = strdup(text);
	for (char *w = strtok(text, " "); w && c->nwords < MAX_WORDS;
	     w = strtok(NULL, " "))
		c->words[c->nwords++] = w;
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void become(struct command *c, char *file)
{
	int null = open("/dev/null", O_WRONLY);

	c->words[c->nwords] = file;
	if (null < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		_exit(127);
	execvp(c->words[0], c->words);
	_exit(127);
}

static double run(struct command *c, char *file)
{
	struct rusage usage;
	double start = now_ms();
	int status;
	pid_t pid = fork();

	if (!pid)
		become(c, file);
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
		perror("fork");
		exit(1);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
		fprintf(stderr, "%s %s: failed\n", c->text, file);
		exit(1);
	}
	if (usage.ru_maxrss > c->peak)
		c->peak = usage.ru_maxrss;
	return now_ms() - start;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print(struct command *c, size_t rounds)
{
	qsort(c->round, rounds, sizeof(*c->round), by_size);
	printf("%-60s %8.3f ms  (%.3f to %.3f)  %ld kB\n", c->text,
	       c->round[rounds / 2], c->round[0], c->round[rounds - 1],
	       c->peak);
}

int main(int argc, char **argv)
{
	struct command commands[2] = { 0 };
	size_t rounds = argc > 4 ? strtoul(argv[1], NULL, 0) : 0;

	if (!rounds || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: object-check-bench ROUNDS A B FILE...\n");
		return 64;
	}
	split(&commands[0], argv[2]);
	split(&commands[1], argv[3]);
	for (size_t r = 0; r < rounds; r++) {
		for (int i = 4; i < argc; i++) {
			for (int k = 0; k < 2; k++)
				commands[k].round[r] += run(&commands[k], argv[i]);
		}
		for (int k = 0; k < 2; k++)
			commands[k].round[r] /= argc - 4;
	}
	print(&commands[0], rounds);
	print(&commands[1], rounds);
	return 0;
}
