// SPDX-License-Identifier: MIT
/*
 * A program walks its own stacks by table, and compares with backtrace(), which
 * reads .eh_frame: nested functions of all kinds, deep recursion, signals on a
 * stack of their own, at any instruction, and another thread.
 *
 *   walk DIRECTORY         of table files
 */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <repoint/unwind.h>

#include "subject.h"

#define FRAMES_MAX	11000

static struct rp_unwind_module modules[64];
static struct rp_unwind_space space = { sizeof(space), modules, 0, 64 };
static const struct rp_unwind_memory own = RP_UNWIND_MEMORY_OWN;

/* struct trace - addresses from the innermost frame; @end: of the last step. */
struct trace {
	uint64_t ip[FRAMES_MAX];
	size_t nr;
	int end;
};

static struct trace ours;
static void *theirs[FRAMES_MAX];
static int tests, failures;

/* The stack of the thread that asks, and all else in a way that cannot fault. */
static struct rp_unwind_process self;
static struct rp_unwind_memory safe = { sizeof(safe), 0, 0, NULL,
					rp_unwind_read_process, &self };

static void find_stack(void)
{
	pthread_attr_t attr;
	void *start;
	size_t size;

	if (pthread_getattr_np(pthread_self(), &attr) ||
	    pthread_attr_getstack(&attr, &start, &size))
		exit(99);
	pthread_attr_destroy(&attr);
	/* Not all of it is mapped yet. */
	safe.end = (uintptr_t)start + size;
	safe.start = (uintptr_t)&attr & ~4095ull;
	safe.bytes = (void *)(uintptr_t)safe.start;
	self.pid = getpid();
}

static void report(bool good, const char *name)
{
	tests++;
	failures += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", tests, name);
}

static void walk(struct rp_unwind_frame *frame, struct trace *trace,
		 const struct rp_unwind_memory *memory)
{
	self.size = 0;
	trace->nr = 0;
	trace->end = 1;
	while (trace->end == 1 && trace->nr < FRAMES_MAX) {
		trace->ip[trace->nr++] = frame->ip;
		trace->end = rp_unwind_step(&space, memory, frame);
	}
}

/* The first few failures are enough. */
static void show(const char *what, const struct trace *trace, int n)
{
	static int shown;

	if (shown++ > 3)
		return;
	fprintf(stderr, "# %s: ended with %d after %zu; %d by .eh_frame\n",
		what, trace->end, trace->nr, n);
	for (int i = 0; i < 24 && (i < n || (size_t)i < trace->nr); i++)
		fprintf(stderr, "# %18p %#18llx\n", i < n ? theirs[i] : NULL,
			(size_t)i < trace->nr ? (unsigned long long)
						trace->ip[i] : 0);
}

/* Are the last frames the same, all but @ours_skip and @skip? */
static bool same(const char *what, const struct trace *trace, size_t ours_skip,
		 int n, int skip)
{
	bool good = trace->end == 0 && n > skip && trace->nr > ours_skip &&
		    (size_t)(n - skip) == trace->nr - ours_skip;

	for (int i = 0; good && i < n - skip; i++)
		good = trace->ip[ours_skip + (size_t)i] ==
		       (uintptr_t)theirs[skip + i];
	if (!good)
		show(what, trace, n);
	return good;
}

/* ---- nested calls ---- */

static __attribute__((noinline)) void compare_here(void *good)
{
	struct rp_unwind_frame frame;
	int n = backtrace(theirs, FRAMES_MAX);

	rp_unwind_here(&frame);
	walk(&frame, &ours, &own);
	/* The first is this function: two calls, two addresses. */
	*(bool *)good = same("here", &ours, 1, n, 1);
}

static void nested(void)
{
	bool all = true, good;

	for (unsigned int depth = 0; depth < 100; depth++) {
		good = false;
		subject_mixed(depth, compare_here, &good);
		all &= good;
	}
	report(all, "functions of all kinds, nested up to 100 times");
}

static void deep(void)
{
	bool good = false;
	size_t first, nr = 0;

	subject_deep(10000, compare_here, &good);
	report(good, "10,000 calls deep: as backtrace()");
	for (first = 2; nr + first < ours.nr &&
	     ours.ip[first + nr] == ours.ip[2]; nr++)
		;
	report(nr == 9999, "10,000 calls deep: they are that many");
}

/* ---- a stack's bounds ---- */

static void bounded_leaf(void *data)
{
	struct rp_unwind_memory memory = { sizeof(memory), 0, 0, NULL, NULL,
					   NULL };
	struct rp_unwind_frame frame;

	rp_unwind_here(&frame);
	memory.start = frame.reg[RP_UNWIND_SP];
	memory.end = memory.start + 1024;
	memory.bytes = (void *)(uintptr_t)memory.start;
	walk(&frame, &ours, &memory);
	*(size_t *)data = ours.nr;
}

static void bounded(void)
{
	size_t nr = 0;

	subject_deep(100, bounded_leaf, &nr);
	report(ours.end == -EFAULT && nr > 5 && nr < 80,
	       "memory that is not given is not read");
}

static void by_system_call_leaf(void *good)
{
	struct rp_unwind_memory memory = { sizeof(memory), 0, 0, NULL,
					   rp_unwind_read_process, &self };
	struct rp_unwind_frame frame;
	int n = backtrace(theirs, FRAMES_MAX);

	rp_unwind_here(&frame);
	walk(&frame, &ours, &memory);
	*(bool *)good = same("by process_vm_readv", &ours, 1, n, 1);
	frame.reg[RP_UNWIND_SP] = 16;
	frame.ip = (uintptr_t)compare_here + 1;
	frame.valid = RP_UNWIND_ALL;
	frame.reg[RP_UNWIND_BP] = 16;
	*(bool *)good &= rp_unwind_step(&space, &memory, &frame) == -EFAULT;
}

static void by_system_call(void)
{
	bool good = false;

	subject_mixed(20, by_system_call_leaf, &good);
	report(good, "memory by process_vm_readv(), wild addresses too");
}

/* ---- signals ---- */

static volatile sig_atomic_t samples, wrong, from_context_wrong;
static struct trace context_trace;

/*
 * From here through the kernel's frame, and from what it interrupted: the one
 * ends like the other, and both like backtrace().
 */
static void on_signal(int sig, siginfo_t *info, void *ucontext)
{
	struct rp_unwind_frame frame;
	int n = backtrace(theirs, FRAMES_MAX);

	(void)sig;
	(void)info;
	rp_unwind_here(&frame);
	walk(&frame, &ours, &safe);
	wrong += !same("through a signal frame", &ours, 1, n, 1);
	rp_unwind_from_ucontext(&frame, ucontext);
	walk(&frame, &context_trace, &safe);
	from_context_wrong += !same("of ucontext", &context_trace, 0, n, 2);
	samples++;
}

static void install(int sig, void (*handler)(int, siginfo_t *, void *),
		    int flags)
{
	struct sigaction action = { .sa_sigaction = handler,
				    .sa_flags = SA_SIGINFO | SA_RESTART |
						flags };

	sigaction(sig, &action, NULL);
}

static void kill_self(void *data)
{
	(void)data;
	raise(SIGUSR1);
}

static void report_signals(const char *how, int at_least)
{
	char name[128];

	snprintf(name, sizeof(name), "%s: through the signal's frame", how);
	report(!wrong && samples >= at_least, name);
	snprintf(name, sizeof(name), "%s: from what it interrupted", how);
	report(!from_context_wrong && samples >= at_least, name);
	samples = wrong = from_context_wrong = 0;
}

static void signals(void)
{
	stack_t stack = { .ss_sp = malloc(1 << 18), .ss_size = 1 << 18 };

	install(SIGUSR1, on_signal, 0);
	for (unsigned int depth = 0; depth < 40; depth++)
		subject_mixed(depth, kill_self, NULL);
	report_signals("raise(), same stack", 40);

	sigaltstack(&stack, NULL);
	install(SIGUSR1, on_signal, SA_ONSTACK);
	for (unsigned int depth = 0; depth < 40; depth++)
		subject_mixed(depth, kill_self, NULL);
	report_signals("raise(), stack of its own", 40);
}

/* Whatever a function is doing: prologues, epilogues, in the PLT, in libc. */
static void profile(void)
{
	struct itimerval every = { { 0, 500 }, { 0, 500 } }, never = { 0 };
	time_t end = time(NULL) + 20;
	unsigned long x = 0;

	install(SIGPROF, on_signal, SA_ONSTACK);
	setitimer(ITIMER_PROF, &every, NULL);
	for (unsigned long i = 0; samples < 200; i++) {
		x += subject_work(i + x % 2);
		if (i % 1024 == 0 && time(NULL) > end)
			break;
	}
	setitimer(ITIMER_PROF, &never, NULL);
	report_signals("at any instruction", 20);
}

/*
 * With the trap flag set there is a signal after each instruction: all of
 * prologues and epilogues, of stubs of the PLT, and of what libc does.
 */
#define TRAP_FLAG	0x100

static void flip_trap_flag(int sig, siginfo_t *info, void *ucontext)
{
	(void)sig;
	(void)info;
	((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_EFL] ^= TRAP_FLAG;
}

static void work(void *data)
{
	*(unsigned long *)data = subject_work(*(unsigned long *)data);
}

static void each_instruction(void)
{
	unsigned long x = 7;

	install(SIGTRAP, on_signal, SA_ONSTACK);
	install(SIGUSR1, flip_trap_flag, SA_ONSTACK);
	raise(SIGUSR1);
	subject_mixed(20, work, &x);
	raise(SIGUSR1);
	report_signals("after each instruction", 5000);
}

/* ---- another thread ---- */

static struct {
	struct rp_unwind_frame frame;
	void *theirs[FRAMES_MAX];
	int nr;
	int state;
} other;

enum { STARTING, READY, DONE };

static void await(int state)
{
	while (__atomic_load_n(&other.state, __ATOMIC_ACQUIRE) != state)
		usleep(100);
}

static void on_stop(int sig, siginfo_t *info, void *ucontext)
{
	(void)sig;
	(void)info;
	rp_unwind_from_ucontext(&other.frame, ucontext);
	other.nr = backtrace(other.theirs, FRAMES_MAX);
	__atomic_store_n(&other.state, READY, __ATOMIC_RELEASE);
	await(DONE);
}

static void wait_for_stop(void *data)
{
	(void)data;
	raise(SIGUSR2);
}

static void *run_other(void *data)
{
	subject_mixed(50, wait_for_stop, NULL);
	return data;
}

static void thread(void)
{
	pthread_t id;

	install(SIGUSR2, on_stop, 0);
	if (pthread_create(&id, NULL, run_other, NULL))
		exit(99);
	await(READY);
	walk(&other.frame, &ours, &safe);
	memcpy(theirs, other.theirs, sizeof(theirs));
	report(same("other thread", &ours, 0, other.nr, 2),
	       "a thread that is stopped elsewhere");
	__atomic_store_n(&other.state, DONE, __ATOMIC_RELEASE);
	pthread_join(id, NULL);
}

/* ---- the space of this process ---- */

static void self_again(const char *directory)
{
	size_t nr = space.nr, missing = 99;
	struct rp_unwind_space small = { sizeof(small), modules + 60, 0, 1 };
	struct rp_unwind_space empty = { sizeof(empty), modules + 60, 0, 4 };

	report(rp_unwind_space_add_self(&space, directory, NULL) == 0 &&
	       space.nr == nr, "what is there already is not added again");
	report(rp_unwind_space_add_self(&small, directory, &missing) ==
	       -ENOSPC && small.nr == 0 && missing == 99,
	       "no room: nothing is added, or said");
	report(rp_unwind_space_add_self(&empty, "/nowhere/at/all", &missing) ==
	       0 && missing > nr - 1, "objects without table are counted");
	rp_unwind_space_close(&empty);
}

int main(int argc, char **argv)
{
	int added;

	if (argc != 2)
		return 64;
	backtrace(theirs, 1);	/* loads libgcc_s */
	find_stack();
	added = rp_unwind_space_add_self(&space, argv[1], NULL);
	report(added >= 2, "tables of this process");
	nested();
	deep();
	bounded();
	by_system_call();
	signals();
	profile();
	each_instruction();
	thread();
	self_again(argv[1]);
	rp_unwind_space_close(&space);
	printf("1..%d\n", tests);
	return failures != 0;
}
