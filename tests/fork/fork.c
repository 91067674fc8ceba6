// SPDX-License-Identifier: MIT
/*
 * New processes in the middle of updates, and updates where none are expected:
 * in children, in log callbacks, in signal handlers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <repoint/log.h>
#include <repoint/text_poke.h>

#include "../../src/inject.h"
#include "case.h"
#include "subject.h"

#define STORM_SECONDS	2

extern char **environ;

static void use_procmem(void)
{
	setenv("RP_BACKEND", "procmem", 1);
}

static bool is_procmem(void)
{
	const char *name = getenv("RP_BACKEND");

	return name && !strcmp(name, "procmem");
}

static void wait_child(pid_t pid)
{
	int status = -1;

	REQUIRE(pid > 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECKF(status == 0, "a child ended with status 0x%x", status);
}

/* ---- a thread that updates ---- */

static bool stop;
static unsigned long updates;
static long refused, failed;

/* libc blocks all signals for a moment when it makes a process. */
static void count_result(int result)
{
	if (result == -EBUSY && is_procmem())
		refused++;
	else if (result)
		failed = result;
}

static void *update(void *unused)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		count_result(subject_set((enum subject_func)(updates % 4)));
		count_result(subject_enable(updates & 1));
		__atomic_fetch_add(&updates, 1, __ATOMIC_RELAXED);
	}
	return unused;
}

static pthread_t updater;

static void start_updates(void)
{
	subject_start(1);
	REQUIRE(pthread_create(&updater, NULL, update, NULL) == 0);
}

static void stop_updates(void)
{
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(updater, NULL);
	CHECK_EQ(failed, 0);
	CHECKF(updates > 20 && (unsigned long)refused < updates,
	       "%lu updates, %ld refused", updates, refused);
	CHECK(subject_stop());
	CHECK(subject_consistent());
}

/* ---- storms ---- */

/* No malloc here: another thread may have held its lock. */
static void work_in_child(void)
{
	for (int i = 0; i < 4; i++) {
		if (subject_set((enum subject_func)i) ||
		    subject_enable(i & 1) ||
		    !subject_is((enum subject_func)i, i & 1))
			_exit(10 + i);
	}
	_exit(0);
}

static void fork_storm(void)
{
	double end = case_now() + STORM_SECONDS;
	int nr = 0;

	start_updates();
	for (; nr < 1000 && (case_now() < end || nr <= 10); nr++) {
		pid_t pid = fork();

		if (pid == 0)
			work_in_child();
		wait_child(pid);
	}
	CHECK(nr > 10);
	stop_updates();
}

/* One thread forks from a process in which another one does the same. */
static void *fork_more(void *unused)
{
	double end = case_now() + STORM_SECONDS;

	while (case_now() < end) {
		pid_t pid = fork();

		if (pid == 0)
			work_in_child();
		wait_child(pid);
	}
	return unused;
}

static void fork_storm_by_two(void)
{
	pthread_t thread;

	start_updates();
	REQUIRE(pthread_create(&thread, NULL, fork_more, NULL) == 0);
	fork_more(NULL);
	pthread_join(thread, NULL);
	stop_updates();
}

static pid_t spawn_true(void)
{
	char *argv[] = { "true", NULL };
	pid_t pid = -1;

	CHECK_EQ(posix_spawnp(&pid, "true", NULL, NULL, argv, environ), 0);
	return pid;
}

static pid_t vfork_true(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execlp("true", "true", (char *)NULL);
		_exit(99);
	}
	return pid;
}

/* A vfork child runs in the memory of its parent: traps and all. */
static pid_t vfork_calls(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		subject_run_once();
		_exit(0);
	}
	return pid;
}

static void spawn_storm(void)
{
	double end = case_now() + STORM_SECONDS;
	int nr = 0;

	start_updates();
	for (; case_now() < end || nr <= 20; nr++) {
		switch (nr % 4) {
		case 0:
			wait_child(spawn_true());
			break;
		case 1:
			wait_child(vfork_true());
			break;
		case 2:
			wait_child(vfork_calls());
			break;
		default:
			CHECK_EQ(system("true"), 0);
		}
	}
	CHECK(nr > 20);
	stop_updates();
}

/* ---- whose text ---- */

/* What a child does to its text must not be seen here. */
static void child_is_on_its_own(void)
{
	CHECK_EQ(subject_set(SUBJECT_TWO), 0);
	CHECK_EQ(subject_enable(false), 0);
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			if (subject_set(SUBJECT_FAR) || subject_enable(true) ||
			    !subject_is(SUBJECT_FAR, true))
				_exit(1);
			_exit(0);
		}
		wait_child(pid);
		CHECK(subject_is(SUBJECT_TWO, false));
		/* Nor does the library believe anything else. */
		CHECK_EQ(subject_set(SUBJECT_ONE), 0);
		CHECK_EQ(subject_set(SUBJECT_TWO), 0);
		/* Two threads from now on. */
		subject_start(1);
		CHECK(subject_stop());
	}
}

static void use_own_files(void)
{
	char path[] = "/tmp/repoint-daemon.XXXXXX";
	struct stat st;
	int fd;

	for (fd = 3; fd < 1024; fd++)
		close(fd);
	for (fd = 3; fd < 8; fd++) {
		strcpy(path + sizeof(path) - 7, "XXXXXX");
		if (mkstemp(path) != fd || unlink(path) ||
		    write(fd, "mine", 4) != 4)
			_exit(2);
	}
	for (int i = 0; i < 4; i++)
		if (subject_set((enum subject_func)i) ||
		    subject_enable(i & 1) ||
		    !subject_is((enum subject_func)i, i & 1))
			_exit(3);
	for (fd = 3; fd < 8; fd++)
		if (fstat(fd, &st) || st.st_size != 4)
			_exit(4);
	_exit(0);
}

/* fork, setsid, fork, all descriptors closed, others opened. */
static void daemonised(void)
{
	pid_t pid;

	CHECK_EQ(subject_set(SUBJECT_FAR), 0);
	CHECK_EQ(subject_enable(true), 0);
	pid = fork();
	if (pid == 0) {
		int status;

		setsid();
		pid = fork();
		if (pid == 0)
			use_own_files();
		waitpid(pid, &status, 0);
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
	}
	wait_child(pid);
	CHECK(subject_is(SUBJECT_FAR, true));
}

/* ---- in log callbacks ---- */

static int in_callback;
static int results[3];

static void update_in_log(enum rp_log_level level, const char *category,
			  const char *message, void *data)
{
	(void)level;
	(void)category;
	(void)message;
	(void)data;
	if (in_callback++)
		return;
	results[0] = subject_set(SUBJECT_TWO);
	results[1] = subject_enable(true);
	results[2] = subject_batch(SUBJECT_TWO, true, NULL);
}

static void update_from_log_callback(void)
{
	rp_log_set(update_in_log, RP_LOG_DEBUG, NULL);
	CHECK_EQ(subject_set(SUBJECT_FAR), 0);
	CHECK(in_callback > 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(results[i], -EDEADLK);
	rp_log_set(NULL, RP_LOG_DEBUG, NULL);
	CHECK(subject_is(SUBJECT_FAR, false));
	CHECK_EQ(subject_set(SUBJECT_TWO), 0);
	CHECK(subject_is(SUBJECT_TWO, false));
}

static pid_t first_process;
static const char *fork_at;

/* The child goes on with the update that was interrupted, in its own text. */
static void fork_in_log(enum rp_log_level level, const char *category,
			const char *message, void *data)
{
	pid_t pid;

	(void)level;
	(void)category;
	(void)data;
	if (getpid() != first_process || in_callback ||
	    !strstr(message, fork_at))
		return;
	in_callback++;
	pid = fork();
	if (pid > 0) {
		wait_child(pid);
		CHECK(subject_is(SUBJECT_ONE, false));
	}
}

static void fork_at_message(const char *message)
{
	bool ok;
	int result;

	first_process = getpid();
	fork_at = message;
	rp_log_set(fork_in_log, RP_LOG_DEBUG, NULL);
	result = subject_set(SUBJECT_FAR);
	if (getpid() != first_process) {
		ok = result == 0 && subject_is(SUBJECT_FAR, false) &&
		     subject_set(SUBJECT_TWO) == 0 &&
		     subject_is(SUBJECT_TWO, false);
		_exit(!ok);
	}
	CHECK_EQ(result, 0);
	CHECK(subject_is(SUBJECT_FAR, false));
	CHECKF(in_callback == 1, "no message with \"%s\"", message);
}

/* Before the text is looked at. */
static void fork_in_log_callback(void)
{
	fork_at_message("islands");
}

static void use_procmem_and_affinity(void)
{
	use_procmem();
	setenv("RP_SYNC", "affinity", 1);
}

/* Afterwards, when all is ready for the first byte. */
static void fork_in_late_log_callback(void)
{
	subject_start(1);
	fork_at_message("visits all");
	CHECK(subject_stop());
}

/* ---- in signal handlers ---- */

static volatile sig_atomic_t worked, deadlocks, others;

static void update_in_handler(int signal)
{
	int result = subject_set(worked & 1 ? SUBJECT_ONE : SUBJECT_TWO);
	int saved = errno;

	(void)signal;
	if (result == 0)
		worked++;
	else if (result == -EDEADLK)
		deadlocks++;
	else
		others = result;
	errno = saved;
}

/* Not documented to be safe; but it has to return. */
static void hammered_by_timer(void)
{
	struct itimerval timer = { { 0, 83 }, { 0, 83 } };
	struct sigaction action = {
		.sa_handler = update_in_handler, .sa_flags = SA_RESTART
	};
	double end = case_now() + 3;
	int result = 0;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (int i = 0; !result && (case_now() < end ||
				    worked + deadlocks <= 100); i++)
		result = subject_set((enum subject_func)(i % 4));
	timer = (struct itimerval){ { 0, 0 }, { 0, 0 } };
	setitimer(ITIMER_REAL, &timer, NULL);
	CHECK_EQ(result, 0);
	CHECK_EQ(others, 0);
	CHECKF(worked + deadlocks > 100, "%d signals", worked + deadlocks);
	CHECK(subject_consistent());
}

#define FLAG_TRAP	0x100

static unsigned long steps;

/*
 * The flag is off in here. Each call runs on the thread that is in the middle
 * of an update, between any two of its instructions.
 */
static void on_step(int signal)
{
	steps++;
	update_in_handler(signal);
}

static void set_trap_flag(bool on)
{
	unsigned long flags;

	/* The red zone may be in use. */
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "pushfq\n\t"
			 "popq %0\n\t"
			 "lea 128(%%rsp), %%rsp" : "=r" (flags) : : "memory");
	flags = on ? flags | FLAG_TRAP : flags & ~(unsigned long)FLAG_TRAP;
	__asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
			 "pushq %0\n\t"
			 "popfq\n\t"
			 "lea 128(%%rsp), %%rsp"
			 : : "r" (flags) : "memory", "cc");
}

/*
 * A signal between any two instructions of an update, that updates as well. No
 * breakpoints are needed, so SIGTRAP is free for this.
 */
static void interrupted_at_each_instruction(void)
{
	struct sigaction action = { .sa_handler = on_step };
	int result;

	CHECK_EQ(subject_set(SUBJECT_TWO), 0);
	sigaction(SIGTRAP, &action, NULL);
	set_trap_flag(true);
	result = subject_set(SUBJECT_ONE);
	set_trap_flag(false);
	CHECK_EQ(result, 0);
	CHECK_EQ(others, 0);
	CHECKF(steps > 200 && worked > 0 && deadlocks > 0,
	       "%lu steps, %d worked, %d refused", steps, worked, deadlocks);
	CHECK(subject_consistent());
}

/* ---- copies of the process that nobody prepared for ---- */

static enum rp__inject_point stop_at;
static bool reached, go_on;

static void wait_at_step(enum rp__inject_point point)
{
	if (point != stop_at || __atomic_load_n(&reached, __ATOMIC_SEQ_CST))
		return;
	__atomic_store_n(&reached, true, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&go_on, __ATOMIC_SEQ_CST))
		usleep(100);
}

static void *update_once(void *unused)
{
	CHECK_EQ(subject_set(SUBJECT_TWO), 0);
	return unused;
}

/* Old or new is right; then everything works as ever. */
__attribute__((noreturn)) static void live_in_clone(void)
{
	rp__inject_hook = NULL;
	if (!subject_run_once())
		_exit(20);
	work_in_child();
	_exit(0);
}

static bool clone_at(enum rp__inject_point point)
{
	double end = case_now() + 60;
	pthread_t thread;
	pid_t pid;

	CHECK_EQ(subject_set(SUBJECT_ONE), 0);
	stop_at = point;
	reached = go_on = false;
	rp__inject_hook = wait_at_step;
	REQUIRE(pthread_create(&thread, NULL, update_once, NULL) == 0);
	while (!__atomic_load_n(&reached, __ATOMIC_SEQ_CST) &&
	       case_now() < end)
		usleep(100);
	/* Neither pthread_atfork() nor anything else of libc. */
	pid = (pid_t)syscall(SYS_fork);
	if (pid == 0)
		live_in_clone();
	wait_child(pid);
	__atomic_store_n(&go_on, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	rp__inject_hook = NULL;
	CHECK(subject_is(SUBJECT_TWO, false));
	return reached;
}

static void raw_fork_in_each_step(void)
{
	bool breakpoints = is_procmem();

	subject_start(1);
	for (int i = 0; i <= RP__INJECT_BATCH_RETIRED; i++) {
		bool breakpoint = i >= RP__INJECT_INT3_WRITTEN &&
				  i <= RP__INJECT_TAIL_SYNCED;

		if (!breakpoint || breakpoints)
			CHECKF(clone_at((enum rp__inject_point)i),
			       "step %d is never reached", i);
	}
	CHECK(subject_stop());
}

static const struct test_case cases[] = {
	{ "fork-storm", NULL, fork_storm, 0, NULL },
	{ "fork-storm-procmem", use_procmem, fork_storm, 0, NULL },
	{ "fork-storm-by-two-threads", NULL, fork_storm_by_two, 0, NULL },
	{ "spawn-storm", NULL, spawn_storm, 0, NULL },
	{ "spawn-storm-procmem", use_procmem, spawn_storm, 0, NULL },
	{ "child-is-on-its-own", NULL, child_is_on_its_own, 0, NULL },
	{ "child-is-on-its-own-procmem", use_procmem, child_is_on_its_own, 0,
	  NULL },
	{ "daemonised", NULL, daemonised, 0, NULL },
	{ "daemonised-procmem", use_procmem, daemonised, 0, NULL },
	{ "update-from-log-callback", NULL, update_from_log_callback, 0, NULL },
	{ "fork-in-log-callback", NULL, fork_in_log_callback, 0, NULL },
	{ "fork-in-log-callback-procmem", use_procmem, fork_in_log_callback, 0,
	  NULL },
	{ "fork-in-late-log-callback", use_procmem_and_affinity,
	  fork_in_late_log_callback, 0, NULL },
	{ "hammered-by-timer", NULL, hammered_by_timer, 60, NULL },
	{ "interrupted-at-each-instruction", NULL,
	  interrupted_at_each_instruction, 60, NULL },
	{ "raw-fork-in-each-step", NULL, raw_fork_in_each_step, 120, NULL },
	{ "raw-fork-in-each-step-procmem", use_procmem, raw_fork_in_each_step,
	  120, NULL },
};

int main(int argc, char **argv)
{
	return cases_main(cases, sizeof(cases) / sizeof(*cases), argc, argv);
}
