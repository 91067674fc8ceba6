// SPDX-License-Identifier: MIT
/*
 * Borrows threads of a process, again and again.
 *
 *   driver storm PID COUNTER N GAP_US	N times, each with several calls, and on
 *					until the counter has moved
 *   driver kill PID COUNTER		dies at each of its calls in turn
 *   driver signals PID N		signals arrive at all places; prints how
 *					many, and the sum of their values
 *   driver choose PID			is there a thread? prints why not
 *   driver code PID			a checksum of its executable pages
 */
#define _GNU_SOURCE
#include "../../../live/inject.h"
#include "kill_at.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REGION_SIZE	(4 * RP_PAGE)

static struct rp_target target;
static struct rp_threads threads;
static struct rp_maps maps;
static struct rp_diag diag;
static struct rp_inject inject;
static uint64_t shared, generation;	/* in the target; if not 0 */
static bool sequences;

static void die(const char *what, int error)
{
	fprintf(stderr, "%s: %s: %s\n", what, strerror(-error), diag.text);
	exit(1);
}

static void check(const char *what, int ret)
{
	if (ret)
		die(what, ret);
}

static void open_target(pid_t pid)
{
	check("open", rp_target_open(&target, pid, &diag));
	check("maps", rp_maps_read(&maps, &target));
}

static void attach(pid_t pid)
{
	open_target(pid);
	check("seize", rp_threads_seize(&threads, &target, &diag));
}

static void detach(void)
{
	rp_threads_release(&threads);
	rp_maps_free(&maps);
	rp_target_close(&target);
}

/* Maps, uses, protects and unmaps memory. */
static void use_memory(void)
{
	uint64_t base = rp_maps_gap(&maps, target.pid ? maps.v[0].start : 0,
				    maps.v[0].end, REGION_SIZE, RP_PAGE,
				    UINT64_MAX, 0);
	char text[8] = "repoint", back[8];

	check("map", rp_inject_map(&inject, base, REGION_SIZE,
				   PROT_READ | PROT_WRITE, &diag));
	if (rp_inject_map(&inject, base, REGION_SIZE, PROT_READ, &diag) !=
	    -EEXIST)
		die("mapped twice", 0);
	check("write", rp_target_write(&target, base, text, sizeof(text)));
	check("protect", rp_inject_protect(&inject, base, REGION_SIZE,
					   PROT_READ | PROT_EXEC, &diag));
	check("read", rp_target_read(&target, base, back, sizeof(back)));
	if (memcmp(text, back, sizeof(text)))
		die("contents", 0);
	check("unmap", rp_inject_unmap(&inject, base, REGION_SIZE, &diag));
	if (!rp_target_read(&target, base, back, sizeof(back)))
		die("still mapped", 0);
}

static void stop_thread(struct rp_thread *thread)
{
	int ret, attempts = 0;

	// Half a second is not enough on a machine with a load of 100.
	do
		ret = rp_threads_stop_one(&threads, thread, &diag);
	while (ret == -EAGAIN && attempts++ < 100);
	check("stop", ret);
}

static struct rp_thread *stop(void)
{
	struct rp_thread *thread = rp_inject_choose(&threads, &maps, &diag);

	if (!thread)
		die("choose", -EINVAL);
	stop_thread(thread);
	return thread;
}

static void borrow(void)
{
	const uint64_t none[6] = { 0 };
	struct rp_thread *thread = stop();
	struct user_regs_struct before = thread->regs;
	int64_t pid;

	check("begin", rp_inject_begin(&inject, &threads, thread, &maps,
				       &diag));
	check("getpid", rp_inject_syscall(&inject, SYS_getpid, none, &pid,
					  &diag));
	if (pid != target.ns_pid)
		die("result of getpid", 0);
	use_memory();
	if (shared) {
		generation++;
		check("generation",
		      rp_target_write(&target, shared + sizeof(generation),
				      &generation, sizeof(generation)));
	}
	rp_inject_end(&inject);
	// But for a restartable sequence, which is aborted.
	before.rip = sequences ? thread->regs.rip : before.rip;
	if (memcmp(&before, &thread->regs, sizeof(before)))
		die("registers", 0);
	rp_threads_resume_one(&threads, thread);
}

static uint64_t read_counter(uint64_t address)
{
	uint64_t value = 0;

	check("counter", rp_target_read(&target, address, &value,
					sizeof(value)));
	return value;
}

static bool moves(uint64_t address, uint64_t by)
{
	uint64_t start = read_counter(address);

	// Only to end hangs.
	for (int i = 0; i < 20000; i++) {
		if (read_counter(address) - start >= by)
			return true;
		usleep(1000);
	}
	return false;
}

static int storm(pid_t pid, uint64_t counter, int n, int gap)
{
	uint64_t start;
	time_t limit = time(NULL) + 120;

	attach(pid);
	shared = counter;
	start = read_counter(counter);
	for (int i = 0; i < n || read_counter(counter) - start < 3; i++) {
		if (time(NULL) > limit) {
			fprintf(stderr, "the program does not move on\n");
			return 1;
		}
		borrow();
		rp_threads_poll(&threads);
		if (gap)
			usleep(gap);
	}
	detach();
	return 0;
}

static void run_once(pid_t pid, long at)
{
	kill_calls = 0;
	kill_at = at;
	attach(pid);
	borrow();
	detach();
}

/* Not traced, and stopped only if it was. */
static bool is_free(bool stopped)
{
	// Back into its group stop it goes by itself.
	for (int i = 0; i < 60000; i++) {
		char *status = rp_target_file(&target, "status", NULL);
		bool is_t = status && strstr(status, "State:\tT");
		bool traced = status && rp_target_status(status, "TracerPid");

		free(status);
		if (!status || traced)
			return false;
		if (is_t == stopped)
			return true;
		usleep(1000);
	}
	return false;
}

/* The signal is sent; when it stops is up to the scheduler. */
static void stop_process(pid_t pid)
{
	kill(pid, SIGSTOP);
	if (!is_free(true))
		die("SIGSTOP", -ETIMEDOUT);
}

/* The number of calls is not known beforehand: until it survives. */
static int kill_all(pid_t pid, uint64_t counter, bool stopped)
{
	long n = 1;

	open_target(pid);
	for (;; n++) {
		pid_t child;
		int status;

		if (stopped)
			stop_process(pid);
		child = fork();
		if (!child) {
			run_once(pid, n);
			_exit(0);
		}
		waitpid(child, &status, 0);
		if (!is_free(stopped)) {
			fprintf(stderr, "call %ld: still stopped or traced\n",
				n);
			return 1;
		}
		if (stopped)
			kill(pid, SIGCONT);
		if (!moves(counter, 2)) {
			fprintf(stderr, "call %ld: it does not go on\n", n);
			return 1;
		}
		if (WIFEXITED(status))
			break;
	}
	printf("%ld calls\n", n - 1);
	return n < 40;
}

static void send_signal(pid_t pid, int *sent, long *sum)
{
	union sigval value = { .sival_int = *sent * 3 + 1 };

	if (sigqueue(pid, SIGRTMIN, value))
		die("sigqueue", -errno);
	++*sent;
	*sum += value.sival_int;
}

/* Before the stop, in it, between calls, after them; and stopped before the
 * delivery of one. */
static int send_signals(pid_t pid, int n)
{
	const uint64_t none[6] = { 0 };
	long sum = 0;
	int sent = 0;
	int64_t ret;

	attach(pid);
	for (int i = 0; i < n; i++) {
		struct rp_thread *thread;

		if (i & 1)
			send_signal(pid, &sent, &sum);
		thread = stop();
		if (i & 2)
			send_signal(pid, &sent, &sum);
		check("begin", rp_inject_begin(&inject, &threads, thread,
					       &maps, &diag));
		for (int call = 0; call < 3; call++) {
			check("call", rp_inject_syscall(&inject, SYS_getppid,
							none, &ret, &diag));
			if (i & 4)
				send_signal(pid, &sent, &sum);
		}
		rp_inject_end(&inject);
		if (i & 8 || !(i & 15))
			send_signal(pid, &sent, &sum);
		rp_threads_resume_one(&threads, thread);
		rp_threads_poll(&threads);
		usleep(i & 1 ? 300 : 0);
	}
	detach();
	printf("%d %ld\n", sent, sum);
	return 0;
}

static int still(pid_t pid, int n)
{
	attach(pid);
	for (int i = 0; i < n; i++) {
		borrow();
		rp_threads_poll(&threads);
	}
	detach();
	return 0;
}

static int choose(pid_t pid)
{
	struct rp_thread *thread;

	attach(pid);
	stop_thread(threads.v[0]);
	thread = rp_inject_choose(&threads, &maps, &diag);
	if (thread)
		puts("chosen");
	else
		puts(diag.text);
	if (!thread && !rp_inject_begin(&inject, &threads, threads.v[0], &maps,
					&diag))
		puts("but it could begin");
	detach();
	return 0;
}

static int code(pid_t pid)
{
	uint64_t sum = 0;

	open_target(pid);
	for (size_t i = 0; i < maps.n; i++) {
		uint8_t page[RP_PAGE];

		if (!(maps.v[i].access & PROT_EXEC))
			continue;
		for (uint64_t at = maps.v[i].start; at < maps.v[i].end;
		     at += RP_PAGE) {
			size_t got = rp_target_read_some(&target, at, page,
							 sizeof(page));

			for (size_t b = 0; b < got; b++)
				sum = sum * 31 + page[b];
		}
	}
	printf("%llx\n", (unsigned long long)sum);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	pid_t pid = argc > 2 ? atoi(argv[2]) : 0;
	uint64_t counter = argc > 3 ? strtoull(argv[3], NULL, 16) : 0;

	sequences = !strcmp(what, "sequences");
	if ((sequences || !strcmp(what, "storm")) && argc == 6)
		return storm(pid, counter, atoi(argv[4]), atoi(argv[5]));
	if (!strcmp(what, "kill") && argc == 4)
		return kill_all(pid, counter, false);
	if (!strcmp(what, "kill-stopped") && argc == 4)
		return kill_all(pid, counter, true);
	if (!strcmp(what, "signals") && argc == 4)
		return send_signals(pid, atoi(argv[3]));
	if (!strcmp(what, "still") && argc == 4)
		return still(pid, atoi(argv[3]));
	if (!strcmp(what, "choose"))
		return choose(pid);
	if (!strcmp(what, "code"))
		return code(pid);
	return 64;
}
