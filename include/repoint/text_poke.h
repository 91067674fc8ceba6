/* SPDX-License-Identifier: MIT */
/*
 * Change instructions of the running program, with threads in them.
 *
 * Overview
 * --------
 *   int  rp_text_poke_single(addr, expect, insn, len, opts);
 *
 *   int  rp_text_poke_batch_begin(&batch, opts);
 *   int  rp_text_poke_batch_add(batch, addr, expect, insn, len);
 *   int  rp_text_poke_batch_commit(batch);
 *   void rp_text_poke_batch_abort(batch);
 *
 *   void rp_text_poke_get_stats(&stats);
 *   void rp_text_poke_get_info(&info);
 *
 * Example
 * -------
 *   static const unsigned char nop5[5] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
 *   struct rp_error error;
 *   struct rp_text_poke_opts opts = { sizeof(opts), .error = &error };
 *
 *   if (rp_text_poke_single(site, old_call, nop5, 5, &opts) < 0)
 *           fprintf(stderr, "%s\n", error.message);
 *
 * Most programs want <repoint/static_call.h> and <repoint/static_key.h>,
 * which are built on this.
 *
 * Protocols
 * ---------
 * The cheapest sound one is chosen for each site:
 *
 *   STOPPED     no other thread exists, or the caller vouches that none can
 *               run the bytes: plain copy.
 *   ATOMIC      all bytes that differ lie in one aligned block (16 bytes on
 *               processors listed in docs/processors.md, 8 elsewhere): one
 *               store, then one sync for the whole batch.
 *   BREAKPOINT  1. int3 over the first byte of every such site   sync
 *               2. all bytes but the first                       sync
 *               3. the first byte                                sync
 *               A thread that meets the int3 gets SIGTRAP, and the handler
 *               does for it what the new instruction does. Three syncs for a
 *               batch of any size.
 *
 * Rules
 * -----
 * - Old and new bytes are one instruction of equal length each (the new one
 *   may be shorter if it never falls through: the rest is padding), unless the
 *   protocol is STOPPED.
 * - @expect is what must be in place now. Bytes that are already as wanted are
 *   left alone. Anything else: -EILSEQ, and nothing at all is written.
 * - A batch is all or nothing.
 * - A batch that is open holds no lock: it is only a list. Everything happens
 *   in commit.
 * - After commit returns 0, no thread *starts* an old instruction. A thread
 *   may still be inside what an old CALL called.
 * - BREAKPOINT needs SIGTRAP unblocked and not ignored in every thread:
 *   -EBUSY names one that does otherwise. It also needs /proc.
 * - Not for MAP_SHARED file mappings: a write would reach the file.
 */
#ifndef REPOINT_TEXT_POKE_H
#define REPOINT_TEXT_POKE_H

#include <repoint/error.h>

RP__BEGIN_DECLS

/** enum rp_protocol - how a site is written while threads run. */
enum rp_protocol {
	RP_PROTOCOL_AUTO = 0,	/**< the cheapest sound one */
	RP_PROTOCOL_STOPPED,
	RP_PROTOCOL_ATOMIC,
	RP_PROTOCOL_BREAKPOINT,
	RP_PROTOCOL_NR
};

/** enum rp_backend - how text becomes writable. */
enum rp_backend {
	RP_BACKEND_AUTO = 0,	/**< mprotect, else /proc/self/mem */
	RP_BACKEND_MPROTECT,	/**< a writable window over the page runs */
	RP_BACKEND_PROC_MEM,	/**< no window; never serves ATOMIC, because the
				     kernel's copy is not one store */
	RP_BACKEND_NR
};

/** enum rp_sync - how other threads are made to see new instructions. */
enum rp_sync {
	RP_SYNC_AUTO = 0,	/**< membarrier, else affinity */
	RP_SYNC_MEMBARRIER,	/**< MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE */
	RP_SYNC_AFFINITY,	/**< visit each CPU and serialise there: slow,
				     for kernels and filters without the former */
	RP_SYNC_NR
};

/**
 * struct rp_text_poke_opts - options; zero means default.
 * @sz:       sizeof(struct rp_text_poke_opts)
 * @protocol: ATOMIC or BREAKPOINT to insist (-ENOTSUP where it is unsound);
 *            STOPPED is a promise by the caller that no other thread can run
 *            any of the bytes
 * @backend:  to insist on one
 * @block:    aligned bytes that one store may change under other threads:
 *            0 for the processor's policy, 8 to be conservative; 16 is taken
 *            only where the policy has it
 * @error:    filled in on failure, may be NULL
 */
struct rp_text_poke_opts {
	size_t sz;
	enum rp_protocol protocol;
	enum rp_backend backend;
	unsigned int block;
	struct rp_error *error;
};

/** RP_TEXT_POKE_MAX - bytes of a site at most. */
#define RP_TEXT_POKE_MAX	255

struct rp_text_poke_batch;

/**
 * rp_text_poke_batch_begin() - open an empty batch.
 * @ret:  where to put it; untouched on failure
 * @opts: for all sites of the batch; NULL for defaults; copied, but
 *        opts->error must stay valid until commit or abort
 *
 * Return: 0; -EINVAL; -ENOMEM; -ENOTSUP where the architecture has no engine.
 * Thread safe; not async-signal-safe.
 */
RP_API int rp_text_poke_batch_begin(struct rp_text_poke_batch **ret,
				    const struct rp_text_poke_opts *opts);

/**
 * rp_text_poke_batch_add() - add one site.
 * @batch:  the batch
 * @addr:   first byte of the instruction
 * @expect: @len bytes that are there now; copied
 * @insn:   @len bytes that shall be there; copied
 * @len:    bytes, 1 to RP_TEXT_POKE_MAX
 *
 * Nothing is read or written yet. A site may appear once, or again with the
 * same bytes; sites that overlap make commit fail with -EINVAL.
 *
 * Return: 0; -EINVAL; -ENOMEM. On failure the batch is as before.
 * A batch belongs to one thread at a time; not async-signal-safe.
 */
RP_API int rp_text_poke_batch_add(struct rp_text_poke_batch *batch, void *addr,
				  const void *expect, const void *insn,
				  size_t len);

/**
 * rp_text_poke_batch_commit() - write all sites of a batch, or none.
 * @batch: the batch; gone afterwards, whatever is returned
 *
 * Return: 0 or a negative errno of <repoint/error.h>: -EINVAL, -EFAULT,
 * -EPERM, -EILSEQ, -EBUSY, -ENOMEM, -ENOTSUP. On failure every byte is as
 * it was.
 *
 * Thread safe; commits of a process happen one after the other, across all
 * copies of the library in it. Not async-signal-safe. All signals but those
 * that the thread raises itself (SIGTRAP, SIGSEGV, ...) are blocked while text
 * is being written.
 */
RP_API int rp_text_poke_batch_commit(struct rp_text_poke_batch *batch);

/**
 * rp_text_poke_batch_abort() - drop a batch; nothing was written.
 * @batch: the batch, or NULL
 */
RP_API void rp_text_poke_batch_abort(struct rp_text_poke_batch *batch);

/**
 * rp_text_poke_single() - a batch of one.
 *
 * Parameters, return value and safety as for the functions above.
 */
RP_API int rp_text_poke_single(void *addr, const void *expect,
			       const void *insn, size_t len,
			       const struct rp_text_poke_opts *opts);

/**
 * struct rp_text_poke_stats - counts since the program started.
 * @sz:         set by the caller to sizeof(struct rp_text_poke_stats)
 * @commits:    batches that wrote something
 * @sites:      sites written, by protocol (index enum rp_protocol)
 * @syncs:      synchronisations of other threads
 * @mprotects:  mprotect calls on text
 * @mem_writes: writes through /proc/self/mem
 * @traps:      SIGTRAPs of ours that were emulated
 * @retries:    late SIGTRAPs: the site was complete when the handler ran
 */
struct rp_text_poke_stats {
	size_t sz;
	uint64_t commits;
	uint64_t sites[RP_PROTOCOL_NR];
	uint64_t syncs;
	uint64_t mprotects;
	uint64_t mem_writes;
	uint64_t traps;
	uint64_t retries;
};

/** rp_text_poke_get_stats() - read the counts. Async-signal-safe. */
RP_API void rp_text_poke_get_stats(struct rp_text_poke_stats *ret);

/**
 * struct rp_text_poke_info - what the engine chose on this machine.
 * @sz:      set by the caller to sizeof(struct rp_text_poke_info)
 * @backend: in use; RP_BACKEND_AUTO before the first commit
 * @sync:    in use; RP_SYNC_AUTO if none is permitted
 * @block:   aligned bytes that one store may change: 8 or 16
 * @cpu:     why @block: the line of the processor list, a static string
 */
struct rp_text_poke_info {
	size_t sz;
	enum rp_backend backend;
	enum rp_sync sync;
	unsigned int block;
	const char *cpu;
};

/** rp_text_poke_get_info() - read the choices. Not async-signal-safe. */
RP_API void rp_text_poke_get_info(struct rp_text_poke_info *ret);

/**
 * rp_strerror() - one line on what an error code means here.
 * @code: a negative errno that a function of the library returned
 *
 * Return: a static string. Async-signal-safe.
 */
RP_API const char *rp_strerror(int code);

RP__END_DECLS

#endif /* REPOINT_TEXT_POKE_H */
