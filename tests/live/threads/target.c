// SPDX-License-Identifier: MIT
/* A program that is stopped again and again: its frame. */
#include "target.h"

#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static char directory_name[64];
static pid_t main_pid;

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void clean(void)
{
	if (directory_name[0] && getpid() == main_pid)
		nftw(directory_name, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void bad(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	clean();
	_exit(1);
}

long good(const char *what, long result)
{
	if (result == -1)
		bad("%s: %s", what, strerror(errno));
	return result;
}

void fails(const char *what, long result, int error)
{
	if (result != -1)
		bad("%s: %ld, not %s", what, result, strerror(error));
	if (errno != error)
		bad("%s: %s, not %s", what, strerror(errno), strerror(error));
}

int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

struct timespec in_ns(int64_t ns)
{
	return (struct timespec){ ns / (1000 * MS), ns % (1000 * MS) };
}

void took(const char *what, int64_t start, int64_t ns)
{
	int64_t passed = now_ns() - start;

	if (passed < ns - MS / 2)
		bad("%s: over after %lld us of %lld us", what,
		    (long long)passed / 1000, (long long)ns / 1000);
	if (passed > ns + 60000 * MS)
		bad("%s: over after %lld ms of %lld ms", what,
		    (long long)(passed / MS), (long long)(ns / MS));
}

bool is_over(void)
{
	struct pollfd pollfd = { .fd = 0, .events = POLLIN };

	/* Here handlers run at times: whether they should is known elsewhere. */
	return poll(&pollfd, 1, 0) > 0;
}

const char *directory(void)
{
	const char *in = getenv("TMPDIR");

	if (directory_name[0])
		return directory_name;
	snprintf(directory_name, sizeof(directory_name),
		 "%s/repoint-target.XXXXXX",
		 in && strlen(in) < 30 ? in : "/tmp");
	if (!mkdtemp(directory_name))
		bad("mkdtemp: %s", strerror(errno));
	main_pid = getpid();
	return directory_name;
}

static void *feeder(void *argument)
{
	const struct target_class *class = argument;

	for (;;) {
		usleep(2000);
		class->feed();
	}
	return NULL;
}

static const struct target_class *find(const char *name)
{
	const struct target_class *const lists[] = {
		time_classes, data_classes, signal_classes, task_classes,
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		for (const struct target_class *c = lists[i]; c->name; c++) {
			if (!name)
				puts(c->name);
			else if (!strcmp(c->name, name))
				return c;
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const struct target_class *class;
	unsigned long rounds = 0;
	pthread_t thread;

	class = find(argv[1]);
	if (argc < 2)
		return 0;
	if (!class)
		return 64;
	/* Whatever becomes of the driver. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(300);
	if (class->start)
		class->start();
	if (class->feed && pthread_create(&thread, NULL, feeder, (void *)class))
		bad("pthread_create");
	printf("ready\n");
	fflush(stdout);
	do {
		class->once();
		rounds++;
	} while (!is_over());
	if (class->end)
		class->end();
	printf("ok %lu\n", rounds);
	fflush(stdout);
	clean();
	_exit(0);
}
