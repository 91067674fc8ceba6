/* SPDX-License-Identifier: MIT */
/*
 * Which code of a process walks its stacks: to raise exceptions, to cancel
 * threads, for backtraces.
 *
 * libgcc's can be told of code that comes and goes. It raises an exception in two
 * walks. The first one looks for the frame that will catch, and keeps what that is
 * told apart by: the stack pointer in it. The second one runs clean-ups on its way
 * there, in between of which no frame of the unwinder is on the stack.
 */
#ifndef REPOINT_LIVE_EXCEPTIONS_H
#define REPOINT_LIVE_EXCEPTIONS_H

#include "unwind.h"

enum rp_exceptions_by {
	RP_EXCEPTIONS_UNKNOWN,	/* nobody has looked; or another one's, hidden, or
				 * more than one */
	RP_EXCEPTIONS_NONE,	/* there is no unwinder */
	RP_EXCEPTIONS_LIBGCC,	/* all of them by one that can be told */
};

#define RP_EXCEPTIONS_CODE	8u

/**
 * struct rp_exceptions - how a process raises them.
 * @code: of the unwinder, @n pieces: one of them is on the stack while it walks
 * @register_frame, @deregister_frame: __register_frame_info() and its opposite
 */
struct rp_exceptions {
	enum rp_exceptions_by by;
	struct {
		uint64_t start, end;
	} code[RP_EXCEPTIONS_CODE];
	size_t n;
	uint64_t register_frame, deregister_frame;
};

/** rp_exceptions_find() - by symbols of all modules. */
void rp_exceptions_find(struct rp_exceptions *ret, struct rp_unwinder *unwinder,
			struct rp_modules *modules);

/** rp_exceptions_at() - is an address the unwinder's? */
bool rp_exceptions_at(const struct rp_exceptions *exceptions, uint64_t address);

#endif /* REPOINT_LIVE_EXCEPTIONS_H */
