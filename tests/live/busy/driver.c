/* SPDX-License-Identifier: MIT */
/*
 * Starts a program that says where its old code is, and asks whether it is in use.
 *
 *   busy-driver [OPTION...] ANSWER PROGRAM ARGS...
 *
 * ANSWER: none, frame, word, unknown, context. Options: scan, ignore (contexts);
 * allowed (the code is); at-entry, behind-entry (the first thread's pc is made
 * that); text=WORD (the explanation has to say that).
 */
#define _GNU_SOURCE
#include "../../../live/busy.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRIES	1500
#define CALM	5	/* times that nothing has to be found */

static const char *const answers[] = {
	[RP_BUSY_FRAME] = "frame", [RP_BUSY_WORD] = "word",
	[RP_BUSY_UNKNOWN] = "unknown", [RP_BUSY_CONTEXT] = "context",
	"none",
};

enum { NONE = 4 };

static pid_t child;
static struct rp_target target;
static struct rp_modules modules;
static struct rp_threads threads;
static struct rp_unwinder *unwinder;
static struct rp_busy_list list;
static struct rp_code code;
static uint64_t outermost;	/* return address of the outermost, 0: any */
static enum rp_contexts contexts;
static int move_pc;		/* 1: to the entry, 2: behind it */
static const char *needed_text;

static void die(const char *what, const struct rp_diag *diag)
{
	printf("# %s: %s\n", what, diag ? diag->text : strerror(errno));
	exit(1);
}

static void end_child(void)
{
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
}

static void start(char **argv)
{
	int out[2];
	pid_t parent = getpid();

	if (pipe(out))
		die("pipe", NULL);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		execvp(argv[0], argv);
		_exit(127);
	}
	atexit(end_child);
	close(out[1]);
	FILE *from = fdopen(out[0], "r");
	uint64_t end;
	if (fscanf(from, "code %" SCNx64 " %" SCNx64 " %" SCNx64, &code.start,
		   &end, &outermost) != 3)
		die("the program says nothing", NULL);
	code.size = end - code.start;
	code.entry = true;
	code.name = "old";
}

static void attach(void)
{
	struct rp_diag diag = { 0 };

	if (rp_target_open(&target, child, &diag) ||
	    rp_modules_read(&modules, &target, &diag) ||
	    rp_threads_seize(&threads, &target, &diag))
		die("attach", &diag);
	if (rp_unwinder_create(&unwinder, &modules))
		die("unwinder", NULL);
	rp_busy_prepare(unwinder, contexts);
}

static void stop(void)
{
	struct rp_diag diag = { 0 };
	int rc = -EAGAIN;

	for (int i = 0; i < TRIES && rc == -EAGAIN; i++)
		rc = rp_threads_stop(&threads, &diag);
	if (rc)
		die("stop", &diag);
	rp_unwind_forget(unwinder);
}

/* The bytes at the stack pointer are no return address then: it is lost. */
static void set_pc(struct rp_thread *thread)
{
	if (move_pc)
		thread->regs.rip = code.start + (uint64_t)(move_pc - 1);
}

static int ask(char *text, size_t size)
{
	stop();
	struct user_regs_struct regs = threads.v[0]->regs;
	set_pc(threads.v[0]);
	if (rp_busy_find(unwinder, &threads, &code, 1, contexts, &list))
		die("find", NULL);
	int answer = list.n ? (int)list.v[0].how : NONE;
	*text = 0;
	if (list.n)
		rp_busy_explain(unwinder, &list.v[0], text, size);
	threads.v[0]->regs = regs;
	rp_threads_resume(&threads);
	if (answer == RP_BUSY_FRAME && outermost &&
	    list.v[0].outermost.return_to != outermost)
		die("the outermost frame is another one", NULL);
	return answer;
}

static bool is_answer(const char *expected)
{
	struct timespec time = { 0, 20000000 };
	char text[1000];
	int calm = 0;

	for (int i = 0; i < TRIES; i++) {
		int answer = ask(text, sizeof(text));

		if (strcmp(answers[answer], expected) == 0)
			calm++;
		if (calm && answer != NONE)
			break;
		if (calm == CALM)
			break;
		nanosleep(&time, NULL);
	}
	printf("# %s\n", text);
	if (needed_text && !strstr(text, needed_text)) {
		printf("# does not say: %s\n", needed_text);
		return false;
	}
	return calm;
}

static bool option(const char *word)
{
	if (strcmp(word, "scan") == 0)
		contexts = RP_CONTEXTS_SCAN;
	else if (strcmp(word, "ignore") == 0)
		contexts = RP_CONTEXTS_IGNORE;
	else if (strcmp(word, "allowed") == 0)
		code.allowed = true;
	else if (strcmp(word, "at-entry") == 0)
		move_pc = 1;
	else if (strcmp(word, "behind-entry") == 0)
		move_pc = 2;
	else if (strncmp(word, "text=", 5) == 0)
		needed_text = word + 5;
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	int at = 1;

	alarm(180);
	while (at < argc && option(argv[at]))
		at++;
	if (argc - at < 2)
		return 64;
	start(argv + at + 1);
	attach();
	bool good = is_answer(argv[at]);
	if (!good)
		printf("# not: %s\n", argv[at]);
	rp_busy_free(&list);
	rp_unwinder_free(unwinder);
	rp_threads_release(&threads);
	rp_modules_free(&modules);
	rp_target_close(&target);
	return !good;
}
