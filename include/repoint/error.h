/* SPDX-License-Identifier: MIT */
/*
 * What went wrong, in detail, for those who ask.
 *
 * Functions return 0 or a negative errno. One meaning each:
 *
 *   -EINVAL           a bad argument: NULL, a length of 0, overlapping sites
 *   -EFAULT           the text cannot be read: not mapped, or not readable
 *   -EPERM            the text cannot be written, or no way to synchronise
 *                     other threads is permitted
 *   -EILSEQ           the bytes in place are none of the legal ones; a
 *                     debugger's breakpoint is one such case
 *   -ERANGE           a target is out of branch range, or a count would
 *                     overflow or underflow
 *   -EBUSY            a thread blocks or ignores SIGTRAP, or a signal handler
 *                     would: it would be killed by a breakpoint
 *   -EDEADLK          called from within an update: from a log callback, or
 *                     from a signal handler that interrupted one; or before
 *                     the detectors of the object's features are done
 *   -ENOMEM           no memory for the batch, an island or a table
 *   -EPROTONOSUPPORT  tables of another version
 *   -ENOTSUP          not possible on this architecture, or not with the
 *                     protocol that was asked for
 *
 * <repoint/unwind.h> changes nothing and has a few of its own: -ENOENT, -ENODATA
 * (no table, or it does not say), -EEXIST, -ENOSPC, -ELOOP; and those of the
 * system for files and processes.
 */
#ifndef REPOINT_ERROR_H
#define REPOINT_ERROR_H

#include <repoint/compiler.h>

/** RP_ERROR_BYTES - bytes of text that struct rp_error can show. */
#define RP_ERROR_BYTES	16

/**
 * struct rp_error - detail of a failure; owned by the caller, no allocation.
 * @code:     the negative errno that was returned
 * @tid:      the thread that is in the way (-EBUSY), else 0
 * @addr:     the site, or NULL
 * @len:      bytes valid in @expected and @found, 0 if they do not apply
 * @expected: the bytes that should have been there (one of the legal states)
 * @found:    the bytes that were there
 * @message:  one line: where, why and what to do; NUL-terminated
 */
struct rp_error {
	int code;
	int tid;
	const void *addr;
	unsigned int len;
	unsigned char expected[RP_ERROR_BYTES];
	unsigned char found[RP_ERROR_BYTES];
	char message[224];
};

#endif /* REPOINT_ERROR_H */
