/* SPDX-License-Identifier: MIT */
/*
 * One protocol at one offset, for a few milliseconds, in a child process.
 *
 * "Survived" means little unless the threads met, so both sides count: the
 * writer in how many intervals between two of its updates an executor was
 * seen to make calls, the executors how often the target changed under them.
 */
#define _GNU_SOURCE
#include "cell.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "trap.h"
#include "x86_64.h"

enum {
	START_MS = 1000,	/* for the executors to make their first call */
	KILL_MS = 5000,		/* beyond the slice: the child hangs */
	CALLS_PER_LOOK = 16,	/* before an executor looks whether to stop */
	UPDATES_PER_LOOK = 16,	/* before the writer looks whether to */
	PAUSES_MAX = 64,
};

struct crew {
	struct litmus_site site;
	struct litmus_shared *shared;
	const struct litmus_slice *slice;
	bool stop;
};

struct member {
	struct crew *crew;
	struct litmus_executor *counts;
	pthread_t thread;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int fail(struct litmus_shared *shared, int err, const char *what)
{
	snprintf(shared->message, sizeof(shared->message), "%s: %s", what,
		 strerror(-err));
	shared->error = err;
	shared->end = LITMUS_END_ERROR;
	return err;
}

// ---- executors ----

static int state_of(uint32_t value)
{
	switch (value) {
	case LITMUS_PAD:
		return LITMUS_CALL_A;
	case LITMUS_PAD + LITMUS_PAD_NR - 1:
		return LITMUS_CALL_B;
	case LITMUS_IDLE:
		return LITMUS_NOP;
	}
	return -1;
}

static void torn(struct crew *crew, uint32_t value)
{
	crew->shared->value = value;
	crew->shared->end = LITMUS_END_TORN;
	__atomic_store_n(&crew->stop, true, __ATOMIC_RELEASE);
}

static void *execute(void *arg)
{
	struct member *member = arg;
	struct crew *crew = member->crew;
	struct litmus_executor *counts = member->counts;
	uint32_t (*enter)(uint32_t) = crew->site.enter;
	uint32_t last = 0;

	litmus_trap_thread(counts);
	while (!__atomic_load_n(&crew->stop, __ATOMIC_ACQUIRE)) {
		for (int i = 0; i < CALLS_PER_LOOK; i++) {
			uint32_t value = enter(LITMUS_IDLE);
			int state = state_of(value);

			if (state < 0) {
				torn(crew, value);
				return NULL;
			}
			counts->switches += value != last;
			counts->seen[state]++;
			last = value;
			// The writer reads it; publishes nothing else.
			__atomic_store_n(&counts->calls, counts->calls + 1,
					 __ATOMIC_RELAXED);
		}
	}
	return NULL;
}

static int start_executor(struct member *member, int cpu)
{
	pthread_attr_t attr;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_attr_init(&attr);
	int err = pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	if (!err)
		err = pthread_create(&member->thread, &attr, execute, member);
	pthread_attr_destroy(&attr);
	return -err;
}

// ---- the writer ----

static uint64_t calls_made(const struct crew *crew)
{
	const struct litmus_shared *shared = crew->shared;
	uint64_t sum = 0;

	for (unsigned int i = 0; i + 1 < crew->slice->machine->nr_cpus; i++)
		sum += __atomic_load_n(&shared->executors[i].calls,
				       __ATOMIC_RELAXED);
	return sum;
}

static bool all_have_called(const struct crew *crew)
{
	for (unsigned int i = 0; i + 1 < crew->slice->machine->nr_cpus; i++)
		if (!__atomic_load_n(&crew->shared->executors[i].calls,
				     __ATOMIC_RELAXED))
			return false;
	return true;
}

/*
 * In a steady rhythm the two threads may lock into a phase that never hits
 * the window, so some rounds wait at random between updates.
 */
static void wait_some(unsigned int round, uint32_t *random)
{
	if (round % 2 == 0)
		return;
	*random = *random * 1664525u + 1013904223u;
	for (uint32_t n = (*random >> 16) % PAUSES_MAX; n > 0; n--)
		relax();
}

static bool is_shown(const struct crew *crew)
{
	const struct litmus_shared *shared = crew->shared;
	uint64_t switches = 0;

	for (unsigned int i = 0; i + 1 < crew->slice->machine->nr_cpus; i++)
		switches += __atomic_load_n(&shared->executors[i].switches,
					    __ATOMIC_RELAXED);
	return shared->overlapped >= LITMUS_OVERLAP_MIN &&
	       switches >= LITMUS_SWITCHES_MIN;
}

static bool is_over(const struct crew *crew, int64_t deadline)
{
	return now_ms() >= deadline ||
	       (crew->slice->until_shown && is_shown(crew));
}

static int write_until(struct crew *crew, struct litmus_writer *writer,
		       int64_t deadline)
{
	const struct litmus_slice *slice = crew->slice;
	const struct litmus_protocol *protocol = slice->protocol;
	struct litmus_shared *shared = crew->shared;
	enum litmus_state from = LITMUS_CALL_A;
	uint32_t random = slice->round * 64 + slice->offset;
	uint64_t before = calls_made(crew);

	while (!__atomic_load_n(&crew->stop, __ATOMIC_ACQUIRE)) {
		enum litmus_state to = (from + 1) % protocol->states;
		int err = protocol->update(writer, from, to);
		if (err)
			return fail(shared, err, writer->why);
		from = to;

		uint64_t after = calls_made(crew);
		shared->overlapped += after != before;
		before = after;
		if (++shared->updates % UPDATES_PER_LOOK == 0 &&
		    is_over(crew, deadline))
			break;
		wait_some(slice->round, &random);
	}
	return 0;
}

static int run_crew(struct crew *crew, struct litmus_writer *writer)
{
	static struct member members[LITMUS_CPUS_MAX - 1];
	const struct litmus_machine *machine = crew->slice->machine;
	unsigned int nr = machine->nr_cpus - 1;
	int64_t start = now_ms();

	for (unsigned int i = 0; i < nr; i++) {
		members[i].crew = crew;
		members[i].counts = &crew->shared->executors[i];
		int err = start_executor(&members[i], machine->cpus[i + 1]);
		if (err)
			return fail(crew->shared, err, "start a thread");
	}
	while (!all_have_called(crew) && now_ms() < start + START_MS)
		sched_yield();

	int err = write_until(crew, writer, now_ms() + crew->slice->ms);

	__atomic_store_n(&crew->stop, true, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < nr; i++)
		pthread_join(members[i].thread, NULL);
	if (crew->slice->protocol->traps)
		crew->shared->executors[0].traps =
			crew->slice->protocol->traps();
	return err;
}

// ---- the child ----

static void harmless(pid_t parent)
{
	struct rlimit none = { 0, 0 };
	sigset_t mask;

	// A crash is a result here; it needs no core file.
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	// Ctrl-C is for the parent alone: it would look like a crash.
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

static int pin_writer(const struct litmus_machine *machine)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(machine->cpus[0], &set);
	return sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : 0;
}

static int child(const struct litmus_slice *slice,
		 struct litmus_shared *shared)
{
	static struct crew crew;
	struct litmus_writer writer = {
		.site = &crew.site,
		.block = slice->block,
		.mem = -1,
		.why = "prepare",
	};
	int err;

	crew.slice = slice;
	crew.shared = shared;
	err = pin_writer(slice->machine);
	if (err)
		return fail(shared, err, "stay on a CPU");
	err = litmus_site_init(&crew.site, slice->offset, slice->size,
			       slice->round / 2 % LITMUS_ENTRY_NR);
	if (err)
		return fail(shared, err,
			    "map 560 MiB without access and 4 KiB writable "
			    "and executable");
	err = litmus_crash_init(&crew.site, shared);
	if (!err && slice->protocol->prepare)
		err = slice->protocol->prepare(&writer);
	if (err)
		return fail(shared, err, writer.why);
	err = run_crew(&crew, &writer);
	if (!err && shared->end == LITMUS_END_KILLED)
		shared->end = LITMUS_END_TIME;
	return err;
}

// ---- the parent ----

static void kill_child(pid_t pid)
{
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int wait_for_child(pid_t pid, int64_t deadline, int *status)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	while (waitpid(pid, status, WNOHANG) == 0) {
		int64_t left = deadline - now_ms();
		struct timespec wait = {
			.tv_sec = left / 1000,
			.tv_nsec = left % 1000 * 1000000,
		};
		int signo = left > 0 ? sigtimedwait(&set, NULL, &wait) : 0;

		if (signo == SIGCHLD || (signo < 0 && errno == EINTR))
			continue;
		kill_child(pid);
		return signo > 0 ? -EINTR : -ETIMEDOUT;
	}
	return 0;
}

/* An executor may be too far gone to run a signal handler. */
static void judge_death(struct litmus_shared *shared, int status)
{
	if (shared->end != LITMUS_END_KILLED)
		return;
	int signo = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (signo == SIGSEGV || signo == SIGBUS || signo == SIGILL ||
	    signo == SIGTRAP || signo == SIGFPE) {
		shared->signal = signo;
		shared->end = LITMUS_END_CRASH;
		return;
	}
	snprintf(shared->message, sizeof(shared->message),
		 "the child ended without a result, wait status %#x", status);
	shared->error = -ECHILD;
	shared->end = LITMUS_END_ERROR;
}

int litmus_slice_run(const struct litmus_slice *slice,
		     struct litmus_shared *shared)
{
	int64_t deadline = now_ms() + START_MS + slice->ms + KILL_MS;
	pid_t parent = getpid();
	int status = 0;

	memset(shared, 0, sizeof(*shared));
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		harmless(parent);
		child(slice, shared);
		_exit(0);
	}
	int err = wait_for_child(pid, deadline, &status);
	if (!err)
		judge_death(shared, status);
	return err;
}
