// SPDX-License-Identifier: MIT
/*
 * Stopping threads and letting them run.
 *
 * Each stop that waitpid() tells about is one of these:
 *
 *   event stop     asked for by PTRACE_INTERRUPT, the first one of a new thread,
 *                  or a group stop. It is what "stopped" means here.
 *   signal         about to be delivered: passed on at once. If the thread is to
 *                  stop, it does so right behind it.
 *   clone          the number of the new thread is put down
 *   exec           nothing is left of the process that was looked at
 *
 * Any stop makes the kernel forget an interrupt that was asked for before, so it
 * is asked for again where one of the others comes first.
 *
 * Threads are waited for one by one, by number: waitpid(-1) walks through all
 * that are traced, each time, and would take the exits of children that are
 * somebody else's.
 */
#define _GNU_SOURCE
#include "threads_impl.h"

#include <elf.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#define MS			1000000ull
#define TRIES			16	/* before a thread counts as late */
#define LOOK_NS			(4 * MS)
#define UNINTERRUPTIBLE_NS	(10 * MS)
#define BUSY_NS			(500 * MS)

/* What a thread is to do behind a stop that it was found in. */
enum then {
	THEN_RUN,
	THEN_STOP,
	THEN_LEAVE,
};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

static void interrupt(struct rp_thread *thread)
{
	/* One that is ending is found to be so when it is waited for. */
	if (!ptrace(PTRACE_INTERRUPT, thread->tid, NULL, NULL))
		thread->interrupted = true;
}

/* Read the registers, with what a stop does to system calls made up for. */
static bool fetch(struct rp_thread *thread)
{
	struct iovec iov = { &thread->regs, sizeof(thread->regs) };

	if (ptrace(PTRACE_GETREGSET, thread->tid, (void *)NT_PRSTATUS, &iov))
		return false;
	return !rp_restart_repair(&thread->regs) ||
	       !rp_thread_set_regs(thread, &thread->regs);
}

static void leave(struct rp_thread *thread, int signal)
{
	if (!ptrace(PTRACE_DETACH, thread->tid, NULL, (void *)(long)signal))
		thread->state = RP_THREAD_GONE;
}

/* Out of a stop that is not to last. */
static void go_on(struct rp_thread *thread, int signal, enum then then)
{
	thread->interrupted = false;
	if (then == THEN_LEAVE) {
		leave(thread, signal);
		return;
	}
	if (then == THEN_STOP)
		interrupt(thread);
	ptrace(PTRACE_CONT, thread->tid, NULL, (void *)(long)signal);
}

/* Return: false: it is not permitted. */
static bool suspend_seccomp(struct rp_thread *thread, bool suspend)
{
	long options = RP_TRACE_OPTIONS;

	if (suspend)
		options |= PTRACE_O_SUSPEND_SECCOMP;
	if (ptrace(PTRACE_SETOPTIONS, thread->tid, NULL, (void *)options))
		return errno == ESRCH;
	thread->unfiltered = suspend;
	return true;
}

static void run_on(struct rp_thread *thread)
{
	int signal = thread->signal;

	thread->state = RP_THREAD_RUNNING;
	thread->signal = 0;
	if (thread->unfiltered)
		suspend_seccomp(thread, false);
	if (thread->listen) {
		if (!ptrace(PTRACE_LISTEN, thread->tid, NULL, NULL))
			return;
		/* It has run since, for somebody: back into the group stop. */
		interrupt(thread);
	}
	ptrace(PTRACE_CONT, thread->tid, NULL, (void *)(long)signal);
}

static void on_event_stop(struct rp_threads *threads, struct rp_thread *thread,
			  int signal, enum then then)
{
	thread->interrupted = false;
	thread->listen = signal != SIGTRAP;
	/* If this fails, it was killed in this moment: its end is next. */
	if (!fetch(thread))
		return;
	if (then == THEN_LEAVE) {
		leave(thread, 0);
		return;
	}
	if (then == THEN_RUN) {
		run_on(thread);
		return;
	}
	thread->state = RP_THREAD_STOPPED;
	if (threads->stopped_at && !threads->first)
		threads->first = now() - threads->stopped_at;
}

static void on_clone(struct rp_threads *threads, struct rp_thread *thread)
{
	struct rp_thread *child;
	unsigned long tid;

	if (ptrace(PTRACE_GETEVENTMSG, thread->tid, NULL, &tid))
		return;
	child = rp_threads_add(threads, (pid_t)tid);
	/* clone() can also create processes in a way that counts as this. */
	if (child)
		child->other = !rp_threads_has(threads, child->tid);
}

/* The others were ended by it, and its own number is the main thread's now. */
static void on_exec(struct rp_threads *threads, struct rp_thread *thread)
{
	threads->execed = true;
	leave(thread, 0);
	for (size_t i = 0; i < threads->n; i++) {
		struct rp_thread *t = threads->v[i];

		if (t == thread || t->other || t->state == RP_THREAD_GONE)
			continue;
		waitpid(t->tid, NULL, __WALL | WNOHANG);
		t->state = RP_THREAD_GONE;
	}
}

static void on_signal(struct rp_thread *thread, int signal, enum then then)
{
	/* One that is ignored interrupts only who is traced: made up for. */
	fetch(thread);
	go_on(thread, signal, then);
}

static void on_event(struct rp_threads *threads, struct rp_thread *thread,
		     int signal, int event, enum then then)
{
	waitpid(thread->tid, NULL, __WALL | WNOHANG);
	if (thread->other) {
		leave(thread, 0);
	} else if (event == PTRACE_EVENT_EXEC) {
		on_exec(threads, thread);
	} else if (event == PTRACE_EVENT_STOP) {
		on_event_stop(threads, thread, signal, then);
	} else {
		if (event == PTRACE_EVENT_CLONE)
			on_clone(threads, thread);
		go_on(thread, 0, then);
	}
}

/*
 * Take note of what a thread did, if anything.
 *
 * A signal is only looked at, not taken out of the kernel by a wait: that would
 * make it this tool's to deliver, and its death in this moment the signal's too.
 */
static bool look(struct rp_threads *threads, struct rp_thread *thread,
		 enum then then)
{
	siginfo_t info = { .si_pid = 0 };
	int ret = waitid(P_PID, thread->tid, &info,
			 WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL);
	int signal = info.si_status & 0x7f, event = info.si_status >> 8;

	if (!ret && !info.si_pid)
		return false;
	if (ret || (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED)) {
		waitpid(thread->tid, NULL, __WALL | WNOHANG);
		thread->state = RP_THREAD_GONE;
	} else if (event) {
		on_event(threads, thread, signal, event, then);
	} else if (thread->other) {
		leave(thread, signal);
	} else {
		on_signal(thread, signal, then);
	}
	return true;
}

static void pause_ns(uint64_t ns)
{
	nanosleep(&(struct timespec){ 0, (long)ns }, NULL);
}

static bool is_awaited(const struct rp_thread *thread)
{
	return thread->state == RP_THREAD_RUNNING && !thread->ours;
}

/* Most stop within microseconds, in the order in which they were asked. */
static void await_soon(struct rp_threads *threads, struct rp_thread *thread)
{
	for (int i = 0; i < TRIES; i++) {
		while (look(threads, thread, THEN_STOP)) {
			if (thread->state != RP_THREAD_RUNNING)
				return;
		}
		sched_yield();
	}
}

/* Return: the state of a thread that has not stopped; 0: it has ended. */
static char late_state(struct rp_threads *threads, struct rp_thread *thread)
{
	char state = rp_thread_stat(threads, thread->tid).state;

	if (state != 'Z' || thread->tid != threads->target->pid)
		return state;
	/* The end of the main thread is not told of while others live. */
	thread->state = RP_THREAD_GONE;
	thread->zombie = true;
	return 0;
}

struct pass {
	size_t waiting;
	size_t events;
};

/* @only: NULL: all that are to stop */
static struct pass look_at_late(struct rp_threads *threads,
				struct rp_thread *only)
{
	struct pass pass = { 0, 0 };

	for (size_t i = 0; i < (only ? 1 : threads->n); i++) {
		struct rp_thread *t = only ? only : threads->v[i];

		if (t->state != RP_THREAD_RUNNING || (!only && t->ours))
			continue;
		while (t->state == RP_THREAD_RUNNING &&
		       look(threads, t, THEN_STOP))
			pass.events++;
		pass.waiting += t->state == RP_THREAD_RUNNING;
	}
	return pass;
}

/*
 * Those that have not stopped yet. What may run is waited for longer than what
 * sleeps where signals do not reach, which also may wait for one that may run.
 */
static int judge_late(struct rp_threads *threads, struct rp_thread *only,
		      uint64_t quiet, struct rp_diag *diag)
{
	const struct rp_thread *late = NULL;
	uint64_t limit = UNINTERRUPTIBLE_NS;
	char late_is = 0;

	for (size_t i = 0; i < (only ? 1 : threads->n); i++) {
		struct rp_thread *t = only ? only : threads->v[i];
		char state;

		if (t->state != RP_THREAD_RUNNING || (!only && t->ours))
			continue;
		state = late_state(threads, t);
		if (state && state != 'D')
			limit = BUSY_NS;
		if (state && (!late || state == 'D')) {
			late = t;
			late_is = state;
		}
	}
	if (!late || quiet < limit)
		return 0;
	return rp_thread_is_stuck(threads, late->tid, late_is, diag);
}

static int await_late(struct rp_threads *threads, struct rp_thread *only,
		      struct rp_diag *diag)
{
	uint64_t since = now(), looked = since, delay = 10000;

	for (;;) {
		struct pass pass = look_at_late(threads, only);
		uint64_t t = now();
		int ret = 0;

		if (!pass.waiting)
			return 0;
		if (pass.events) {
			since = looked = t;
			delay = 10000;
			sched_yield();
			continue;
		}
		if (t - looked >= LOOK_NS) {
			looked = t;
			ret = judge_late(threads, only, t - since, diag);
		}
		if (ret)
			return ret;
		pause_ns(delay);
		delay = delay < MS ? 2 * delay : MS;
	}
}

/* Ask all of them, beginning with @from, and wait. */
static int gather(struct rp_threads *threads, size_t from,
		  struct rp_diag *diag)
{
	for (size_t i = from; i < threads->n; i++) {
		struct rp_thread *t = threads->v[i];

		if (is_awaited(t) && !t->interrupted)
			interrupt(t);
	}
	/* New ones are put at the end meanwhile. */
	for (size_t i = from; i < threads->n; i++) {
		if (is_awaited(threads->v[i]))
			await_soon(threads, threads->v[i]);
	}
	return await_late(threads, NULL, diag);
}

/* The number of links of a directory of tasks says how many there are. */
static bool is_complete(const struct rp_threads *threads)
{
	bool has_main = false;
	struct stat st;
	size_t n = 0;

	if (fstatat(threads->target->proc, "task", &st, 0))
		return false;
	for (size_t i = 0; i < threads->n; i++) {
		const struct rp_thread *t = threads->v[i];

		if (t->state == RP_THREAD_GONE || t->other)
			continue;
		n++;
		has_main |= t->tid == threads->target->pid;
	}
	/* Without it, it has ended before the others, and is still counted. */
	return st.st_nlink == 2 + n + !has_main;
}

static int gather_all(struct rp_threads *threads, struct rp_diag *diag)
{
	int ret = gather(threads, 0, diag);

	/* Nobody who is stopped creates threads: this ends. */
	while (!ret && !threads->nomem && !threads->execed &&
	       !is_complete(threads)) {
		size_t from = threads->n;

		ret = rp_threads_scan(threads, diag);
		if (ret <= 0)
			break;
		ret = gather(threads, from, diag);
	}
	return ret;
}

/* Only while they are stopped: it is there to keep the program in. */
static void suspend_all(struct rp_threads *threads)
{
	bool can = threads->target->seccomp;

	for (size_t i = 0; i < threads->n && can; i++) {
		struct rp_thread *t = threads->v[i];

		if (t->state == RP_THREAD_STOPPED && !t->ours)
			can = suspend_seccomp(t, true);
	}
	threads->suspend_seccomp = can;
}

static void run_all(struct rp_threads *threads)
{
	for (size_t i = 0; i < threads->n; i++) {
		struct rp_thread *t = threads->v[i];

		if (t->state == RP_THREAD_STOPPED && !t->ours)
			run_on(t);
	}
	threads->stopped = false;
}

int rp_threads_stop(struct rp_threads *threads, struct rp_diag *diag)
{
	int ret;

	if (threads->stopped)
		return 0;
	rp_threads_poll(threads);
	rp_threads_retire(threads);
	threads->first = 0;
	threads->stopped_at = now();
	ret = gather_all(threads, diag);
	threads->last = now() - threads->stopped_at;
	if (!ret && threads->nomem)
		ret = rp_diag_nomem(diag);
	if (!ret && !rp_threads_count(threads))
		ret = rp_threads_gone(threads, diag);
	if (ret) {
		run_all(threads);
		rp_threads_poll(threads);
		return ret == -EINVAL ? -EAGAIN : ret;
	}
	suspend_all(threads);
	threads->stopped = true;
	return 0;
}

uint64_t rp_threads_resume(struct rp_threads *threads)
{
	uint64_t held;

	if (!threads->stopped)
		return 0;
	run_all(threads);
	held = now() - threads->stopped_at;
	/* What happened meanwhile, as a group stop, has been waiting. */
	rp_threads_poll(threads);
	return held;
}

int rp_threads_stop_one(struct rp_threads *threads, struct rp_thread *thread,
			struct rp_diag *diag)
{
	int ret;

	if (thread->state == RP_THREAD_STOPPED)
		return 0;
	if (thread->state == RP_THREAD_RUNNING && !thread->interrupted)
		interrupt(thread);
	if (thread->state == RP_THREAD_RUNNING)
		await_soon(threads, thread);
	ret = await_late(threads, thread, diag);
	if (ret)
		return ret;
	if (thread->state == RP_THREAD_GONE)
		return threads->execed || !rp_threads_count(threads) ?
		       rp_threads_gone(threads, diag) : -ESRCH;
	if (threads->target->seccomp && !thread->ours)
		threads->suspend_seccomp = suspend_seccomp(thread, true);
	return 0;
}

void rp_threads_resume_one(struct rp_threads *threads, struct rp_thread *thread)
{
	(void)threads;
	if (thread->state == RP_THREAD_STOPPED)
		run_on(thread);
}

static void poll_each(struct rp_threads *threads)
{
	for (size_t i = 0; i < threads->n; i++) {
		struct rp_thread *t = threads->v[i];

		while (is_awaited(t) && look(threads, t, THEN_RUN))
			;
	}
}

/* Who has something to tell, if that is for us to hear; else NULL. */
static struct rp_thread *who(struct rp_threads *threads, const siginfo_t *info)
{
	bool ended = info->si_code == CLD_EXITED ||
		     info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED;
	struct rp_thread *thread = rp_threads_find(threads, info->si_pid);

	if (thread && thread->ours)
		return NULL;
	if (thread && (ended || thread->state == RP_THREAD_RUNNING))
		return thread;
	/* A new one is heard of before its creator is. */
	return rp_threads_has(threads, info->si_pid) ?
	       rp_threads_add(threads, info->si_pid) : NULL;
}

void rp_threads_poll(struct rp_threads *threads)
{
	for (;;) {
		siginfo_t info = { .si_pid = 0 };
		struct rp_thread *thread;

		if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG |
			   WNOWAIT | __WALL) || !info.si_pid)
			return;
		thread = who(threads, &info);
		/* Somebody else's child is in front of the others. */
		if (!thread || !look(threads, thread, THEN_RUN)) {
			poll_each(threads);
			return;
		}
	}
}

/*
 * One step towards letting go a thread that runs. Interrupting one that no
 * signal reaches would stop it later, when nobody waits for that.
 * Return: false: it has to be left to the kernel.
 */
static bool press(struct rp_threads *threads, struct rp_thread *thread,
		  uint64_t quiet)
{
	char state = rp_thread_stat(threads, thread->tid).state;

	if (state == 'Z' && thread->tid == threads->target->pid) {
		thread->zombie = true;
		return false;
	}
	if (!thread->interrupted && state != 'D')
		interrupt(thread);
	return quiet < 2 * BUSY_NS;
}

static void release_one(struct rp_threads *threads, struct rp_thread *thread)
{
	uint64_t since = now(), delay = 1000;

	if (thread->state == RP_THREAD_STOPPED) {
		leave(thread, thread->signal);
		/* It has been killed. */
		if (thread->state == RP_THREAD_STOPPED)
			thread->state = RP_THREAD_RUNNING;
	}
	while (thread->state == RP_THREAD_RUNNING) {
		if (look(threads, thread, THEN_LEAVE))
			continue;
		if (!press(threads, thread, now() - since))
			return;
		for (int i = 0; i < TRIES && thread->interrupted; i++) {
			sched_yield();
			if (look(threads, thread, THEN_LEAVE))
				break;
		}
		if (thread->state != RP_THREAD_RUNNING)
			return;
		pause_ns(delay);
		delay = delay < MS ? 2 * delay : MS;
	}
}

uint64_t rp_threads_release(struct rp_threads *threads)
{
	struct rp_thread *main_thread;
	uint64_t held = 0;

	for (size_t i = 0; i < threads->n; i++) {
		if (threads->v[i]->state == RP_THREAD_STOPPED)
			leave(threads->v[i], threads->v[i]->signal);
	}
	if (threads->stopped)
		held = now() - threads->stopped_at;
	if (!threads->target)
		return 0;
	/* The end of the main thread is told last, if all are ending. */
	main_thread = rp_threads_find(threads, threads->target->pid);
	for (size_t i = 0; i < threads->n; i++) {
		if (threads->v[i] != main_thread)
			release_one(threads, threads->v[i]);
	}
	if (main_thread)
		release_one(threads, main_thread);
	for (size_t i = 0; i < threads->n; i++)
		release_one(threads, threads->v[i]);
	if (main_thread && main_thread->zombie)
		waitpid(main_thread->tid, NULL, __WALL | WNOHANG);
	rp_threads_free(threads);
	return held;
}
