/* SPDX-License-Identifier: MIT */
/*
 * Starts a program, stops it, walks its stacks, and compares.
 *
 *   driver known PROGRAM ARGS...    it says which return addresses there must be
 *   driver random N PROGRAM ARGS... it keeps them in memory; stopped N times
 *   driver tables PROGRAM ARGS...   .eh_frame as libdw reads it
 *   driver garbage N PROGRAM ARGS.. a stack of nonsense
 *
 * Exit status: 0: as expected; 1: not.
 */
#define _GNU_SOURCE
#include "driver.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FRAMES_MAX	200000
#define TRIES		3000

static struct process process;

static void die(const char *what, const struct rp_diag *diag)
{
	fprintf(stderr, "%s: %s\n", what, diag ? diag->text : strerror(errno));
	exit(1);
}

static void end_process(void)
{
	if (process.pid > 0) {
		kill(process.pid, SIGKILL);
		waitpid(process.pid, NULL, 0);
	}
}

static void start(char **argv)
{
	int out[2];

	if (pipe(out))
		die("pipe", NULL);
	pid_t parent = getpid();
	process.pid = fork();
	if (process.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		execvp(argv[0], argv);
		_exit(127);
	}
	atexit(end_process);
	close(out[1]);
	process.out = fdopen(out[0], "r");
}

static void attach(void)
{
	struct rp_diag diag = { 0 };

	if (rp_target_open(&process.target, process.pid, &diag))
		die("open", &diag);
	if (rp_modules_read(&process.modules, &process.target, &diag))
		die("modules", &diag);
	if (rp_threads_seize(&process.threads, &process.target, &diag))
		die("seize", &diag);
	if (rp_unwinder_create(&process.unwinder, &process.modules))
		die("unwinder", NULL);
}

static void detach(void)
{
	rp_unwinder_free(process.unwinder);
	rp_threads_release(&process.threads);
	rp_modules_free(&process.modules);
	rp_target_close(&process.target);
}

static void stop(void)
{
	struct rp_diag diag = { 0 };
	int rc = -EAGAIN;

	for (int i = 0; i < TRIES && rc == -EAGAIN; i++)
		rc = rp_threads_stop(&process.threads, &diag);
	if (rc)
		die("stop", &diag);
	rp_unwind_forget(process.unwinder);
}

static void pause_us(long us)
{
	struct timespec time = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&time, NULL);
}

static void warm(void)
{
	for (size_t i = 0; i < process.threads.n; i++)
		rp_unwinder_warm(process.unwinder,
				 &process.threads.v[i]->tid, 1);
}

/* Walks. */

/** struct walked - @v: return addresses from the innermost. */
struct walked {
	struct rp_frame v[FRAMES_MAX];
	size_t n;
	enum rp_walk end;
};

static struct walked walked;

static int keep(void *context, const struct rp_frame *frame)
{
	(void)context;
	if (walked.n < FRAMES_MAX)
		walked.v[walked.n++] = *frame;
	return 0;
}

static void walk(const struct user_regs_struct *regs)
{
	walked.n = 0;
	walked.end = rp_unwind(process.unwinder, regs, keep, NULL, NULL);
}

static void print_walk(void)
{
	for (size_t i = 0; i < walked.n && i < 60; i++) {
		const struct rp_frame *frame = &walked.v[i];
		char name[200];

		rp_unwind_name(process.unwinder, frame->pc, frame->exact, name,
			       sizeof(name));
		printf("# %2zu %#" PRIx64 " sp %#" PRIx64 " cfa %#" PRIx64
		       " by %d %s\n", i, frame->pc, frame->sp, frame->cfa,
		       (int)frame->by, name);
	}
	printf("# end %d\n", (int)walked.end);
}

/* What the program says: addresses, from the outermost. */

static uint64_t *expected;
static size_t nexpected;
static bool gaps;	/* other frames lie between them */

static void read_expected(void)
{
	char *line = NULL;
	size_t room = 0;

	if (getline(&line, &room, process.out) < 0)
		die("the program says nothing", NULL);
	expected = calloc(strlen(line), sizeof(*expected));
	gaps = line[0] == '+';
	char *at = line + gaps;
	for (;;) {
		char *end;
		uint64_t v = strtoull(at, &end, 16);
		if (end == at)
			break;
		expected[nexpected++] = v;
		at = end;
	}
	free(line);
}

/* All of the expected addresses in their order; nothing between them unless there
 * are gaps. */
static bool is_expected(void)
{
	size_t found = 0;

	for (size_t i = walked.n; i-- > 0 && found < nexpected;) {
		if (walked.v[i].return_to == expected[found])
			found++;
		else if (found && !gaps)
			return false;
	}
	return found == nexpected;
}

/* Of one of the threads. The program may not yet be where it is going to wait. */
static bool any_thread_is_expected(void)
{
	for (size_t i = 0; i < process.threads.n; i++) {
		const struct rp_thread *thread = process.threads.v[i];

		if (thread->state != RP_THREAD_STOPPED)
			continue;
		walk(&thread->regs);
		if (is_expected() && walked.end == RP_WALK_END)
			return true;
	}
	return false;
}

static int known(char **argv)
{
	bool good = false;

	start(argv);
	read_expected();
	attach();
	for (int i = 0; i < TRIES && !good; i++) {
		warm();
		stop();
		good = any_thread_is_expected();
		if (!good && i == TRIES - 1)
			print_walk();
		rp_threads_resume(&process.threads);
		if (!good)
			pause_us(10000);
	}
	if (!good) {
		printf("# expected from the outermost:");
		for (size_t i = 0; i < nexpected && i < 60; i++)
			printf(" %#" PRIx64, expected[i]);
		printf("\n");
	}
	detach();
	return !good;
}

/* Random instants. */

/** struct shadow - where the program keeps its return addresses. @start, @end:
 *  of the functions that do. */
struct shadow {
	uint64_t depth, array;
	uint64_t start, end;
	uint64_t v[4096];
	uint64_t n;
};

static struct shadow shadow;

static void read_shadow(void)
{
	const struct rp_target *target = &process.target;

	if (rp_target_read(target, shadow.depth, &shadow.n, 8) ||
	    shadow.n > 4096 ||
	    rp_target_read(target, shadow.array, shadow.v, 8 * shadow.n))
		die("shadow stack", NULL);
}

static size_t signals_walked(void)
{
	size_t n = 0;

	for (size_t i = 0; i < walked.n; i++)
		n += walked.v[i].by == RP_FRAME_SIGNAL;
	return n;
}

/*
 * The functions in the section have the shadow's return addresses, in their order.
 * One that is in its prologue or epilogue is not in the shadow; another one below
 * each signal handler.
 */
static bool is_shadow(void)
{
	size_t found = 0, others = 0;

	for (size_t i = walked.n; i-- > 0;) {
		const struct rp_frame *frame = &walked.v[i];

		if (frame->pc < shadow.start || frame->pc >= shadow.end)
			continue;
		if (found < shadow.n && frame->return_to == shadow.v[found])
			found++;
		else
			others++;
	}
	return found == shadow.n && others <= 1 + signals_walked();
}

static int random_instants(unsigned int n, char **argv)
{
	unsigned int wrong = 0, lost = 0, handlers = 0;

	start(argv);
	if (fscanf(process.out, "shadow %" SCNx64 " %" SCNx64 " %" SCNx64
		   " %" SCNx64, &shadow.depth, &shadow.array, &shadow.start,
		   &shadow.end) != 4)
		die("the program says nothing", NULL);
	attach();
	srandom(12345);
	for (unsigned int i = 0; i < n; i++) {
		pause_us(random() % 1000);
		stop();
		read_shadow();
		walk(&process.threads.v[0]->regs);
		handlers += signals_walked() > 0;
		lost += walked.end != RP_WALK_END;
		if ((walked.end != RP_WALK_END || !is_shadow()) &&
		    wrong + lost < 4) {
			print_walk();
			for (uint64_t k = 0; k < shadow.n; k++)
				printf("# shadow %#" PRIx64 "\n", shadow.v[k]);
		}
		wrong += walked.end == RP_WALK_END && !is_shadow();
		rp_threads_resume(&process.threads);
	}
	printf("# %u walks, %u in signal handlers, %u lost, %u wrong\n", n,
	       handlers, lost, wrong);
	detach();
	/* Where it is lost it says so, and other means follow: that is sound, but
	 * should be rare. */
	return wrong || lost > n / 50;
}

/* Nonsense. */

#define NONSENSE	65536u

static uint64_t nonsense_word(const uint64_t *code, size_t ncode, uint64_t stack)
{
	switch (random() % 5) {
	case 0:
		return (uint64_t)random() << 32 ^ (uint64_t)random();
	case 1:
		return stack + (uint64_t)random() % NONSENSE;
	case 2:
		return (uint64_t)random() % 64;
	default:
		return code[(size_t)random() % ncode] +
		       (uint64_t)random() % 65536;
	}
}

static size_t code_starts(uint64_t *ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < process.modules.n; i++) {
		const struct rp_module *module = &process.modules.v[i];

		for (size_t k = 0; k < module->nphdrs && n < max; k++) {
			if (module->phdrs[k].p_type == PT_LOAD &&
			    (module->phdrs[k].p_flags & PF_X))
				ret[n++] = module->bias +
					   module->phdrs[k].p_vaddr;
		}
	}
	return n;
}

/* The registers too: all of them are input. */
static void nonsense_regs(struct user_regs_struct *regs, const uint64_t *code,
			  size_t ncode, uint64_t stack)
{
	unsigned long long *v = (unsigned long long *)regs;

	for (size_t i = 0; i < sizeof(*regs) / 8; i++)
		v[i] = nonsense_word(code, ncode, stack);
	regs->rsp = stack + (uint64_t)random() % NONSENSE;
	regs->rip = code[(size_t)random() % ncode] + (uint64_t)random() % 65536;
}

static int garbage(unsigned int n, char **argv)
{
	static uint64_t words[NONSENSE / 8];
	uint64_t code[64], stack, ends[3] = { 0 };

	start(argv);
	if (fscanf(process.out, "room %" SCNx64, &stack) != 1)
		die("the program says nothing", NULL);
	attach();
	size_t ncode = code_starts(code, 64);
	srandom(54321);
	stop();
	for (unsigned int i = 0; i < n; i++) {
		struct user_regs_struct regs;

		for (size_t k = 0; k < NONSENSE / 8 && i % 16 == 0; k++)
			words[k] = nonsense_word(code, ncode, stack);
		if (i % 16 == 0 && rp_target_write(&process.target, stack, words,
						   sizeof(words)))
			die("write", NULL);
		if (i % 16 == 0)
			rp_unwind_forget(process.unwinder);
		nonsense_regs(&regs, code, ncode, stack);
		walk(&regs);
		ends[walked.end]++;
	}
	printf("# %" PRIu64 " at an end, %" PRIu64 " lost\n",
	       ends[RP_WALK_END], ends[RP_WALK_LOST]);
	detach();
	return ends[RP_WALK_STOPPED] != 0 || ends[RP_WALK_LOST] == 0;
}

static int tables(char **argv)
{
	char line[64];

	start(argv);
	if (!fgets(line, sizeof(line), process.out))
		die("the program says nothing", NULL);
	attach();
	stop();
	int differ = compare_tables(&process);
	detach();
	return differ != 0;
}

int main(int argc, char **argv)
{
	alarm(280);
	if (argc > 2 && strcmp(argv[1], "known") == 0)
		return known(argv + 2);
	if (argc > 2 && strcmp(argv[1], "tables") == 0)
		return tables(argv + 2);
	if (argc > 3 && strcmp(argv[1], "random") == 0)
		return random_instants((unsigned int)atoi(argv[2]), argv + 3);
	if (argc > 3 && strcmp(argv[1], "garbage") == 0)
		return garbage((unsigned int)atoi(argv[2]), argv + 3);
	fprintf(stderr, "usage: %s known|random N|tables|garbage N PROGRAM...\n",
		argv[0]);
	return 64;
}
