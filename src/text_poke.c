// SPDX-License-Identifier: MIT
/*
 * The only code that writes to text.
 *
 * A commit goes through these steps, in this order; nothing is written before
 * step 6, and whatever fails before leaves everything as it was:
 *
 *   1. sort the sites, refuse overlaps
 *   2. find the page runs and their protection        (inspect.c, window.c)
 *   3. compare the bytes in place with what is expected; drop the sites that
 *      are as wanted already
 *   4. choose a protocol for each site
 *   5. BREAKPOINT: look at the threads' signal masks, install the handler
 *      (trap.c); block signals; open the windows
 *   6. write:        BREAKPOINT                  ATOMIC, STOPPED
 *        a. int3 over the first bytes, sync
 *        b. the bytes after the first, sync
 *        c. the first bytes                      the bytes that differ
 *        d. sync
 *      If anything fails here, the same steps put the old bytes back.
 *   7. close the windows, retire the batch, unblock signals
 *
 * So a batch costs one sync if all sites are ATOMIC and three if any needs a
 * breakpoint, and each run of pages is touched once.
 *
 * Two backends write. mprotect makes the pages writable and stores to them.
 * /proc/self/mem needs no window, and works where W+X mappings are refused
 * (PR_SET_MDWE, mseal, SELinux execmod), but its copy is not one store.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "arch.h"
#include "inject.h"
#include "inspect.h"
#include "lock.h"
#include "log.h"
#include "maps.h"
#include "poke.h"
#include "sync.h"
#include "threads.h"
#include "trap.h"
#include "window.h"

struct rp_text_poke_stats rp__stats;

#ifdef RP_INJECT
void (*rp__inject_hook)(enum rp__inject_point point);
int (*rp__fail_hook)(enum rp__fail_point point);
int rp__inject_call_stubs;
#endif

/* struct engine - all of it is read and written under the text lock. */
static struct {
	uint64_t generation;
	enum rp_backend backend;	/* used last */
	enum rp_backend wanted;		/* RP_BACKEND */
	unsigned int block;		/* 0: not configured yet */
	const char *cpu;
	int mem_fd;			/* open during a commit only */
	int cancel_state;		/* of the thread that holds the lock */
	bool waited;			/* see sync_later(); said after */
	/* The batch that is being written, for a child of a fork. */
	const struct rp_text_poke_batch *writing;
} engine = { .mem_fd = -1 };

/* ---- configuration ---- */

static enum rp_backend env_backend(void)
{
	const char *name = rp__getenv("RP_BACKEND");

	if (name && !strcmp(name, "mprotect"))
		return RP_BACKEND_MPROTECT;
	if (name && !strcmp(name, "procmem"))
		return RP_BACKEND_PROC_MEM;
	if (name && *name)
		rp__log(RP_LOG_WARN, "text_poke",
			"RP_BACKEND=%s is neither mprotect nor procmem: ignored",
			name);
	return RP_BACKEND_AUTO;
}

static void configure(void)
{
	struct rp__cpu_policy policy = rp__arch_cpu_policy();
	const char *block = rp__getenv("RP_ATOMIC_BLOCK");

	engine.wanted = env_backend();
	engine.cpu = policy.source;
	engine.block = policy.block;
	if (block && !strcmp(block, "8")) {
		engine.block = 8;
		engine.cpu = "RP_ATOMIC_BLOCK=8 in the environment";
	} else if (block && *block && strcmp(block, "16")) {
		rp__log(RP_LOG_WARN, "text_poke",
			"RP_ATOMIC_BLOCK=%s is neither 8 nor 16: ignored",
			block);
	}
	rp__log(RP_LOG_INFO, "text_poke",
		"one store may change %u aligned bytes (%s)", engine.block,
		engine.cpu);
}

unsigned int rp__engine_block(void)
{
	if (!engine.block)
		configure();
	return engine.block;
}

/* ---- writing ---- */

/* Bytes of @word at byte @at of the text, by stores that may tear. */
static void store_bytes(uint8_t *addr, uint64_t word, unsigned int first,
			unsigned int end)
{
	if (first && end == 5) {
		rp__arch_store(addr + 1, word >> 8, 4);
		return;
	}
	for (unsigned int i = first; i < end; i++)
		rp__arch_store(addr + i, word >> 8 * i, 1);
}

/*
 * One store that changes the bytes that differ. It may be wider than they are,
 * with what is there already around them; it stays in their block.
 */
static void store_atomic(const struct rp_text_poke_batch *batch,
			 const struct rp__poke *poke, const uint8_t *bytes)
{
	uintptr_t start = (uintptr_t)poke->addr + poke->first;
	uintptr_t block_end = (start | (batch->block - 1)) + 1;
	unsigned int span = poke->end - poke->first, width = 1;
	uint64_t keep, value;

	value = rp__load(bytes + poke->first, span);
	/* The displacement of a five-byte branch, most often. */
	if (poke->first == 1 && span == 4) {
		rp__arch_store((void *)start, value, 4);
		return;
	}
	while (width < span)
		width *= 2;
	keep = span < 8 ? ~0ull << 8 * span : 0;
	if (start + width > block_end) {
		unsigned int shift = 8 * (unsigned int)(start + width -
							block_end);

		start = block_end - width;
		value <<= shift;
		keep = keep << shift | ((1ull << shift) - 1);
	}
	value |= rp__load((const uint8_t *)start, width) & keep;
	rp__arch_store((void *)start, value, width);
}

static int mem_write(uint8_t *addr, const uint8_t *bytes, size_t len)
{
	int error = RP__FAIL(RP__FAIL_MEM_WRITE);

	if (error < 0)
		return -EPERM;
	rp__count(&rp__stats.mem_writes);
	return pwrite(engine.mem_fd, bytes, len, (off_t)(uintptr_t)addr) ==
	       (ssize_t)len ? 0 : -EPERM;
}

static int write_bytes(const struct rp_text_poke_batch *batch, uint8_t *addr,
		       const uint8_t *bytes, size_t len)
{
	if (!len)
		return 0;
	if (batch->backend == RP_BACKEND_PROC_MEM)
		return mem_write(addr, bytes, len);
	if (len == 1)
		rp__arch_store(addr, *bytes, 1);
	else
		rp__arch_copy(addr, bytes, len);
	return 0;
}

/* Steps 6a to 6c for one site; @bytes is what shall be there in the end. */
enum step { STEP_INT3, STEP_TAIL, STEP_FIRST };

static int write_step(const struct rp_text_poke_batch *batch,
		      const struct rp__poke *poke, const uint8_t *bytes,
		      enum step step)
{
	static const uint8_t int3 = RP__INT3;

	if (poke->protocol == RP_PROTOCOL_BREAKPOINT) {
		if (step == STEP_INT3)
			return write_bytes(batch, poke->addr, &int3, 1);
		if (step == STEP_TAIL)
			return write_bytes(batch, poke->addr + 1, bytes + 1,
					   poke->len - 1u);
		return write_bytes(batch, poke->addr, bytes, 1);
	}
	if (step != STEP_FIRST)
		return 0;
	if (poke->protocol == RP_PROTOCOL_ATOMIC) {
		store_atomic(batch, poke, bytes);
		return 0;
	}
	if (batch->backend == RP_BACKEND_MPROTECT &&
	    poke->len <= RP__POKE_INLINE) {
		store_bytes(poke->addr, rp__load(bytes, poke->len),
			    poke->first, poke->end);
		return 0;
	}
	return write_bytes(batch, poke->addr + poke->first, bytes + poke->first,
			   (size_t)(poke->end - poke->first));
}

static int write_all(const struct rp_text_poke_batch *batch, bool forward,
		     enum step step)
{
	const struct rp__poke *poke = rp__batch_pokes(batch);
	size_t nr = rp__batch_nr(batch);

	for (size_t i = 0; i < nr; i++) {
		const uint8_t *bytes = forward ? rp__poke_insn(batch, &poke[i])
					       : rp__poke_old(batch, &poke[i]);
		int error;

		if (i + RP__PREFETCH < nr)
			__builtin_prefetch(poke[i + RP__PREFETCH].addr, 1);
		error = write_step(batch, &poke[i], bytes, step);

		if (error < 0 && forward)
			return rp__fail(batch->opts.error, error, poke[i].addr,
					"%p: the kernel refuses to write text through /proc/self/mem (see proc_mem.force_override)",
					(void *)poke[i].addr);
	}
	return 0;
}

static int sync_threads(const struct rp_text_poke_batch *batch)
{
	if (batch->single)
		return 0;
	rp__count(&rp__stats.syncs);
	if (rp__sync() < 0)
		return rp__fail(batch->opts.error, -EPERM, NULL,
				"other threads cannot be synchronised: membarrier and sched_setaffinity are refused");
	return 0;
}

/*
 * The way to synchronise was there a moment ago and is gone: a filter was
 * installed meanwhile. Going back needs it as much as going on. Every
 * processor takes an interrupt within a few ticks, and returns by IRET, which
 * serialises: wait for many of them.
 */
static void sync_later(const struct rp_text_poke_batch *batch)
{
	struct timespec t = { 0, 50 * 1000 * 1000 };

	if (batch->single)
		return;
	rp__count(&rp__stats.syncs);
	if (rp__sync() == 0)
		return;
	nanosleep(&t, NULL);
	engine.waited = true;
}

static int write_breakpoints(const struct rp_text_poke_batch *batch)
{
	int error;

	if (!batch->count[RP_PROTOCOL_BREAKPOINT])
		return 0;
	error = write_all(batch, true, STEP_INT3);
	RP__INJECT(RP__INJECT_INT3_WRITTEN);
	if (!error)
		error = sync_threads(batch);
	if (error < 0)
		return error;
	RP__INJECT(RP__INJECT_INT3_SYNCED);
	error = write_all(batch, true, STEP_TAIL);
	if (error < 0)
		return error;
	RP__INJECT(RP__INJECT_TAIL_WRITTEN);
	sync_later(batch);
	RP__INJECT(RP__INJECT_TAIL_SYNCED);
	return 0;
}

static int write_once(const struct rp_text_poke_batch *batch)
{
	int error = write_breakpoints(batch);

	if (!error)
		error = write_all(batch, true, STEP_FIRST);
	if (error < 0)
		return error;
	RP__INJECT(RP__INJECT_FIRST_WRITTEN);
	if (batch->count[RP_PROTOCOL_BREAKPOINT])
		sync_later(batch);
	else
		error = sync_threads(batch);
	RP__INJECT(RP__INJECT_FIRST_SYNCED);
	return error;
}

/*
 * The old bytes come back by the same steps, from whatever state: nothing
 * stops half-way here.
 */
static void write_back(struct rp_text_poke_batch *batch)
{
	struct rp_error *error = batch->opts.error;

	batch->opts.error = NULL;
	if (batch->count[RP_PROTOCOL_BREAKPOINT]) {
		write_all(batch, false, STEP_INT3);
		sync_later(batch);
		write_all(batch, false, STEP_TAIL);
		sync_later(batch);
	}
	write_all(batch, false, STEP_FIRST);
	sync_later(batch);
	batch->opts.error = error;
}

/* ---- one commit by one backend ---- */

/*
 * For one commit only: a descriptor that is kept would be the parent's after a
 * fork, and somebody else's in a daemon that closes all.
 */
static int mem_open(struct rp_error *error)
{
	if (engine.mem_fd < 0)
		engine.mem_fd = open("/proc/thread-self/mem",
				     O_RDWR | O_CLOEXEC);
	return engine.mem_fd >= 0 ? 0 :
		rp__fail(error, -EPERM, NULL,
			 "/proc/self/mem cannot be opened for writing (%s)",
			 strerror(errno));
}

static void mem_close(void)
{
	if (engine.mem_fd >= 0)
		close(engine.mem_fd);
	engine.mem_fd = -1;
}

static int make_stubs(struct rp_text_poke_batch *batch)
{
	const struct rp__poke *poke = rp__batch_pokes(batch);
	size_t nr = rp__batch_nr(batch), size = nr * sizeof(*batch->stubs);
	struct rp__insn insn;

	batch->stubs = NULL;
	if (!rp__arch_shadow_stack())
		return 0;
	batch->stubs = rp__map(size);
	if (!batch->stubs)
		return rp__fail(batch->opts.error, -ENOMEM, NULL,
				"no memory for call stubs");
	for (size_t i = 0; i < nr; i++) {
		uintptr_t addr = (uintptr_t)poke[i].addr;

		if (poke[i].protocol != RP_PROTOCOL_BREAKPOINT ||
		    rp__insn_decode(rp__poke_insn(batch, &poke[i]), poke[i].len,
				    addr, &insn) < 0)
			continue;
		if (insn.type == RP__INSN_CALL_MEM)
			insn.target = *(uintptr_t *)insn.target;
		rp__arch_call_stub(&batch->stubs[i], insn.target,
				   addr + insn.len);
	}
	if (mprotect(batch->stubs, size, PROT_READ | PROT_EXEC) == 0)
		return 0;
	rp__unmap(batch->stubs, size);
	batch->stubs = NULL;
	return rp__fail(batch->opts.error, -EPERM, NULL,
			"call stubs for the shadow stack cannot be made executable");
}

/* All that can be refused before signals are blocked. */
static int prepare(struct rp_text_poke_batch *batch)
{
	int error = batch->backend == batch->chosen_for ? 0 : rp__choose_all(batch);

	/* It may log, and a callback may fork: before anything is opened. */
	if (!error && !batch->single && rp__sync_init() < 0)
		error = rp__fail(batch->opts.error, -EPERM, NULL,
				 "other threads cannot be synchronised: membarrier and sched_setaffinity are refused");
	if (!error && batch->backend == RP_BACKEND_PROC_MEM)
		error = mem_open(batch->opts.error);
	if (!error && batch->count[RP_PROTOCOL_BREAKPOINT]) {
		error = rp__trap_prepare(batch->opts.error);
		if (!error)
			error = make_stubs(batch);
	}
	return error;
}

/* Signals that a thread raises itself cannot be blocked without dying. */
static void block_signals(sigset_t *saved)
{
	sigset_t set;

	rp__trap_mask(&set);
	pthread_sigmask(SIG_BLOCK, &set, saved);
}

/* The protection is back, or the old bytes are; see @stuck. */
static int close_or_undo(struct rp_text_poke_batch *batch)
{
	int error = rp__windows_close(batch);

	if (!error || rp__windows_close(batch) == 0)
		return 0;
	batch->stuck = true;
	if (rp__windows_open(batch) == 0)
		write_back(batch);
	rp__windows_close(batch);
	return error;
}

static int write_in_window(struct rp_text_poke_batch *batch)
{
	bool window = batch->backend == RP_BACKEND_MPROTECT;
	int error = window ? rp__windows_open(batch) : 0;

	if (error < 0)
		return error;
	RP__INJECT(RP__INJECT_WINDOW_OPEN);
	error = write_once(batch);
	if (error < 0)
		write_back(batch);
	if (window && error < 0)
		rp__windows_close(batch);
	else if (window)
		error = close_or_undo(batch);
	RP__INJECT(RP__INJECT_WINDOW_CLOSED);
	return error;
}

static int commit_with(struct rp_text_poke_batch *batch,
		       enum rp_backend backend)
{
	sigset_t saved;
	int error;

	batch->backend = backend;
	error = prepare(batch);
	if (error < 0)
		return error;
	RP__INJECT(RP__INJECT_VALIDATED);
	block_signals(&saved);
	engine.writing = batch;
	if (batch->count[RP_PROTOCOL_BREAKPOINT])
		rp__trap_publish(batch);
	error = write_in_window(batch);
	if (batch->count[RP_PROTOCOL_BREAKPOINT])
		rp__trap_retire();
	engine.writing = NULL;
	RP__INJECT(RP__INJECT_BATCH_RETIRED);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	if (engine.waited)
		rp__log(RP_LOG_WARN, "sync",
			"membarrier and sched_setaffinity became refused during a commit: waited instead");
	engine.waited = false;
	return error;
}

static void use_backend(enum rp_backend backend)
{
	if (engine.backend == backend)
		return;
	engine.backend = backend;
	rp__log(backend == RP_BACKEND_MPROTECT ? RP_LOG_INFO : RP_LOG_WARN,
		"text_poke", "text is written through %s",
		backend == RP_BACKEND_MPROTECT ?
		"mprotect" :
		"/proc/self/mem: mprotect is refused, sites that other threads run take a breakpoint");
}

static enum rp_backend wanted_backend(const struct rp_text_poke_batch *batch)
{
	return batch->opts.backend ? batch->opts.backend : engine.wanted;
}

static enum rp_backend first_backend(const struct rp_text_poke_batch *batch)
{
	enum rp_backend wanted = wanted_backend(batch);

	return wanted ? wanted : RP_BACKEND_MPROTECT;
}

/* mprotect first; where that is refused, the other way may do. */
static int commit_by_any(struct rp_text_poke_batch *batch)
{
	struct rp_error *error = batch->opts.error, first = { .code = 0 };
	int result = commit_with(batch, RP_BACKEND_MPROTECT);

	if (!result)
		use_backend(RP_BACKEND_MPROTECT);
	if (result != -EPERM || batch->stuck ||
	    batch->opts.protocol == RP_PROTOCOL_ATOMIC)
		return result;
	if (error)
		first = *error;
	result = commit_with(batch, RP_BACKEND_PROC_MEM);
	if (!result)
		use_backend(RP_BACKEND_PROC_MEM);
	/* A thread in the way can be helped; the rest is less than the first. */
	if (!result || result == -EBUSY)
		return result;
	if (error)
		*error = first;
	return -EPERM;
}

static int commit_by_backend(struct rp_text_poke_batch *batch)
{
	enum rp_backend wanted = wanted_backend(batch);
	int result;

	if (!wanted)
		return commit_by_any(batch);
	result = commit_with(batch, wanted);
	if (!result)
		use_backend(wanted);
	return result;
}

static void count_sites(const struct rp_text_poke_batch *batch)
{
	rp__count(&rp__stats.commits);
	for (int i = 0; i < RP_PROTOCOL_NR; i++)
		__atomic_fetch_add(&rp__stats.sites[i], batch->count[i],
				   __ATOMIC_RELAXED);
}

int rp__batch_commit_locked(struct rp_text_poke_batch *batch)
{
	int error;

	RP__INJECT(RP__INJECT_LOCKED);
	batch->block = rp__engine_block();
	if (batch->opts.block && batch->opts.block < batch->block)
		batch->block = batch->opts.block;
	batch->single = rp__threads_single();
	batch->stuck = false;
	batch->backend = batch->chosen_for = first_backend(batch);
	error = rp__batch_sort(batch);
	if (!error)
		error = rp__inspect(batch);
	if (error < 0 || !rp__batch_nr(batch))
		return error;
	error = commit_by_backend(batch);
	/* A way that was tried before the one that worked may have left its own. */
	if (!error && batch->opts.error)
		memset(batch->opts.error, 0, sizeof(*batch->opts.error));
	if (!error)
		count_sites(batch);
	if (rp__log_enabled(RP_LOG_DEBUG, "text_poke"))
		rp__log(RP_LOG_DEBUG, "text_poke",
			"%zu sites (%zu stopped, %zu atomic, %zu breakpoint): %s",
			rp__batch_nr(batch), batch->count[RP_PROTOCOL_STOPPED],
			batch->count[RP_PROTOCOL_ATOMIC],
			batch->count[RP_PROTOCOL_BREAKPOINT],
			rp_strerror(error));
	return error;
}

/* ---- the lock, and forks in the middle of a commit ---- */

/*
 * A child made by a raw clone while another thread was committing has the
 * int3s and the open windows, but not that thread. Put the old bytes back.
 */
static void undo_orphan(const struct rp_text_poke_batch *orphan)
{
	struct rp_text_poke_batch batch = *orphan;
	sigset_t saved;

	batch.opts.error = NULL;
	batch.single = true;
	block_signals(&saved);
	if (batch.backend == RP_BACKEND_PROC_MEM)
		mem_open(NULL);
	else
		rp__windows_open(&batch);
	write_back(&batch);
	if (batch.backend == RP_BACKEND_MPROTECT)
		rp__windows_close(&batch);
	mem_close();
	rp__trap_retire();
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
}

static void after_fork(void)
{
	const struct rp_text_poke_batch *orphan = engine.writing;

	engine.writing = NULL;
	rp__trap_after_fork();
	/* They refer to the parent: a write would go there. */
	rp__maps_close();
	mem_close();
	if (orphan)
		undo_orphan(orphan);
}

int rp__engine_lock(void)
{
	int cancel_state, error;

	/* A thread that is cancelled in here would take the lock with it. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
	error = rp__lock();
	if (error < 0) {
		pthread_setcancelstate(cancel_state, NULL);
		return error;
	}
	engine.cancel_state = cancel_state;
	if (engine.generation != rp__lock_generation()) {
		if (engine.generation)
			after_fork();
		engine.generation = rp__lock_generation();
	}
	return 0;
}

void rp__engine_unlock(void)
{
	int cancel_state = engine.cancel_state;

	rp__maps_close();
	mem_close();
	rp__unlock();
	pthread_setcancelstate(cancel_state, NULL);
}

/* ---- the public functions ---- */

int rp_text_poke_batch_commit(struct rp_text_poke_batch *batch)
{
	int error;

	if (!batch)
		return -EINVAL;
	error = rp__engine_lock();
	if (error < 0) {
		rp__fail(batch->opts.error, error, NULL, "%s",
			 rp_strerror(error));
	} else {
		error = rp__batch_commit_locked(batch);
		rp__engine_unlock();
	}
	rp_text_poke_batch_abort(batch);
	return error;
}

int rp_text_poke_single(void *addr, const void *expect, const void *insn,
			size_t len, const struct rp_text_poke_opts *opts)
{
	struct rp_text_poke_batch *batch;
	int error = rp_text_poke_batch_begin(&batch, opts);

	if (error < 0)
		return error;
	error = rp_text_poke_batch_add(batch, addr, expect, insn, len);
	if (error < 0) {
		rp_text_poke_batch_abort(batch);
		return error;
	}
	return rp_text_poke_batch_commit(batch);
}

void rp_text_poke_get_stats(struct rp_text_poke_stats *ret)
{
	size_t sz = ret->sz < sizeof(*ret) ? ret->sz : sizeof(*ret);

	if (sz <= sizeof(ret->sz))
		return;
	memcpy((char *)ret + sizeof(ret->sz),
	       (char *)&rp__stats + sizeof(ret->sz), sz - sizeof(ret->sz));
}

void rp_text_poke_get_info(struct rp_text_poke_info *ret)
{
	struct rp_text_poke_info info = { .sz = ret->sz };
	size_t sz = ret->sz < sizeof(info) ? ret->sz : sizeof(info);

	if (rp__engine_lock() == 0) {
		rp__sync_init();
		info.block = rp__engine_block();
		info.backend = engine.backend;
		info.sync = rp__sync_method();
		info.cpu = engine.cpu;
		rp__engine_unlock();
	}
	memcpy(ret, &info, sz);
}
