// SPDX-License-Identifier: MIT
/*
 * Has functions called in a process by a thread of ours.
 *
 *   driver call PID ADDRESS...		each in turn, must return 0
 *   driver sum PID ADDRESS		3 * a + b, 200 calls, by one thread
 *   driver fail PID ADDRESS ERROR	must fail: timeout, fault, end
 *   driver repeat PID ADDRESS N	N threads, one after the other
 *   driver held PID ADDRESS		while all others are stopped
 *   driver idle PID			dies while the thread is idle
 *   driver kill PID ADDRESS COUNTER	dies at each of its calls in turn
 *
 * Each but the last two: memory maps and the number of threads are the same
 * afterwards.
 */
#define _GNU_SOURCE
#include "../../../live/agent.h"
#include "../inject/kill_at.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct rp_target target;
static struct rp_threads threads;
static struct rp_modules modules;
static struct rp_inject inject;
static struct rp_agent agent;
static struct rp_diag diag;
static struct rp_thread *borrowed;
static char *maps_before;
static uint64_t base;
static long threads_before;

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

static long count_threads(void)
{
	char *status = rp_target_file(&target, "status", NULL);
	long n = status ? rp_target_status(status, "Threads") : 0;

	free(status);
	return n;
}

static void attach(pid_t pid)
{
	check("open", rp_target_open(&target, pid, &diag));
	check("modules", rp_modules_read(&modules, &target, &diag));
	maps_before = rp_target_file(&target, "maps", NULL);
	threads_before = count_threads();
	check("seize", rp_threads_seize(&threads, &target, &diag));
}

static void borrow(void)
{
	int ret, attempts = 0;

	borrowed = rp_inject_choose(&threads, &modules.maps, &diag);
	if (!borrowed)
		die("choose", -EINVAL);
	// One that waits for its turn to map memory may need another attempt.
	do
		ret = rp_threads_stop_one(&threads, borrowed, &diag);
	while (ret == -EAGAIN && attempts++ < 100);
	check("stop", ret);
	check("begin", rp_inject_begin(&inject, &threads, borrowed,
				       &modules.maps, &diag));
}

static void give_back(void)
{
	rp_inject_end(&inject);
	if (!threads.stopped)
		rp_threads_resume_one(&threads, borrowed);
}

static void start(void)
{
	borrow();
	check("start", rp_agent_start(&agent, &inject, &modules, 0, &diag));
	base = agent.base;
	give_back();
}

static void stop(void)
{
	borrow();
	rp_agent_stop(&agent, &inject);
	give_back();
}

static void detach(void)
{
	rp_threads_release(&threads);
	rp_modules_free(&modules);
	rp_target_close(&target);
}

/* What a program with several threads maps meanwhile is its own business, and so
 * is memory that a function allocated: @strictly is without both. */
static void check_same(bool strictly)
{
	char *maps = rp_target_file(&target, "maps", NULL);
	uint8_t byte;

	if (count_threads() != threads_before)
		die("number of threads", 0);
	if (!rp_target_read(&target, base, &byte, 1))
		die("its memory is still there", 0);
	if (strictly && threads_before == 1 && strcmp(maps, maps_before)) {
		fprintf(stderr, "before:\n%safter:\n%s", maps_before, maps);
		die("maps", 0);
	}
	free(maps);
}

static void call(uint64_t function)
{
	const uint64_t args[2] = { 20, 3 };
	int64_t ret = -1;

	check("call", rp_agent_call(&agent, function, args, 20000, &ret,
				    &diag));
	if (ret) {
		fprintf(stderr, "line %ld of the target\n", (long)ret);
		exit(1);
	}
}

static int run_calls(char **addresses)
{
	start();
	for (; *addresses; addresses++)
		call(strtoull(*addresses, NULL, 16));
	stop();
	check_same(false);
	return 0;
}

static int run_sum(uint64_t function)
{
	start();
	for (uint64_t i = 0; i < 200; i++) {
		const uint64_t args[2] = { i, 7 };
		int64_t ret = 0;

		check("call", rp_agent_call(&agent, function, args, 20000,
					    &ret, &diag));
		if (ret != (int64_t)(3 * i + 7))
			die("sum", 0);
	}
	stop();
	check_same(true);
	return 0;
}

static int run_fail(uint64_t function, const char *how)
{
	int expected = !strcmp(how, "timeout") ? -ETIMEDOUT :
		       !strcmp(how, "fault") ? -EFAULT : -ECHILD;
	const uint64_t args[2] = { 0 };
	int64_t ret = 0;
	int err;

	start();
	err = rp_agent_call(&agent, function, args,
			    expected == -ETIMEDOUT ? 300 : 20000, &ret, &diag);
	printf("%s: %s\n", strerror(-err), diag.text);
	if (err != expected)
		return 1;
	err = rp_agent_call(&agent, function, args, 300, &ret, &diag);
	if (err != -ECHILD)
		die("called again", err);
	stop();
	check_same(true);
	return 0;
}

/* Reserved address space: what each heap of glibc has. */
static int count_reserved(void)
{
	char *maps = rp_target_file(&target, "maps", NULL);
	int n = 0;

	for (char *at = maps; at && (at = strstr(at, " ---p ")); at++)
		n++;
	free(maps);
	return n;
}

static int run_repeat(uint64_t function, int n)
{
	int before = count_reserved();

	for (int i = 0; i < n; i++) {
		start();
		call(function);
		stop();
	}
	check_same(false);
	if (count_reserved() > before)
		die("there are more heaps", 0);
	return 0;
}

static int run_held(uint64_t function)
{
	int ret, attempts = 0;

	do
		ret = rp_threads_stop(&threads, &diag);
	while (ret == -EAGAIN && attempts++ < 100);
	check("stop", ret);
	start();
	call(function);
	call(function);
	stop();
	rp_threads_resume(&threads);
	check_same(false);
	return 0;
}

static int run_idle(void)
{
	start();
	if (count_threads() != threads_before + 1)
		die("it is not there", 0);
	raise(SIGKILL);
	return 1;
}

static uint64_t read_counter(uint64_t address)
{
	uint64_t value = 0;

	check("counter", rp_target_read(&target, address, &value,
					sizeof(value)));
	return value;
}

/* It goes on, untraced, and our thread has ended itself. Only to end hangs, some
 * seconds. */
static bool recovers(uint64_t counter)
{
	uint64_t before = read_counter(counter);

	for (int i = 0; i < 10000; i++) {
		char *status = rp_target_file(&target, "status", NULL);
		bool traced = status && rp_target_status(status, "TracerPid");

		free(status);
		if (!traced && count_threads() == threads_before &&
		    read_counter(counter) != before)
			return true;
		usleep(1000);
	}
	return false;
}

static int run_kill(pid_t pid, uint64_t function, uint64_t counter)
{
	long n = 1;

	check("open", rp_target_open(&target, pid, &diag));
	threads_before = count_threads();
	for (;; n++) {
		pid_t child = fork();
		int status;

		if (!child) {
			kill_calls = 0;
			kill_at = n;
			rp_target_close(&target);
			attach(pid);
			start();
			call(function);
			stop();
			detach();
			_exit(0);
		}
		waitpid(child, &status, 0);
		if (!recovers(counter)) {
			fprintf(stderr, "call %ld\n", n);
			return 1;
		}
		if (WIFEXITED(status)) {
			printf("%ld calls\n", n - 1);
			return WEXITSTATUS(status) || n < 100;
		}
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	pid_t pid = argc > 2 ? atoi(argv[2]) : 0;
	uint64_t address = argc > 3 ? strtoull(argv[3], NULL, 16) : 0;
	int ret = 64;

	if (!strcmp(what, "kill") && argc == 5)
		return run_kill(pid, address, strtoull(argv[4], NULL, 16));
	if (argc < 3)
		return 64;
	attach(pid);
	if (!strcmp(what, "call"))
		ret = run_calls(argv + 3);
	else if (!strcmp(what, "sum"))
		ret = run_sum(address);
	else if (!strcmp(what, "fail") && argc == 5)
		ret = run_fail(address, argv[4]);
	else if (!strcmp(what, "repeat") && argc == 5)
		ret = run_repeat(address, atoi(argv[4]));
	else if (!strcmp(what, "held"))
		ret = run_held(address);
	else if (!strcmp(what, "idle"))
		ret = run_idle();
	detach();
	return ret;
}
