// SPDX-License-Identifier: MIT
/* Descriptors, processes, memory: what was there before is there after. */
#ifndef _GNU_SOURCE
# define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "self.h"
#include "work.h"

#define CYCLES		200
#define CHILDREN	30

static unsigned int count_descriptors(void)
{
	unsigned int n = 0;
	DIR *dir = opendir("/proc/self/fd");

	CHECK(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* In pages. */
static unsigned long memory(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	CHECK(file && fscanf(file, "%lu", &pages) == 1);
	fclose(file);
	return pages;
}

/* All kinds: __WALL. */
static bool has_children(void)
{
	int status;

	return waitpid(-1, &status, __WALL | WNOHANG) != -1 || errno != ECHILD;
}

static void cycles(void)
{
	unsigned int descriptors = 0;
	unsigned long pages = 0;

	for (int i = 0; i < CYCLES; i++) {
		if (i == 10) {
			descriptors = count_descriptors();
			pages = memory();
		}
		CHECK(apply(fix) == 0 && answer() == 2);
		if (i % 4 == 0)
			CHECK(apply(fix) == -EAGAIN);
		CHECK(revert("fix") == 0 && answer() == 1);
	}
	CHECK(count_descriptors() == descriptors);
	CHECK(!has_children());
	printf("%lu pages, %lu before\n", memory(), pages);
	CHECK(memory() <= pages);
}

/* With each number of descriptors that is too few, and one that is enough. */
static void few_descriptors(void)
{
	unsigned int before = count_descriptors();
	struct rlimit old, now;
	int free_fd = dup(0), ret = -EMFILE;

	CHECK(free_fd > 2 && !close(free_fd));
	CHECK(!getrlimit(RLIMIT_NOFILE, &old));
	for (int more = 0; more < 20 && ret == -EMFILE; more++) {
		now = old;
		now.rlim_cur = (rlim_t)free_fd + (rlim_t)more;
		CHECK(!setrlimit(RLIMIT_NOFILE, &now));
		ret = rp_livepatch_apply(fix, &options, message,
					 sizeof(message));
		CHECK(!setrlimit(RLIMIT_NOFILE, &old));
		CHECK(ret != -EMFILE || answer() == 1);
		CHECK(more || ret == -EMFILE);
		CHECK(count_descriptors() == before);
	}
	/* Enough for this process need not be for the tool. */
	CHECK(ret == 0 || ret == -EINVAL);
	CHECK(answer() == (ret ? 1 : 2));
	CHECK(!has_children());
	CHECK(ret == 0 || apply(fix) == 0);
	CHECK(answer() == 2);
}

/* A daemon's: what the helper opens gets these numbers. */
static void closed_descriptors(void)
{
	int keep = fcntl(1, F_DUPFD_CLOEXEC, 10);

	for (int which = 1; which < 8; which++) {
		for (int fd = 0; fd < 3; fd++)
			if (which & 1 << fd)
				close(fd);
		CHECK(apply(fix) == 0 && answer() == 2);
		CHECK(apply(fix) == -EAGAIN && strstr(message, "fix"));
		CHECK(rp_livepatch_list(&options, message,
					sizeof(message)) == -ENOSPC ||
		      strstr(message, "\"fix\""));
		CHECK(revert("fix") == 0 && answer() == 1);
		for (int fd = 0; fd < 3; fd++)
			CHECK(dup2(keep, fd) == fd);
	}
}

static int hold[2];
static volatile bool stop;

/* Copies of all descriptors, until the other end of that pipe is closed. */
static void *fork_children(void *context)
{
	char byte;

	(void)context;
	for (int i = 0; i < CHILDREN && !stop; i++) {
		pid_t pid = fork();

		if (!pid) {
			close(hold[1]);
			_exit(read(hold[0], &byte, 1) != 0);
		}
		if (pid < 0)
			break;
		usleep(3000);
	}
	return NULL;
}

/* The calls must not wait for the end of these. */
static void children_that_stay(void)
{
	pthread_t thread;

	CHECK(!pipe(hold));
	CHECK(!pthread_create(&thread, NULL, fork_children, NULL));
	for (int i = 0; i < 10; i++) {
		CHECK(apply(fix) == 0 && answer() == 2);
		CHECK(revert("fix") == 0 && answer() == 1);
	}
	stop = true;
	CHECK(!pthread_join(thread, NULL));
	close(hold[1]);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* In place of the tool: which of these descriptors it has, and SIGHUP. */
int pretend_tool(void)
{
	static const int fds[] = { 0, 1, 2, 50 };
	sigset_t now;

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fcntl(fds[i], F_GETFD) >= 0)
			fprintf(stderr, "%d ", fds[i]);
	pthread_sigmask(SIG_BLOCK, NULL, &now);
	fputs(sigismember(&now, SIGHUP) ? "blocked " : "open ", stderr);
	fputs(sigismember(&now, SIGTERM) ? "blocked" : "open", stderr);
	return 1;
}

/* The tool gets the program's mask, and no descriptor of it. */
static void inherited(void)
{
	sigset_t set;
	int fds[2];
	char byte;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	CHECK(!pthread_sigmask(SIG_BLOCK, &set, NULL));
	CHECK(!pipe(fds) && dup2(fds[1], 50) == 50);
	options.tool = "/proc/self/exe";
	CHECK(apply(fix) == -EINVAL);
	CHECK(!strcmp(message, "0 1 2 blocked open"));
	close(fds[1]);
	close(50);
	CHECK(read(fds[0], &byte, 1) == 0);
}

bool run_resources(const char *name)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} cases[] = {
		{ "cycles", cycles }, { "few-descriptors", few_descriptors },
		{ "closed-descriptors", closed_descriptors },
		{ "children-that-stay", children_that_stay },
		{ "inherited", inherited },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (!strcmp(cases[i].name, name)) {
			cases[i].run();
			return true;
		}
	}
	return false;
}
