// SPDX-License-Identifier: MIT
/*
 * The SIGTRAP handler behind the BREAKPOINT protocol.
 *
 * A thread that executes an int3 of ours is sent here by the kernel, at any
 * later time: it may be preempted between the trap and the handler until the
 * batch, and the next one, are done. The handler never waits and never writes
 * text. It decides among four cases:
 *
 *   the site is in the open batch      do what the new instruction does
 *   not, and the byte is no int3 now   the site is complete: run it again
 *   not, and a batch came in between   look again
 *   else                               not ours: the previous handler's
 *
 * The committer publishes a batch before its first int3 and retires it after
 * its last one. `readers` keeps a batch in place while a handler looks at it:
 * the increment there and the clearing of `active` here are both sequentially
 * consistent, so either the handler sees NULL or the committer sees the reader.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "arch.h"
#include "inject.h"
#include "log.h"
#include "threads.h"
#include "trap.h"

static const struct rp_text_poke_batch *active;
static unsigned int readers;
/* Counts publications: tells a handler that its look-up is out of date. */
static unsigned int epoch;

static struct sigaction previous;

/* The context being passed on, to notice a handler that passes it back. */
static __thread __attribute__((tls_model("initial-exec"))) void *passing;

/* 1: emulated, 0: not in the batch. */
static int look_up(uintptr_t addr, void *context)
{
	const struct rp_text_poke_batch *batch;
	const struct rp__poke *poke = NULL;
	uintptr_t stub = 0;
	int done = 0;

	__atomic_fetch_add(&readers, 1, __ATOMIC_SEQ_CST);
	batch = __atomic_load_n(&active, __ATOMIC_SEQ_CST);
	if (batch)
		poke = rp__batch_find(batch, addr);
	if (poke && poke->protocol == RP_PROTOCOL_BREAKPOINT) {
		RP__INJECT(RP__INJECT_TRAP_FOUND);
		if (batch->stubs)
			stub = (uintptr_t)&batch->stubs[poke -
							rp__batch_pokes(batch)];
		done = rp__arch_emulate(context, rp__poke_insn(batch, poke),
					poke->len, addr, stub);
	}
	__atomic_fetch_sub(&readers, 1, __ATOMIC_SEQ_CST);
	return done;
}

/* True if the trap was ours and the thread may go on. */
static bool handle(uintptr_t addr, void *context)
{
	unsigned int before;

	RP__INJECT(RP__INJECT_TRAP_ENTER);
	do {
		before = __atomic_load_n(&epoch, __ATOMIC_SEQ_CST);
		if (look_up(addr, context)) {
			rp__count(&rp__stats.traps);
			return true;
		}
		RP__INJECT(RP__INJECT_TRAP_MISSED);
		if (!rp__arch_trap_is_foreign(addr)) {
			rp__arch_trap_retry(context, addr);
			rp__count(&rp__stats.retries);
			return true;
		}
		/* Either somebody else's, or of a batch newer than `before`. */
	} while (__atomic_load_n(&epoch, __ATOMIC_SEQ_CST) != before);
	return false;
}

/* What the kernel would have done if we were not there. */
static void default_action(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t trap;

	sigaction(SIGTRAP, &dfl, NULL);
	/* Delivered, with the thread as it was, when the handler returns. */
	sigemptyset(&trap);
	sigaddset(&trap, SIGTRAP);
	sigprocmask(SIG_BLOCK, &trap, NULL);
	syscall(SYS_tgkill, getpid(), (int)syscall(SYS_gettid), SIGTRAP);
}

static void call_previous(int signal, siginfo_t *info, void *context)
{
	struct sigaction to = previous;
	sigset_t saved;

	if (to.sa_flags & SA_RESETHAND) {
		previous.sa_handler = SIG_DFL;
		previous.sa_flags = 0;
	}
	if (!(to.sa_flags & SA_NODEFER))
		sigaddset(&to.sa_mask, signal);
	sigprocmask(SIG_BLOCK, &to.sa_mask, &saved);
	if (to.sa_flags & SA_SIGINFO)
		to.sa_sigaction(signal, info, context);
	else
		to.sa_handler(signal);
	sigprocmask(SIG_SETMASK, &saved, NULL);
}

static void pass_on(int signal, siginfo_t *info, void *context)
{
	void *outer = passing;

	if (outer == context || previous.sa_handler == SIG_DFL) {
		default_action();
	} else if (previous.sa_handler != SIG_IGN) {
		passing = context;
		call_previous(signal, info, context);
		passing = outer;
	} else if (info->si_code > 0) {
		/* A trap of the thread itself cannot be ignored. */
		default_action();
	}
}

static void on_sigtrap(int signal, siginfo_t *info, void *context)
{
	uintptr_t addr = rp__arch_trap_address(info, context);
	int saved = errno;

	if (!addr || !handle(addr, context))
		pass_on(signal, info, context);
	errno = saved;
}

/* Called for each batch: the program may have set its own handler since. */
static int install(struct rp_error *error)
{
	struct sigaction now, ours = {
		.sa_sigaction = on_sigtrap,
		/* A handler that runs a site of ours traps in it, too. */
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART,
	};

	sigaction(SIGTRAP, NULL, &now);
	if (now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_sigtrap)
		return 0;
	if (!(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_IGN)
		return rp__fail(error, -EBUSY, NULL,
				"SIGTRAP is ignored in this process: a thread that meets the breakpoint would be killed; set another action");
	previous = now;
	sigaction(SIGTRAP, &ours, NULL);
	return 0;
}

static void nap(long microseconds)
{
	struct timespec t = { 0, microseconds * 1000 };

	nanosleep(&t, NULL);
}

/* libc blocks everything for a moment when it makes threads and processes. */
static int find_blocking(void)
{
	enum { TRIES = 10 };
	int tid = 0;

	for (int i = 0; i < TRIES; i++) {
		tid = rp__threads_blocking(SIGTRAP);
		if (tid <= 0)
			break;
		nap(1000);
	}
	return tid;
}

int rp__trap_prepare(struct rp_error *error)
{
	int result = install(error), tid;

	if (result < 0)
		return result;
	tid = find_blocking();
	if (tid < 0)
		return rp__fail(error, -ENOTSUP, NULL,
				"the signal masks of the threads cannot be read; is /proc mounted?");
	if (tid > 0) {
		result = rp__fail(error, -EBUSY, NULL,
				  "thread %d blocks SIGTRAP: it would be killed by the breakpoint; unblock SIGTRAP in it, or align the site",
				  tid);
		if (error)
			error->tid = tid;
		return result;
	}
	RP__INJECT(RP__INJECT_SIGNALS_CHECKED);
	return 0;
}

void rp__trap_publish(const struct rp_text_poke_batch *batch)
{
	__atomic_store_n(&active, batch, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&epoch, 1, __ATOMIC_SEQ_CST);
}

void rp__trap_retire(void)
{
	__atomic_store_n(&active, NULL, __ATOMIC_SEQ_CST);
	/* Pairs with the increment in look_up(). */
	for (int i = 0; __atomic_load_n(&readers, __ATOMIC_SEQ_CST); i++) {
		if (i < 100)
			sched_yield();
		else
			nap(50);
	}
}

const struct rp_text_poke_batch *rp__trap_after_fork(void)
{
	__atomic_store_n(&readers, 0, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&active, __ATOMIC_SEQ_CST);
}

/*
 * A copy of the library inside a shared object is unloaded with it. If our
 * handler is still the current one it is taken back; if somebody put theirs on
 * top, it may call us, and that object must not be unloaded (docs/limits.md).
 */
__attribute__((destructor(101))) static void trap_exit(void)
{
	struct sigaction now;

	if (sigaction(SIGTRAP, NULL, &now) == 0 &&
	    now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_sigtrap)
		sigaction(SIGTRAP, &previous, NULL);
}
