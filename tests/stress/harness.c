// SPDX-License-Identifier: MIT
/* Tests in processes of their own, and what they need of threads. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

/* A guard against hangs, nothing else: no test comes near. */
#define HANG_SECONDS	60
#define MESSAGES_MAX	12
#define EXIT_SKIP	77

/* struct shared - what a test and its children tell the parent. */
struct shared {
	unsigned int failures;
	char reason[200];
};

static struct shared *shared;

/* ---- checks ---- */

bool test_check(bool holds, const char *file, int line, const char *format, ...)
{
	char text[600];
	va_list ap;
	int n, saved = errno;

	if (holds)
		return true;
	if (__atomic_fetch_add(&shared->failures, 1, __ATOMIC_SEQ_CST) <
	    MESSAGES_MAX) {
		n = snprintf(text, sizeof(text), "# %s:%d: ",
			     strrchr(file, '/') ? strrchr(file, '/') + 1 : file,
			     line);
		va_start(ap, format);
		n += vsnprintf(text + n, sizeof(text) - (size_t)n - 1, format,
			       ap);
		va_end(ap);
		if (n > (int)sizeof(text) - 2)
			n = sizeof(text) - 2;
		text[n++] = '\n';
		n = (int)write(STDERR_FILENO, text, (size_t)n);
	}
	errno = saved;
	return false;
}

bool test_failed(void)
{
	return __atomic_load_n(&shared->failures, __ATOMIC_SEQ_CST) != 0;
}

void test_end(void)
{
	_exit(test_failed());
}

void test_skip(const char *reason)
{
	snprintf(shared->reason, sizeof(shared->reason), "%s", reason);
	_exit(EXIT_SKIP);
}

/* ---- processes ---- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

pid_t raw_fork(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

int wait_for(pid_t pid)
{
	static const struct timespec nap = { 0, 500000 };
	double end = now() + HANG_SECONDS;
	int status, spins = 0;
	pid_t got;

	while ((got = waitpid(pid, &status, WNOHANG)) != pid) {
		if (got < 0 && errno != EINTR)
			return -1;
		if (now() > end) {
			fprintf(stderr, "# process %d hangs: killed\n", pid);
			kill(pid, SIGKILL);
			end = now() + HANG_SECONDS;
		}
		if (++spins < 50)
			sched_yield();
		else
			nanosleep(&nap, NULL);
	}
	return status;
}

int in_child(void (*fn)(void *), void *arg)
{
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (!pid) {
		fn(arg);
		_exit(0);
	}
	return wait_for(pid);
}

/* ---- the run ---- */

static bool is_wanted(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return true;
	return argc < 2;
}

static void start_test(const struct test *test)
{
	const char *stubs = getenv("RP_TEST_CALL_STUBS");

	rp__inject_call_stubs = stubs && !strcmp(stubs, "1");
	test->run();
	test_end();
}

static bool run_test(const struct test *test, int number)
{
	int status;
	pid_t pid;
	bool ok;

	memset(shared, 0, sizeof(*shared));
	fflush(NULL);
	pid = fork();
	if (!pid)
		start_test(test);
	status = wait_for(pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP) {
		printf("ok %d - %s # SKIP %s\n", number, test->name,
		       shared->reason);
		return true;
	}
	ok = status == 0 && !shared->failures;
	if (WIFSIGNALED(status))
		fprintf(stderr, "# %s: killed by signal %d (%s)\n", test->name,
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (!ok)
		fprintf(stderr, "# %s: %u checks failed, exit status %d\n",
			test->name, shared->failures, WEXITSTATUS(status));
	printf("%s %d - %s\n", ok ? "ok" : "not ok", number, test->name);
	return ok;
}

int test_main(int argc, char **argv, const struct test *tests, size_t nr)
{
	int number = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 99;
	for (size_t i = 0; i < nr; i++)
		if (is_wanted(argc, argv, tests[i].name))
			failed += !run_test(&tests[i], ++number);
	printf("1..%d\n", number);
	return failed != 0;
}

/* ---- threads ---- */

int gettid_now(void)
{
	return (int)syscall(SYS_gettid);
}

static cpu_set_t allowed;

unsigned int cpus(void)
{
	if (!CPU_COUNT(&allowed))
		sched_getaffinity(0, sizeof(allowed), &allowed);
	return (unsigned int)CPU_COUNT(&allowed);
}

void pin_to(unsigned int n)
{
	cpu_set_t one;

	n %= cpus();
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || n--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

static void *idle(void *started)
{
	event_set(started);
	for (;;)
		pause();
	return NULL;
}

/* libc blocks signals in a thread that begins: wait until that is over. */
void start_idle_thread(void)
{
	static struct event started;
	pthread_t thread;

	started.set = 0;
	REQUIRE(pthread_create(&thread, NULL, idle, &started) == 0);
	event_wait(&started);
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	worker->tid = gettid_now();
	sem_post(&worker->done);
	for (;;) {
		while (sem_wait(&worker->ready) < 0)
			;
		worker->fn(worker->arg);
		sem_post(&worker->done);
	}
	return NULL;
}

static void pin_worker(void *arg)
{
	pin_to(*(unsigned int *)arg);
}

void worker_start(struct worker *worker, unsigned int cpu)
{
	sem_init(&worker->ready, 0, 0);
	sem_init(&worker->done, 0, 0);
	REQUIRE(pthread_create(&worker->thread, NULL, work, worker) == 0);
	worker_wait(worker);
	worker_post(worker, pin_worker, &cpu);
	worker_wait(worker);
}

void worker_post(struct worker *worker, void (*fn)(void *), void *arg)
{
	worker->fn = fn;
	worker->arg = arg;
	sem_post(&worker->ready);
}

void worker_wait(struct worker *worker)
{
	while (sem_wait(&worker->done) < 0)
		;
}

void event_set(struct event *event)
{
	__atomic_store_n(&event->set, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &event->set, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void event_wait(struct event *event)
{
	while (!event_is_set(event))
		syscall(SYS_futex, &event->set, FUTEX_WAIT, 0, NULL, NULL, 0);
}

bool event_is_set(const struct event *event)
{
	return __atomic_load_n(&event->set, __ATOMIC_SEQ_CST);
}

/* ---- hooks ---- */

static void (*hook)(enum rp__inject_point point);
static __thread bool hook_runs;

static void on_point(enum rp__inject_point point)
{
	int saved = errno;

	if (hook_runs)
		return;
	hook_runs = true;
	hook(point);
	hook_runs = false;
	errno = saved;
}

void hook_points(void (*fn)(enum rp__inject_point point))
{
	rp__inject_hook = NULL;
	hook = fn;
	rp__inject_hook = fn ? on_point : NULL;
}

const char *point_name(enum rp__inject_point point)
{
	static const char *const names[RP__INJECT_NR] = {
		"LOCKED", "VALIDATED", "WINDOW_OPEN", "INT3_WRITTEN",
		"INT3_SYNCED", "TAIL_WRITTEN", "TAIL_SYNCED", "FIRST_WRITTEN",
		"FIRST_SYNCED", "WINDOW_CLOSED", "BATCH_RETIRED", "TRAP_ENTER",
		"TRAP_MISSED", "TRAP_FOUND", "SIGNALS_CHECKED",
	};

	return names[point];
}

/* ---- counters and mappings ---- */

struct rp_text_poke_stats stats_now(void)
{
	struct rp_text_poke_stats stats = { .sz = sizeof(stats) };

	rp_text_poke_get_stats(&stats);
	return stats;
}

/* A line of /proc/self/maps, cut into what has a meaning. */
struct maps_line {
	uintptr_t start, end, offset;
	char prot[8];
	char rest[256];
};

static bool is_file(const struct maps_line *line)
{
	return strncmp(line->rest, "00:00 ", 6) != 0;
}

/* The kernel may keep two areas where one would do: that is not a change. */
static bool continues(const struct maps_line *last, const struct maps_line *next)
{
	return last->end == next->start && !strcmp(last->prot, next->prot) &&
	       !strcmp(last->rest, next->rest) &&
	       (!is_file(last) ||
		last->offset + (last->end - last->start) == next->offset);
}

static void append(struct maps_text *text, const struct maps_line *line)
{
	if (line->start == line->end)
		return;
	text->len += (size_t)snprintf(text->text + text->len,
				      sizeof(text->text) - text->len,
				      "%lx-%lx %s %lx %s\n", line->start,
				      line->end, line->prot, line->offset,
				      line->rest);
	if (text->len >= sizeof(text->text))
		text->len = sizeof(text->text) - 1;
}

static bool parse(char *text, struct maps_line *line)
{
	int end = 0;

	if (sscanf(text, "%lx-%lx %7s %lx %n", &line->start, &line->end,
		   line->prot, &line->offset, &end) < 4)
		return false;
	snprintf(line->rest, sizeof(line->rest), "%s", text + end);
	return true;
}

static char *read_line(int fd, char *buffer, size_t size)
{
	static __thread char data[4096];
	static __thread size_t pos, len;
	size_t n = 0;

	if (!buffer) {
		pos = len = 0;
		return NULL;
	}
	for (;;) {
		if (pos == len) {
			ssize_t got = read(fd, data, sizeof(data));

			if (got <= 0)
				return NULL;
			pos = 0;
			len = (size_t)got;
		}
		if (data[pos] == '\n')
			break;
		if (n < size - 1)
			buffer[n++] = data[pos];
		pos++;
	}
	pos++;
	buffer[n] = '\0';
	return buffer;
}

void maps_read(struct maps_text *ret, const void *start, size_t size)
{
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	struct maps_line last = { 0 }, line;
	char buffer[512];

	ret->len = 0;
	ret->text[0] = '\0';
	read_line(fd, NULL, 0);
	while (fd >= 0 && read_line(fd, buffer, sizeof(buffer))) {
		if (!parse(buffer, &line) || line.end <= (uintptr_t)start ||
		    line.start >= (uintptr_t)start + size)
			continue;
		if (last.end && continues(&last, &line)) {
			last.end = line.end;
			continue;
		}
		append(ret, &last);
		last = line;
	}
	append(ret, &last);
	close(fd);
}

bool maps_equal(const struct maps_text *before, const struct maps_text *now_)
{
	size_t i = 0;

	if (before->len == now_->len &&
	    !memcmp(before->text, now_->text, before->len))
		return true;
	while (i < before->len && before->text[i] == now_->text[i])
		i++;
	while (i && before->text[i - 1] != '\n')
		i--;
	return CHECKF(false, "mappings were\n%.200s\nand are\n%.200s",
		      before->text + i, now_->text + i);
}
