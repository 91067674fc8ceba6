// SPDX-License-Identifier: MIT
/* Threads and processes that come and go, and those that only compute. */
#include "target.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern char **environ;

static void *add_one(void *argument)
{
	(*(_Atomic int *)argument)++;
	return NULL;
}

static void once_churn(void)
{
	pthread_t threads[8];
	_Atomic int n = 0;

	for (int i = 0; i < 8; i++) {
		if (pthread_create(&threads[i], NULL, add_one, &n))
			bad("pthread_create");
	}
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	if (n != 8)
		bad("%d of 8 threads have run", n);
}

/* Several that do so at the same time, and threads that make threads. */
static void *churn(void *argument)
{
	for (;;)
		once_churn();
	return argument;
}

static void start_churn(void)
{
	pthread_t thread;

	for (int i = 0; i < 3; i++) {
		if (pthread_create(&thread, NULL, churn, NULL))
			bad("pthread_create");
	}
}

static void once_fork(void)
{
	pid_t pid = GOOD(fork());
	int status;

	if (!pid)
		_exit(5);
	GOOD(waitpid(pid, &status, 0));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 5)
		bad("fork: status %#x", status);
}

/* No SIGCHLD: to the kernel this looks as a thread does to who traces. */
static void once_clone(void)
{
	pid_t pid = GOOD(syscall(SYS_clone, 0, NULL, NULL, NULL, NULL));
	int status;

	if (!pid) {
		syscall(SYS_nanosleep, &(struct timespec){ 0, 2 * MS }, NULL);
		syscall(SYS_exit_group, 6);
	}
	GOOD(waitpid(pid, &status, __WALL));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 6)
		bad("clone: status %#x", status);
}

static void once_spawn(void)
{
	char *const argv[] = { "true", NULL };
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, "true", NULL, NULL, argv, environ))
		bad("posix_spawn");
	GOOD(waitpid(pid, &status, 0));
	if (status)
		bad("posix_spawn: status %#x", status);
}

/* Its child takes a while before it runs another program. */
static void once_vfork(void)
{
	const struct timespec ts = { 0, 60 * MS };
	pid_t pid = vfork();
	int status;

	if (!pid) {
		nanosleep(&ts, NULL);
		execlp("true", "true", NULL);
		_exit(127);
	}
	GOOD(pid);
	GOOD(waitpid(pid, &status, 0));
	if (status)
		bad("vfork: status %#x", status);
	usleep(30000);
}

/* The same numbers every time. */
static double series(double x, uint64_t *hash)
{
	for (int i = 1; i < 20000; i++) {
		x = x * 0.99 + 1.0 / i;
		*hash = (*hash ^ (uint64_t)i) * 0x100000001b3ull;
	}
	return x;
}

static void once_compute(void)
{
	static _Atomic uint64_t want;
	uint64_t hash = 1, bits, none = 0;
	double x = series(0.5, &hash);

	memcpy(&bits, &x, sizeof(bits));
	bits ^= hash;
	if (!atomic_compare_exchange_strong(&want, &none, bits) && none != bits)
		bad("registers have changed");
}

static void *compute(void *argument)
{
	for (;;)
		once_compute();
	return argument;
}

static void start_spin(void)
{
	pthread_t thread;

	for (int i = 0; i < 4; i++) {
		if (pthread_create(&thread, NULL, compute, NULL))
			bad("pthread_create");
	}
}

/* Many, all of which sleep for good. */
static int sleepers = 1000;

static void *sleep_on(void *argument)
{
	for (;;)
		GOOD(poll(NULL, 0, 50));
	return argument;
}

static void start_many(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	if (getenv("SLEEPERS"))
		sleepers = atoi(getenv("SLEEPERS"));
	for (int i = 0; i < sleepers; i++) {
		if (pthread_create(&thread, &attr, sleep_on, NULL))
			bad("thread %d", i);
	}
}

static void once_sleep(void)
{
	GOOD(usleep(5000));
}

static bool main_is_there(void)
{
	char text[512] = "", *at;
	FILE *file = fopen("/proc/self/stat", "r");

	if (file)
		text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	if (file)
		fclose(file);
	at = strrchr(text, ')');
	return at && strncmp(at, ") Z", 3);
}

/* Only threads are left, if it is told to wait for that. */
static void *lone(void *waits)
{
	while (waits && main_is_there())
		usleep(1000);
	printf("ready\n");
	fflush(stdout);
	while (!is_over())
		GOOD(usleep(2000));
	printf("ok 1\n");
	fflush(stdout);
	_exit(0);
}

static void start_lone(void)
{
	static bool yes = true;
	pthread_t thread;

	if (pthread_create(&thread, NULL, lone, &yes))
		bad("pthread_create");
	pthread_exit(NULL);
}

/* The main thread ends when it is told to. */
static void start_main(void)
{
	pthread_t thread;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (pthread_create(&thread, NULL, lone, NULL))
		bad("pthread_create");
	GOOD(sigwaitinfo(&set, NULL));
	pthread_exit(NULL);
}

static void nothing(void)
{
	bad("not reached");
}

/* One that may not ask for its parent, but for which it was not in force. */
static void start_seccomp(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, code };

	GOOD(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	GOOD(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
	start_churn();
}

static void once_seccomp(void)
{
	for (int i = 0; i < 1000; i++)
		FAILS(EXDEV, syscall(SYS_getppid));
	once_churn();
}

/* Another thread than the main one runs another program when told to. */
static void *run_another(void *argument)
{
	char byte;

	GOOD(read(0, &byte, 1));
	execl("/proc/self/exe", "target", "time-nanosleep", NULL);
	bad("exec: %s", strerror(errno));
	return argument;
}

static void start_exec(void)
{
	pthread_t thread;

	sleepers = 4;
	start_many();
	if (pthread_create(&thread, NULL, run_another, NULL))
		bad("pthread_create");
	printf("ready\n");
	fflush(stdout);
	for (;;)
		once_sleep();
}

const struct target_class task_classes[] = {
	{ "task-churn", start_churn, once_churn, NULL, NULL },
	{ "task-fork", NULL, once_fork, NULL, NULL },
	{ "task-clone", NULL, once_clone, NULL, NULL },
	{ "task-spawn", NULL, once_spawn, NULL, NULL },
	{ "task-vfork", NULL, once_vfork, NULL, NULL },
	{ "task-spin", start_spin, once_compute, NULL, NULL },
	{ "task-many", start_many, once_sleep, NULL, NULL },
	{ "task-seccomp", start_seccomp, once_seccomp, NULL, NULL },
	{ "life-exec", start_exec, nothing, NULL, NULL },
	{ "life-main", start_main, nothing, NULL, NULL },
	{ "task-lone", start_lone, nothing, NULL, NULL },
	{ .name = NULL },
};
