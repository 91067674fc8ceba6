/* SPDX-License-Identifier: MIT */
/*
 * What a thread does that meets a breakpoint on the site, and what one leaves
 * behind that is killed by a torn instruction.
 */
#define _GNU_SOURCE
#include "trap.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "cell.h"

static const struct litmus_site *the_site;
static struct litmus_shared *the_shared;
static enum litmus_state the_state;
static __thread struct litmus_executor *the_executor;

/*
 * Ends the process, for a thread on the wrong path cannot go on. Only a crash
 * of an executor is the hardware's; one of the writer would be our own bug.
 */
static void crash(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	uintptr_t ip = (uintptr_t)uc->uc_mcontext.gregs[REG_RIP];

	(void)info;
	the_shared->signal = signo;
	the_shared->address = ip;
	the_shared->distance = (int64_t)(ip - (uintptr_t)the_site->text);
	if (the_executor) {
		the_shared->end = LITMUS_END_CRASH;
	} else {
		strcpy(the_shared->message, "the writer crashed");
		the_shared->error = -EFAULT;
		the_shared->end = LITMUS_END_ERROR;
	}
	_exit(0);
}

/*
 * No return address is pushed here: the thread does what the instruction does
 * in a stub out of line, which also suits a shadow stack.
 */
static void trap(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *rip = &uc->uc_mcontext.gregs[REG_RIP];
	// Pairs with the release in litmus_trap_expect().
	enum litmus_state state = __atomic_load_n(&the_state, __ATOMIC_ACQUIRE);

	if ((uintptr_t)*rip != (uintptr_t)the_site->text + 1 || !the_executor) {
		crash(signo, info, context);
		return;
	}
	*rip = (greg_t)(uintptr_t)the_site->stub[state];
	the_executor->traps++;
}

static int handle(int signo, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = {
		.sa_sigaction = handler,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};

	sigemptyset(&action.sa_mask);
	if (sigaction(signo, &action, NULL) < 0)
		return -errno;
	return 0;
}

int litmus_crash_init(const struct litmus_site *site,
		      struct litmus_shared *shared)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	int err = 0;

	the_site = site;
	the_shared = shared;
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]) && !err; i++)
		err = handle(fatal[i], crash);
	return err;
}

int litmus_trap_init(const struct litmus_site *site)
{
	the_site = site;
	return handle(SIGTRAP, trap);
}

void litmus_trap_expect(enum litmus_state state)
{
	__atomic_store_n(&the_state, state, __ATOMIC_RELEASE);
}

void litmus_trap_thread(struct litmus_executor *executor)
{
	the_executor = executor;
}
