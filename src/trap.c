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
#include <link.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "arch.h"
#include "inject.h"
#include "lock.h"
#include "log.h"
#include "threads.h"
#include "trap.h"

static const struct rp_text_poke_batch *active;
static unsigned int readers;
/* Counts publications: tells a handler that its look-up is out of date. */
static unsigned int epoch;

/*
 * Who had SIGTRAP before us. If somebody put theirs on top of ours, and we put
 * ours on top again, theirs may pass a trap on to us: then it is the turn of
 * the one before them.
 */
static struct sigaction previous, oldest;
static bool installed;

/*
 * struct passing - the trap that this thread is passing on.
 * @context:  of the trap, NULL if there is none
 * @frame:    of the call. A handler that this call runs has a lower one; if it
 *            has not, the called one was left by longjmp.
 * @defer:    the called handler expects SIGTRAP to be blocked meanwhile
 * @deferred: a SIGTRAP that was sent meanwhile
 */
struct passing {
	void *context;
	uintptr_t frame;
	bool defer;
	bool has_deferred;
	siginfo_t deferred;
};

static __thread __attribute__((tls_model("initial-exec")))
struct passing passing;

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

/* Signals that a thread raises itself cannot be blocked without dying. */
void rp__trap_mask(sigset_t *ret)
{
	static const int own[] = {
		SIGTRAP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS
	};

	sigfillset(ret);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		sigdelset(ret, own[i]);
}

/*
 * The mask that the handler may expect: that of the interrupted thread and its
 * own. Only SIGTRAP stays open, because the handler may run a site of ours.
 */
static void set_mask(const struct sigaction *to, const ucontext_t *context)
{
	sigset_t mask = context->uc_sigmask;

	for (int i = 1; i < NSIG; i++)
		if (sigismember(&to->sa_mask, i) == 1)
			sigaddset(&mask, i);
	sigdelset(&mask, SIGTRAP);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

static void call(const struct sigaction *to, int signal, siginfo_t *info,
		 void *context)
{
	struct passing outer = passing, here;
	sigset_t saved;

	passing.context = context;
	passing.frame = (uintptr_t)__builtin_frame_address(0);
	passing.defer = !(to->sa_flags & SA_NODEFER);
	passing.has_deferred = false;
	sigprocmask(SIG_SETMASK, NULL, &saved);
	set_mask(to, context);
	if (to->sa_flags & SA_SIGINFO)
		to->sa_sigaction(signal, info, context);
	else
		to->sa_handler(signal);
	sigprocmask(SIG_SETMASK, &saved, NULL);
	here = passing;
	passing = outer;
	/* Delivered at once: the called handler has returned. */
	if (here.has_deferred)
		syscall(SYS_rt_tgsigqueueinfo, getpid(),
			(int)syscall(SYS_gettid), SIGTRAP, &here.deferred);
}

static void pass_to(struct sigaction *to, int signal, siginfo_t *info,
		    void *context)
{
	struct sigaction copy = *to;

	if (!(copy.sa_flags & SA_SIGINFO)) {
		if (copy.sa_handler == SIG_DFL) {
			default_action();
			return;
		}
		if (copy.sa_handler == SIG_IGN) {
			/* A trap of the thread itself cannot be ignored. */
			if (info->si_code > 0)
				default_action();
			return;
		}
	}
	if (copy.sa_flags & SA_RESETHAND) {
		to->sa_handler = SIG_DFL;
		to->sa_flags = 0;
	}
	call(&copy, signal, info, context);
}

static void pass_on(int signal, siginfo_t *info, void *context)
{
	if (passing.frame <= (uintptr_t)__builtin_frame_address(0))
		passing = (struct passing){ .context = NULL };
	if (passing.context == context) {
		pass_to(&oldest, signal, info, context);
	} else if (!passing.context || !passing.defer) {
		pass_to(&previous, signal, info, context);
	} else if (info->si_code > 0) {
		/* The kernel kills a thread that traps with SIGTRAP blocked. */
		default_action();
	} else if (!passing.has_deferred) {
		passing.deferred = *info;
		passing.has_deferred = true;
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

static bool is_ours(const struct sigaction *action)
{
	return action->sa_flags & SA_SIGINFO &&
	       action->sa_sigaction == on_sigtrap;
}

static bool is_ignored(const struct sigaction *action)
{
	return !(action->sa_flags & SA_SIGINFO) &&
	       action->sa_handler == SIG_IGN;
}

/* Called for each batch: the program may have set its own handler since. */
static int install(struct rp_error *error)
{
	struct sigaction now, ours = { .sa_sigaction = on_sigtrap };

	sigaction(SIGTRAP, NULL, &now);
	if (is_ours(&now))
		return 0;
	if (is_ignored(&now))
		return rp__fail(error, -EBUSY, NULL,
				"SIGTRAP is ignored in this process: a thread that meets the breakpoint would be killed; set another action");
	if (!installed)
		oldest = now;
	installed = true;
	previous = now;
	/* A handler that runs a site of ours traps in it, too. */
	ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
	/* Of what was sent, not trapped, the program decides. */
	if (now.sa_flags & SA_RESTART || (!(now.sa_flags & SA_SIGINFO) &&
					  now.sa_handler == SIG_DFL))
		ours.sa_flags |= SA_RESTART;
	/* A handler of the program in the midst of ours might not return. */
	rp__trap_mask(&ours.sa_mask);
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

static bool is_function(const struct sigaction *action)
{
	return action->sa_flags & SA_SIGINFO ||
	       (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

/*
 * A signal that arrives in the window may take any thread into its handler: none
 * may run with SIGTRAP blocked. Those of libc itself (32, 33) cannot be asked
 * for, and run no sites.
 */
static int check_handlers(struct rp_error *error)
{
	struct sigaction action;

	for (int i = 1; i < NSIG; i++)
		if (i != SIGTRAP && sigaction(i, NULL, &action) == 0 &&
		    is_function(&action) &&
		    sigismember(&action.sa_mask, SIGTRAP) == 1)
			return rp__fail(error, -EBUSY, NULL,
					"the handler of signal %d blocks SIGTRAP: a thread in it would be killed by the breakpoint; take SIGTRAP out of its sa_mask, or align the site",
					i);
	return 0;
}

int rp__trap_prepare(struct rp_error *error)
{
	int result = install(error), tid;

	if (!result)
		result = check_handlers(error);
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

void rp__trap_after_fork(void)
{
	__atomic_store_n(&readers, 0, __ATOMIC_SEQ_CST);
}

extern ElfW(Dyn) _DYNAMIC[] __attribute__((weak, visibility("hidden")));

static int is_program(struct dl_phdr_info *info, size_t size, void *data)
{
	const ElfW(Phdr) *p = info->dlpi_phdr;

	(void)size;
	(void)data;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (p[i].p_type == PT_LOAD &&
		    (uintptr_t)on_sigtrap - info->dlpi_addr - p[i].p_vaddr <
		    p[i].p_memsz)
			return 1;
	/* The program is the first one. */
	return -1;
}

/* Destructors do not tell dlclose from exit. */
static bool is_unloadable(void)
{
	const ElfW(Dyn) *d = _DYNAMIC;

	if (!d || dl_iterate_phdr(is_program, NULL) == 1)
		return false;
	for (; d->d_tag != DT_NULL; d++)
		if (d->d_tag == DT_FLAGS_1 && d->d_un.d_val & DF_1_NODELETE)
			return false;
	return true;
}

/*
 * A copy of the library inside a shared object is unloaded with it. If our
 * handler is still the current one it is taken back; if somebody put theirs on
 * top, it may call us, and that object must not be unloaded (docs/limits.md).
 */
__attribute__((destructor(101))) static void trap_exit(void)
{
	struct sigaction now;

	/* At exit other threads go on updating, and meeting breakpoints. */
	if (!installed || !is_unloadable() || rp__lock() < 0)
		return;
	if (sigaction(SIGTRAP, NULL, &now) == 0 && is_ours(&now))
		sigaction(SIGTRAP, &previous, NULL);
	rp__unlock();
}
