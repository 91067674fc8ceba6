// SPDX-License-Identifier: MIT
/*
 * Processes that are stopped, continued, killed, replaced or traced by others
 * while they are held.
 *
 *   test_states TARGET
 *
 * A process of its own is the parent of the program, and writes down what a
 * parent learns about a child.
 */
#include "driver.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct rp_diag diag;
static int news;		/* what the parent writes */
static pid_t parent;
static char heard[512];

static void observe(pid_t child, int to)
{
	siginfo_t info;

	dprintf(to, "%d\n", child);
	while (!waitid(P_PID, child, &info,
		       WEXITED | WSTOPPED | WCONTINUED)) {
		const char *what = info.si_code == CLD_STOPPED ? "stopped" :
				   info.si_code == CLD_CONTINUED ? "continued" :
				   info.si_code == CLD_EXITED ? "exited" :
				   info.si_code == CLD_TRAPPED ? "trapped" :
				   "killed";

		dprintf(to, "%s %d\n", what, info.si_status);
	}
	_exit(0);
}

static void be_parent(const char *class, int to)
{
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pid = fork();
	if (!pid) {
		/* SIGTSTP does nothing in a group without a parent outside. */
		setpgid(0, 0);
		execl(target_program, target_program, class, NULL);
		_exit(99);
	}
	close(0);
	close(1);
	observe(pid, to);
}

static void sleep_ms(unsigned int ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000l }, NULL);
}

/* Wait until the parent has written just this, with "," between lines. */
static bool hears(const char *want)
{
	for (int i = 0; i < 60000; i++) {
		size_t n = strlen(heard);
		ssize_t got = read(news, heard + n, sizeof(heard) - 1 - n);

		heard[n + (got > 0 ? got : 0)] = 0;
		for (char *c = heard; *c; c++)
			*c = *c == '\n' ? ',' : *c;
		if (!strcmp(heard, want))
			return true;
		sleep_ms(1);
	}
	fprintf(stderr, "# its parent: '%s', not '%s'\n", heard, want);
	return false;
}

static pid_t first_news(void)
{
	char text[32];
	size_t n = 0;

	while (n + 1 < sizeof(text) && read(news, &text[n], 1) == 1 &&
	       text[n] != '\n')
		n++;
	text[n] = 0;
	return atoi(text);
}

static bool begin(struct victim *victim, const char *class)
{
	int in[2], out[2], pipe_of_news[2];

	*victim = (struct victim){ .pid = 0 };
	heard[0] = 0;
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
	    pipe2(pipe_of_news, O_CLOEXEC))
		exit(99);
	parent = fork();
	if (!parent) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[1]);
		be_parent(class, pipe_of_news[1]);
	}
	close(in[0]);
	close(out[1]);
	close(pipe_of_news[1]);
	victim->in = in[1];
	victim->out = out[0];
	news = pipe_of_news[0];
	if (strcmp(victim_line(victim), "ready"))
		return false;
	victim->pid = first_news();
	fcntl(news, F_SETFL, O_NONBLOCK);
	return victim->pid > 0 && open_victim(victim);
}

static void finish(struct victim *victim)
{
	if (victim->pid > 0)
		kill(victim->pid, SIGKILL);
	close(victim->in);
	close(victim->out);
	rp_target_close(&victim->target);
	waitpid(parent, NULL, 0);
	close(news);
}

/* The program ends by itself, and its parent learned just this before. */
static bool ends_well(struct victim *victim, const char *want)
{
	const char *line;
	bool is_good;

	is_good = hears(want);
	close(victim->in);
	victim->in = -1;
	line = victim_line(victim);
	if (!strncmp(line, "ok ", 3))
		return is_good;
	fprintf(stderr, "# it says: %s\n", line);
	return false;
}

static bool comes_to(const struct victim *victim, const char *states)
{
	for (int i = 0; i < 60000; i++) {
		if (strchr(states, state_of(victim->pid, victim->pid)))
			return true;
		sleep_ms(1);
	}
	fprintf(stderr, "# state %c, not one of %s\n",
		state_of(victim->pid, victim->pid), states);
	return false;
}

static bool seize(struct victim *victim)
{
	if (!rp_threads_seize(&victim->threads, &victim->target, &diag))
		return true;
	fprintf(stderr, "# seize: %s\n", diag.text);
	return false;
}

/* Let it run under trace until it is in one of some states. */
static bool runs_to(struct victim *v, const char *states)
{
	for (int i = 0; i < 30000; i++) {
		run_for(v, 1000);
		if (strchr(states, state_of(v->pid, v->pid)))
			return true;
	}
	return false;
}

static bool hold(struct victim *victim)
{
	if (!stop_soon(victim, &diag))
		return true;
	fprintf(stderr, "# stop: %s\n", diag.text);
	return false;
}

static bool is_gone(struct victim *victim)
{
	int ret = rp_threads_stop(&victim->threads, &diag);

	if (ret == -ESRCH && diag.id == RP_DIAG_LIVE_GONE)
		return true;
	fprintf(stderr, "# stop: %d\n", ret);
	return false;
}

static bool parent_learns_nothing(struct victim *v)
{
	int again = 0;
	const char *why = cycles(v, 100, &again);

	if (why)
		fprintf(stderr, "# %s\n", why);
	return !why && ends_well(v, "");
}

static bool stays_stopped(struct victim *v)
{
	kill(v->pid, SIGSTOP);
	if (!comes_to(v, "T") || !hears("stopped 19,"))
		return false;
	for (int i = 0; i < 40; i++) {
		bool good = seize(v) && hold(v);

		if (i % 2 && good) {
			rp_threads_resume(&v->threads);
			run_for(v, 1000);
			good = hold(v);
		}
		if (i % 4 > 1) {
			rp_threads_resume(&v->threads);
			run_for(v, 500);
		}
		rp_threads_release(&v->threads);
		if (!good || !comes_to(v, "T"))
			return false;
	}
	sleep_ms(50);
	if (!comes_to(v, "T"))
		return false;
	kill(v->pid, SIGCONT);
	sleep_ms(50);
	return ends_well(v, "stopped 19,continued 18,");
}

/* While it is traced, its stop looks like one of the tracer: but it lasts. */
static bool remains_stopped(struct victim *v)
{
	int row = 0;

	for (int i = 0; i < 30000 && row < 20; i++) {
		run_for(v, 1000);
		row = state_of(v->pid, v->pid) == 't' ? row + 1 : 0;
	}
	return row == 20;
}

static bool stop_under_trace(struct victim *v)
{
	bool good = seize(v);

	kill(v->pid, SIGTSTP);
	good = good && remains_stopped(v) && hold(v);
	rp_threads_resume(&v->threads);
	run_for(v, 5000);
	good = good && remains_stopped(v);
	rp_threads_release(&v->threads);
	good = good && comes_to(v, "T") && hears("stopped 20,");
	kill(v->pid, SIGCONT);
	sleep_ms(50);
	return good && ends_well(v, "stopped 20,continued 18,");
}

static bool continue_under_trace(struct victim *v)
{
	bool good;

	kill(v->pid, SIGSTOP);
	good = comes_to(v, "T") && hears("stopped 19,") && seize(v);
	run_for(v, 2000);
	kill(v->pid, SIGCONT);
	/* It runs: still traced, but in no stop. */
	good = good && runs_to(v, "SR") && hold(v);
	rp_threads_release(&v->threads);
	sleep_ms(20);
	return good && ends_well(v, "stopped 19,continued 18,");
}

static bool stop_while_held(struct victim *v)
{
	bool good = seize(v) && hold(v);

	kill(v->pid, SIGSTOP);
	sleep_ms(5);
	rp_threads_release(&v->threads);
	good = good && comes_to(v, "T") && hears("stopped 19,");
	sleep_ms(50);
	kill(v->pid, SIGCONT);
	sleep_ms(50);
	return good && ends_well(v, "stopped 19,continued 18,");
}

static bool continue_while_held(struct victim *v)
{
	bool good;

	kill(v->pid, SIGSTOP);
	good = comes_to(v, "T") && hears("stopped 19,") && seize(v) && hold(v);
	kill(v->pid, SIGCONT);
	sleep_ms(5);
	rp_threads_release(&v->threads);
	good = good && comes_to(v, "SR");
	sleep_ms(20);
	return good && ends_well(v, "stopped 19,continued 18,");
}

static bool learns(struct victim *v, const char *want)
{
	v->pid = 0;
	return hears(want);
}

static bool killed_while_held(struct victim *v)
{
	bool good = seize(v) && hold(v);

	kill(v->pid, SIGKILL);
	rp_threads_resume(&v->threads);
	good = runs_to(v, "X") && is_gone(v) && good;
	rp_threads_release(&v->threads);
	return learns(v, "killed 9,") && good;
}

static bool killed_before_release(struct victim *v)
{
	bool good = seize(v) && hold(v);

	kill(v->pid, SIGKILL);
	rp_threads_release(&v->threads);
	return learns(v, "killed 9,") && good;
}

static bool ends_by_signal(struct victim *v)
{
	bool good = seize(v);

	kill(v->pid, SIGTERM);
	good = runs_to(v, "X") && is_gone(v) && good;
	rp_threads_release(&v->threads);
	return learns(v, "killed 15,") && good;
}

static bool signal_while_held(struct victim *v)
{
	bool good = seize(v) && hold(v);

	kill(v->pid, SIGTERM);
	sleep_ms(2);
	rp_threads_release(&v->threads);
	return learns(v, "killed 15,") && good;
}

static bool ends_under_trace(struct victim *v)
{
	bool good = seize(v);

	close(v->in);
	v->in = -1;
	good = runs_to(v, "XZ") && is_gone(v) && good;
	rp_threads_release(&v->threads);
	return learns(v, "exited 0,") && good;
}

static bool runs_another_program(struct victim *v)
{
	bool good = seize(v) && hold(v);

	rp_threads_resume(&v->threads);
	if (write(v->in, "x", 1) != 1)
		return false;
	/* It is ready as that. */
	for (int i = 0; i < 5000 && !v->threads.execed; i++)
		run_for(v, 5000);
	good = good && !strcmp(victim_line(v), "ready");
	good = is_gone(v) && good && strstr(diag.text, "another program");
	rp_threads_release(&v->threads);
	return is_free(v->pid) && good && ends_well(v, "");
}

static bool main_thread_ends(struct victim *v)
{
	bool good = seize(v) && hold(v) && rp_threads_count(&v->threads) == 2;

	rp_threads_resume(&v->threads);
	kill(v->pid, SIGUSR1);
	good = good && runs_to(v, "Z") && hold(v) &&
	       rp_threads_count(&v->threads) == 1;
	rp_threads_resume(&v->threads);
	run_for(v, 5000);
	good = good && hold(v);
	rp_threads_release(&v->threads);
	/* And this one sees it so from the start. */
	good = good && seize(v) && hold(v) &&
	       rp_threads_count(&v->threads) == 1;
	rp_threads_resume(&v->threads);
	close(v->in);
	v->in = -1;
	run_for(v, 20000);
	rp_threads_release(&v->threads);
	return good && !strcmp(victim_line(v), "ok 1");
}

static bool waits_in_vfork(struct victim *v)
{
	bool good = seize(v);
	int seen = 0;

	for (int i = 0; i < 200 && good && seen < 3; i++) {
		int ret = rp_threads_stop(&v->threads, &diag);

		if (ret == -EAGAIN) {
			good = diag.id == RP_DIAG_LIVE_STOP &&
			       strstr(diag.text, "vfork");
			good = good && !v->threads.stopped;
			seen++;
		} else {
			good = !ret;
		}
		rp_threads_resume(&v->threads);
		run_for(v, 5000);
	}
	if (!good || !seen)
		fprintf(stderr, "# stop: %s\n", diag.text);
	rp_threads_release(&v->threads);
	return good && seen && ends_well(v, "");
}

static bool traced_by_another(struct victim *v)
{
	int told[2];
	pid_t tracer;
	bool good;
	char byte;

	if (pipe(told))
		return false;
	tracer = fork();
	if (!tracer) {
		prctl(PR_SET_NAME, "other-tracer");
		if (ptrace(PTRACE_SEIZE, v->pid, NULL, NULL) ||
		    write(told[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(told[0], &byte, 1) != 1)
		return false;
	good = rp_threads_seize(&v->threads, &v->target, &diag) == -EINVAL &&
	       diag.id == RP_DIAG_LIVE_TRACED &&
	       strstr(diag.text, "other-tracer");
	if (!good)
		fprintf(stderr, "# %s\n", diag.text);
	rp_threads_release(&v->threads);
	kill(tracer, SIGKILL);
	waitpid(tracer, NULL, 0);
	close(told[0]);
	close(told[1]);
	return good && ends_well(v, "");
}

static bool of_another_user(struct victim *v)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		int ret;

		if (setuid(65534))
			_exit(9);
		ret = rp_threads_seize(&v->threads, &v->target, &diag);
		if (ret != -EINVAL || diag.id != RP_DIAG_LIVE_PERMISSION ||
		    !strstr(diag.text, "belongs to user 0"))
			_exit(8);
		rp_threads_release(&v->threads);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return !status && is_free(v->pid) && ends_well(v, "");
}

/* A child of the tool that has ended is in front of all others. */
static bool children_of_the_tool(struct victim *v)
{
	pid_t child = fork();
	const char *why;
	int status = 0, again = 0;

	if (!child)
		_exit(3);
	why = cycles(v, 50, &again);
	if (!why && seize(v)) {
		size_t n = v->threads.n;

		run_for(v, 100000);
		if (v->threads.n <= n)
			why = "no new thread was let go";
		rp_threads_release(&v->threads);
	}
	if (why)
		fprintf(stderr, "# %s\n", why);
	return waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 3 &&
	       !why && ends_well(v, "");
}

static bool all_are_listed(struct victim *v)
{
	bool good = seize(v) && hold(v) && rp_threads_count(&v->threads) == 1001;

	for (size_t i = 0; good && i < v->threads.n; i++) {
		pid_t tid = v->threads.v[i]->tid;

		good = state_of(v->pid, tid) == 't' &&
		       rp_threads_find(&v->threads, tid) == v->threads.v[i];
	}
	if (!v->threads.first || v->threads.last < v->threads.first)
		good = false;
	rp_threads_release(&v->threads);
	return good && is_free(v->pid) && ends_well(v, "");
}

/* Processes that count as threads when they are created. */
static bool processes_are_not(struct victim *v)
{
	bool good = seize(v);

	for (int i = 0; i < 20 && good; i++) {
		run_for(v, 2000);
		good = hold(v) && rp_threads_count(&v->threads) == 1;
		rp_threads_resume(&v->threads);
	}
	rp_threads_release(&v->threads);
	return good && ends_well(v, "");
}

/* As if the list of the kernel had not shown it. */
static bool missed_one(struct victim *v)
{
	bool good = seize(v);
	struct rp_thread *t = v->threads.v[v->threads.n / 2];
	pid_t tid = t->tid;

	good = good && !rp_threads_stop_one(&v->threads, t, &diag) &&
	       !ptrace(PTRACE_DETACH, tid, NULL, NULL);
	t->state = RP_THREAD_GONE;
	good = good && hold(v) && state_of(v->pid, tid) == 't' &&
	       rp_threads_count(&v->threads) == 1001;
	rp_threads_release(&v->threads);
	return good && is_free(v->pid) && ends_well(v, "");
}

static bool one_of_them(struct victim *v)
{
	bool good = seize(v);

	for (int i = 0; i < 100 && good; i++) {
		size_t which = rand() % v->threads.n;
		struct rp_thread *t = v->threads.v[which];

		good = !rp_threads_stop_one(&v->threads, t, &diag) &&
		       state_of(v->pid, t->tid) == 't' && t->regs.rip;
		for (size_t j = 0; j < v->threads.n && good; j++)
			good = j == which ||
			       v->threads.v[j]->state == RP_THREAD_RUNNING;
		if (i % 10 == 9)
			good = good && hold(v);
		if (i % 20 != 19)
			rp_threads_resume(&v->threads);
		rp_threads_resume_one(&v->threads, t);
		rp_threads_resume(&v->threads);
		run_for(v, 200);
	}
	rp_threads_release(&v->threads);
	return good && is_free(v->pid) && ends_well(v, "");
}

static bool filters_are_kept(struct victim *v)
{
	bool good = seize(v) && v->target.seccomp && hold(v);

	/* CAP_SYS_ADMIN is needed, and no filter of one's own. */
	if (good && !v->threads.suspend_seccomp)
		fprintf(stderr, "# not suspended\n");
	good = good && (v->threads.suspend_seccomp || geteuid());
	rp_threads_resume(&v->threads);
	run_for(v, 20000);
	good = good && hold(v);
	rp_threads_release(&v->threads);
	return good && ends_well(v, "");
}

static const struct {
	const char *name;
	const char *class;
	bool (*test)(struct victim *victim);
	bool root;
} tests[] = {
	{ "parent learns nothing", "time-nanosleep", parent_learns_nothing, 0 },
	{ "parent of threads learns nothing", "task-churn",
	  parent_learns_nothing, 0 },
	{ "stopped process stays stopped", "time-nanosleep", stays_stopped, 0 },
	{ "stopped threads stay stopped", "data-read", stays_stopped, 0 },
	{ "SIGTSTP while traced", "time-poll", stop_under_trace, 0 },
	{ "SIGTSTP of threads while traced", "data-epoll", stop_under_trace, 0 },
	{ "SIGCONT while traced", "time-epoll-wait", continue_under_trace, 0 },
	{ "SIGCONT of threads while traced", "data-epoll",
	  continue_under_trace, 0 },
	{ "SIGSTOP while held", "time-epoll-wait", stop_while_held, 0 },
	{ "SIGSTOP of threads while held", "data-epoll", stop_while_held, 0 },
	{ "SIGCONT while held", "time-nanosleep", continue_while_held, 0 },
	{ "SIGCONT of threads while held", "data-read", continue_while_held, 0 },
	{ "SIGKILL while held", "data-read", killed_while_held, 0 },
	{ "SIGKILL before release", "task-many", killed_before_release, 0 },
	{ "SIGTERM while traced", "data-read", ends_by_signal, 0 },
	{ "SIGTERM while held", "data-read", signal_while_held, 0 },
	{ "exit while traced", "data-read", ends_under_trace, 0 },
	{ "exec of a thread", "life-exec", runs_another_program, 0 },
	{ "main thread ends", "life-main", main_thread_ends, 0 },
	{ "vfork", "task-vfork", waits_in_vfork, 0 },
	{ "traced by another", "time-nanosleep", traced_by_another, 0 },
	{ "another user's", "time-nanosleep", of_another_user, 1 },
	{ "children of the tool", "task-churn", children_of_the_tool, 0 },
	{ "1000 threads", "task-many", all_are_listed, 0 },
	{ "processes are not listed", "task-clone", processes_are_not, 0 },
	{ "one was missed", "task-many", missed_one, 0 },
	{ "one of them", "task-many", one_of_them, 0 },
	{ "seccomp", "task-seccomp", filters_are_kept, 0 },
};

int main(int argc, char **argv)
{
	if (argc < 2)
		return 64;
	plan(argv[1]);
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		struct victim victim;
		bool good;

		if (argc > 2 && !strstr(tests[i].name, argv[2]))
			continue;
		if (tests[i].root && geteuid()) {
			skipped(tests[i].name, "needs root");
			continue;
		}
		alarm(180);
		good = begin(&victim, tests[i].class) &&
		       tests[i].test(&victim);
		finish(&victim);
		result(tests[i].name, good, NULL);
	}
	return done();
}
