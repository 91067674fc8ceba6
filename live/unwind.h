/* SPDX-License-Identifier: MIT */
/*
 * Stacks of stopped threads.
 *
 * A frame is unwound, in this order:
 *
 *   signal     the return address is the code of a signal return: the frame
 *              below is what the signal interrupted, on whatever stack
 *   CFI        by .eh_frame of its module, read where it is in memory
 *   code       without CFI (musl, assembly, jumps of a PLT): the code is followed
 *              from the pc to its `ret`; what it pops on the way says where the
 *              return address is. Of ways that disagree, the stack has to bear
 *              out exactly one.
 *   end        by CFI that says so, or code that ends the thread and never returns,
 *              where stacks begin
 *
 * A return address must follow a call instruction. Where none of them leads on,
 * the walk ends with RP_WALK_LOST, and what else is on that stack is for the
 * caller to judge (busy.h scans it).
 *
 * What was found for a pc is kept: thousands of threads wait at a few places.
 */
#ifndef REPOINT_LIVE_UNWIND_H
#define REPOINT_LIVE_UNWIND_H

#include "modules.h"

#include <sys/user.h>

enum rp_frame_by {
	RP_FRAME_REGISTERS,	/* the innermost one */
	RP_FRAME_CFI,
	RP_FRAME_CODE,
	RP_FRAME_SIGNAL,	/* interrupted by a signal: pc is exact */
};

/**
 * struct rp_frame - one function on a stack.
 * @pc:     where it is; for callers the return address
 * @exact:  @pc is the next instruction, not a return address: look up @pc, not
 *          @pc - 1
 * @sp:     stack pointer in it
 * @cfa:    stack pointer of its caller behind the return; 0 if not known
 * @return_slot: where its return address lies in memory, by CFI; 0 if it is in a
 *          register, or was found otherwise
 * @return_to: its return address; 0 if not known
 * @by:     how this frame was found: by what the one that it called says
 * @saved:  RP_FRAME_SIGNAL: the struct ucontext that its registers return from
 */
struct rp_frame {
	uint64_t pc;
	bool exact;
	uint64_t sp;
	uint64_t cfa;
	uint64_t return_slot;
	uint64_t return_to;
	enum rp_frame_by by;
	uint64_t saved;
};

enum rp_walk {
	RP_WALK_END,		/* the end of the stack was reached, by its marks */
	RP_WALK_STOPPED,	/* the callback said so */
	RP_WALK_LOST,		/* a frame could not be unwound */
};

struct rp_unwinder;

/** rp_unwinder_create() - @modules must outlive it, and be those that are
 *  loaded. Return: 0; -ENOMEM. */
int rp_unwinder_create(struct rp_unwinder **ret, struct rp_modules *modules);
void rp_unwinder_free(struct rp_unwinder *unwinder);

/**
 * rp_unwinder_add() - code that is in no module, and its unwind information.
 * @start, @size: of the code
 * @eh_frame, @eh_frame_size: its .eh_frame in the target's memory, terminated;
 *                0: none, the code is followed
 */
int rp_unwinder_add(struct rp_unwinder *unwinder, uint64_t start, uint64_t size,
		    uint64_t eh_frame, uint64_t eh_frame_size);

/** rp_unwinder_warm() - look at the stacks of running threads (their
 *  task/TID/syscall) and keep the rules for all code addresses there, so that
 *  less is left to do while they are stopped. */
void rp_unwinder_warm(struct rp_unwinder *unwinder, const pid_t *tids, size_t n);

/**
 * rp_unwind() - walk a stack from the innermost frame out.
 * @regs: of a stopped thread, or of a suspended context
 * @fn:   called for each frame; anything but 0 ends it
 * @last: if not NULL: the last frame, which could not be unwound if
 *        RP_WALK_LOST; its @sp is where the unknown part of the stack begins
 *
 * No more than 100,000 frames, and a stack pointer that does not move up is an
 * end (lost), but for signal frames.
 */
enum rp_walk rp_unwind(struct rp_unwinder *unwinder,
		       const struct user_regs_struct *regs,
		       int (*fn)(void *context, const struct rp_frame *frame),
		       void *context, struct rp_frame *last);

/** rp_unwind_forget() - drop copies of stacks: threads have run since. */
void rp_unwind_forget(struct rp_unwinder *unwinder);

/** rp_unwind_is_call_before() - does a call instruction end right before @pc? */
bool rp_unwind_is_call_before(struct rp_unwinder *unwinder, uint64_t pc);

/** rp_unwind_is_passive() - does the unwind information of the function with this
 *  return address say that exceptions are nothing to it: it has some, without a
 *  personality routine, so it neither catches them nor cleans up? */
bool rp_unwind_is_passive(struct rp_unwinder *unwinder, uint64_t pc);

/** rp_unwind_has_personality() - has any function of a module such a routine? */
bool rp_unwind_has_personality(struct rp_unwinder *unwinder,
			       const struct rp_module *module);

/**
 * rp_unwind_name() - name of what is at an address, for messages.
 * @ret: "function+0x12 (file.so)", "0x7f.. (file.so)"
 */
void rp_unwind_name(struct rp_unwinder *unwinder, uint64_t pc, bool exact,
		    char *ret, size_t size);

#endif /* REPOINT_LIVE_UNWIND_H */
