// SPDX-License-Identifier: MIT
/* Signals: each one once, in order, and none that should not be noticed. */
#include "target.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Shared with the process that sends. */
static struct {
	_Atomic int sent, seen;
	_Atomic bool enough;
} *shared;

static volatile sig_atomic_t handled;
static pid_t sender;
static int fd;

static void wait_a_moment(void)
{
	struct timespec ts = { 0, 700000 };

	nanosleep(&ts, NULL);
}

/* Another process, so that nothing of it is stopped. */
static void send_to(int signal, int more)
{
	pid_t parent = getpid();

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sender = GOOD(fork());
	if (sender)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!shared->enough) {
		union sigval value = { .sival_int = shared->sent + 1 };

		if (!sigqueue(parent, signal, value))
			shared->sent++;
		if (more)
			kill(parent, more);
		wait_a_moment();
	}
	_exit(0);
}

static void end_sender(void)
{
	shared->enough = true;
	while (waitpid(sender, NULL, 0) < 0)
		;
}

static void check_next(int value)
{
	if (value != handled + 1)
		bad("signal %d came behind %d", value, (int)handled);
	handled = value;
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	if (info->si_code != SI_QUEUE)
		bad("siginfo was lost: code %d", info->si_code);
	check_next(info->si_value.sival_int);
}

static void handle(int signal, int flags)
{
	struct sigaction action = { .sa_sigaction = on_signal,
				    .sa_flags = SA_SIGINFO | flags };

	GOOD(sigaction(signal, &action, NULL));
}

static void end_handled(void)
{
	/* Some have to come, however busy the machine is. */
	while (shared->sent < 10)
		usleep(1000);
	end_sender();
	for (int i = 0; i < 60000 && handled < shared->sent; i++)
		usleep(1000);
	if (handled != shared->sent)
		bad("%d signals sent, %d handled", shared->sent, (int)handled);
}

static void start_handled(void)
{
	fd = GOOD(epoll_create1(0));
	handle(SIGRTMIN, SA_RESTART);
	send_to(SIGRTMIN, 0);
}

/* EINTR is for handlers: no other reason. */
static void once_handled(void)
{
	struct epoll_event event;
	int before = handled;

	if (syscall(SYS_epoll_wait, fd, &event, 1, 5) < 0) {
		if (errno != EINTR)
			bad("epoll_wait: %s", strerror(errno));
		if (handled == before)
			bad("epoll_wait: EINTR without a handler");
	}
}

/* With SA_RESTART a read() of nothing never ends by itself: a third one feeds. */
static int ends[2];

/* As many as it can take, so that they meet each stop. */
static void start_storm(void)
{
	union sigval value = { .sival_int = 0 };
	pid_t parent = getpid();

	handle(SIGRTMIN, SA_RESTART);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sender = GOOD(fork());
	if (sender)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!shared->enough) {
		value.sival_int = shared->sent + 1;
		if (shared->sent - shared->seen > 20 ||
		    sigqueue(parent, SIGRTMIN, value))
			sched_yield();
		else
			shared->sent++;
	}
	_exit(0);
}

static void once_storm(void)
{
	for (int i = 0; i < 1000; i++)
		shared->seen = handled;
}

static void start_restart(void)
{
	GOOD(pipe(ends));
	handle(SIGRTMIN, SA_RESTART);
	send_to(SIGRTMIN, 0);
	if (!GOOD(fork())) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (write(ends[1], "x", 1) == 1)
			usleep(3000);
		_exit(0);
	}
}

static void once_restart(void)
{
	char byte;

	if (GOOD(read(ends[0], &byte, 1)) != 1)
		bad("read: nothing");
}

/* Neither ignored signals nor those that do nothing by default. */
static void start_ignored(void)
{
	fd = GOOD(epoll_create1(0));
	signal(SIGUSR1, SIG_IGN);
	send_to(SIGUSR1, SIGWINCH);
}

static void once_ignored(void)
{
	struct epoll_event event;

	GOOD(syscall(SYS_epoll_wait, fd, &event, 1, 2));
}

static void start_blocked(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	GOOD(sigprocmask(SIG_BLOCK, &set, NULL));
}

static void start_sigwaitinfo(void)
{
	start_blocked();
	send_to(SIGRTMIN, 0);
}

static void once_sigwaitinfo(void)
{
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	GOOD(sigwaitinfo(&set, &info));
	check_next(info.si_value.sival_int);
}

static void end_sigwaitinfo(void)
{
	end_sender();
	while (handled < shared->sent)
		once_sigwaitinfo();
}

static void start_signalfd(void)
{
	sigset_t set;

	start_sigwaitinfo();
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	fd = GOOD(signalfd(-1, &set, 0));
}

static void once_signalfd(void)
{
	struct signalfd_siginfo info;

	if (GOOD(read(fd, &info, sizeof(info))) != sizeof(info))
		bad("signalfd: not all of it");
	check_next(info.ssi_int);
}

static void start_sigsuspend(void)
{
	start_blocked();
	handle(SIGRTMIN, 0);
	send_to(SIGRTMIN, 0);
}

static void once_sigsuspend(void)
{
	int before = handled;
	sigset_t none;

	sigemptyset(&none);
	FAILS(EINTR, sigsuspend(&none));
	if (handled == before)
		bad("sigsuspend: EINTR without a handler");
	sigprocmask(SIG_BLOCK, NULL, &none);
	if (!sigismember(&none, SIGRTMIN))
		bad("sigsuspend left its mask");
}

static void end_sigsuspend(void)
{
	sigset_t none;

	sigemptyset(&none);
	GOOD(sigprocmask(SIG_SETMASK, &none, NULL));
	end_handled();
}

static void start_pause(void)
{
	handle(SIGRTMIN, 0);
	send_to(SIGRTMIN, 0);
}

static void once_pause(void)
{
	int before = handled;

	FAILS(EINTR, pause());
	if (handled == before)
		bad("pause: EINTR without a handler");
}

/* Signals of a thread for another. */
#define RECEIVERS	4

static pthread_t receivers[RECEIVERS];
static _Thread_local int mine;
static _Atomic int total;
static int given;

static void on_thread_signal(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	if (info->si_value.sival_int != mine + 1)
		bad("signal %d came behind %d", info->si_value.sival_int, mine);
	mine++;
	total++;
}

static void *receive(void *argument)
{
	for (;;)
		pause();
	return argument;
}

static void start_threads(void)
{
	struct sigaction action = { .sa_sigaction = on_thread_signal,
				    .sa_flags = SA_SIGINFO };

	GOOD(sigaction(SIGRTMIN, &action, NULL));
	for (int i = 0; i < RECEIVERS; i++) {
		if (pthread_create(&receivers[i], NULL, receive, NULL))
			bad("pthread_create");
	}
}

static void once_threads(void)
{
	union sigval value = { .sival_int = ++given };

	for (int i = 0; i < RECEIVERS; i++) {
		if (pthread_sigqueue(receivers[i], SIGRTMIN, value))
			bad("pthread_sigqueue");
	}
	usleep(500);
}

static void end_threads(void)
{
	for (int i = 0; i < 60000 && total < RECEIVERS * given; i++)
		usleep(1000);
	if (total != RECEIVERS * given)
		bad("%d signals sent, %d handled", RECEIVERS * given, total);
}

/* Those that an instruction causes. */
static sigjmp_buf jump;

static void on_fault(int signal)
{
	(void)signal;
	handled++;
	siglongjmp(jump, 1);
}

static void start_fault(void)
{
	signal(SIGSEGV, on_fault);
}

static volatile int *volatile nowhere = (int *)8;

static void once_fault(void)
{
	const int before = handled;

	for (volatile int i = 0; i < 100; i++) {
		if (!sigsetjmp(jump, 1))
			*nowhere = 0;
	}
	if (handled != before + 100)
		bad("%d of 100 faults", handled - before);
}

const struct target_class signal_classes[] = {
	{ "signal-handler", start_handled, once_handled, NULL, end_handled },
	{ "signal-storm", start_storm, once_storm, NULL, end_handled },
	{ "signal-restart", start_restart, once_restart, NULL, end_handled },
	{ "signal-ignored", start_ignored, once_ignored, NULL, end_sender },
	{ "signal-sigwaitinfo", start_sigwaitinfo, once_sigwaitinfo, NULL,
	  end_sigwaitinfo },
	{ "signal-signalfd", start_signalfd, once_signalfd, NULL, end_sender },
	{ "signal-sigsuspend", start_sigsuspend, once_sigsuspend, NULL,
	  end_sigsuspend },
	{ "signal-pause", start_pause, once_pause, NULL, end_handled },
	{ "signal-threads", start_threads, once_threads, NULL, end_threads },
	{ "signal-fault", start_fault, once_fault, NULL, NULL },
	{ .name = NULL },
};
