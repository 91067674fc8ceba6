/* SPDX-License-Identifier: MIT */
/*
 * Letting threads leave code that is to be replaced: their return addresses are
 * sent through a waiting place, where they stay until the switch is done.
 *
 * A breakpoint at the return address would end the target if this tool died
 * before taking it away. Instead the return address in the thread's own stack is
 * exchanged for that of a few instructions in memory of ours, which note that
 * they were reached, wait some milliseconds by counting a word down (spinning: no
 * system call that a filter could deny), and go on to the original address. If
 * the tool dies, they do so by themselves. All registers are kept.
 *
 * Unwinders of the target know this code: it has an .eh_frame, which is made
 * known to libgcc where that is loaded, so that exceptions and cancellation pass.
 *
 * Not possible: with a shadow stack; where the return address was not found by
 * CFI (RP_FRAME_CODE, words); where an unwinder is loaded, if the caller has no
 * unwind information or may catch or clean up, or if the unwinder is at work on
 * that stack. Such threads are waited for by retrying. A function that looks at
 * its own return address sees that of the waiting place.
 */
#ifndef REPOINT_LIVE_DIVERT_H
#define REPOINT_LIVE_DIVERT_H

#include "busy.h"
#include "exceptions.h"
#include "inject.h"

/* Threads that can be sent there at the same time. */
#define RP_DIVERT_SLOTS		1000u

/** struct rp_diverted - a return address that was exchanged. @tid: 0: none */
struct rp_diverted {
	pid_t tid;
	uint64_t return_slot;
	uint64_t original;
};

/**
 * struct rp_divert - the waiting place.
 * @base, @size: its memory in the target, a region as record.h has them: a page
 *               that is only readable, code, data; 0: none yet
 * @code:        what threads return to; @code_size
 * @words:       in the data: original addresses and states
 * @counters:    in the data: how long each one still waits
 * @eh_frame:    unwind information of the code, terminated; @eh_frame_size
 * @eh_object:   64 bytes that may be written to, for __register_frame_info()
 * @slots:       RP_DIVERT_SLOTS of them
 * @used:        how many are in use
 */
struct rp_divert {
	const struct rp_target *target;
	struct rp_unwinder *unwinder;
	const struct rp_exceptions *exceptions;
	uint64_t base, size;
	uint64_t code, code_size;
	uint64_t words, counters;
	uint64_t eh_frame, eh_frame_size;
	uint64_t eh_object;
	struct rp_diverted *slots;
	size_t used;
};

/** rp_divert_map() - make it. @inject has begun. @near: reach of a rel32 is not
 *  needed. Return: 0; -EINVAL, see @diag; -ENOMEM. After a failure nothing is
 *  left. */
int rp_divert_map(struct rp_divert *divert, struct rp_inject *inject,
		  const struct rp_maps *maps, uint64_t near,
		  struct rp_diag *diag);

/** rp_divert_thread() - exchange one return address, while all is stopped.
 *  Return: 0; -EALREADY: it is; -ENOTSUP: not this one; -EBUSY: no slot is left;
 *  -ESRCH. */
int rp_divert_thread(struct rp_divert *divert, const struct rp_busy *busy);

/** rp_divert_waiting() - how many of the diverted threads wait there now, from
 *  the target's memory, whatever runs. */
size_t rp_divert_waiting(const struct rp_divert *divert);

/** rp_divert_expected() - how many may still come: those that have neither been
 *  there nor ended. */
size_t rp_divert_expected(const struct rp_divert *divert);

/** rp_divert_renew() - those that wait go on waiting for another while. */
void rp_divert_renew(struct rp_divert *divert);

/** rp_divert_unwind() - the unwinder sees through the waiting place: a pc or a
 *  return address there is followed to the original one. Before anything is sent
 *  there. It and @exceptions must outlive @divert, which asks them what is on
 *  stacks. */
int rp_divert_unwind(struct rp_divert *divert, struct rp_unwinder *unwinder,
		     const struct rp_exceptions *exceptions);

/** enum rp_divert_frames - is its unwind information known to the target's
 *  unwinder? Memory may go only if it is not. */
enum rp_divert_frames {
	RP_DIVERT_FRAMES_UNKNOWN,
	RP_DIVERT_FRAMES_CHANGING,
	RP_DIVERT_FRAMES_KNOWN,
};

/** rp_divert_note_frames() - note it in the target, for whoever finds what a
 *  dead tool left: CHANGING before each call of __register_frame_info() or
 *  __deregister_frame_info(), the result after it. Return: 0; -EFAULT, ... */
int rp_divert_note_frames(const struct rp_divert *divert,
			  enum rp_divert_frames frames);

/** rp_divert_left_frames() - read the note in a region that was left at @base.
 *  KNOWN: deregister *@eh_frame first. CHANGING: a tool died in that call; the
 *  region has to stay. Also returned for what cannot be read. */
enum rp_divert_frames rp_divert_left_frames(const struct rp_target *target,
					    uint64_t base, uint64_t *eh_frame);

/**
 * rp_divert_undo() - while all threads are stopped: return addresses that still
 * are on stacks are put back, threads that wait are sent to theirs, those under
 * a signal handler when it returns.
 *
 * Return: 0; -EBUSY: the target's unwinder is at work on a stack, or a stack that
 * cannot be walked may hold a signal frame. Those threads are left as they are:
 * let them run, and try again.
 */
int rp_divert_undo(struct rp_divert *divert, struct rp_threads *threads);

/** rp_divert_unmap() - after rp_divert_undo(), also if it failed for all but
 *  memory of this process. @inject has begun. Return: 0; -EBUSY: in use;
 *  -EINVAL, see @diag. */
int rp_divert_unmap(struct rp_divert *divert, struct rp_inject *inject,
		    struct rp_diag *diag);

#endif /* REPOINT_LIVE_DIVERT_H */
