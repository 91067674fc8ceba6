/* SPDX-License-Identifier: MIT */
/*
 * A program patches itself: live patches applied, reverted and listed from
 * inside.
 *
 * Overview
 * --------
 *   int rp_livepatch_apply(path, options, message, size);
 *   int rp_livepatch_replace(path, options, message, size);
 *   int rp_livepatch_revert(name, options, message, size);
 *   int rp_livepatch_list(text, size);
 *
 * Example
 * -------
 *   char why[RP_LIVEPATCH_MESSAGE_SIZE];
 *
 *   if (rp_livepatch_apply("/etc/mine/fix.rpp", NULL, why, sizeof(why)) < 0)
 *           syslog(LOG_WARNING, "not patched: %s", why);
 *
 * How it works
 * ------------
 * A process cannot stop itself and look at its own stacks. These functions start
 * the program `repoint` for it, wait until it is done, and pass on what it says;
 * what that does, and when it refuses, is in repoint-patch(1). They are in
 * librepoint-livepatch-apply.a, which needs nothing else.
 *
 * Rules and pitfalls
 * ------------------
 * - A function to be replaced must not be the caller, nor its callers: it would
 *   be in use until the timeout is over. Best called by a thread of its own.
 * - The process needs the right to run another program (a seccomp filter may
 *   deny it), and `repoint` the right to trace it: same user, not a set-user-id
 *   program, dumpable. Where Yama restricts tracing to descendants
 *   (kernel.yama.ptrace_scope = 1), these functions permit it to that one
 *   process; a permission that the program gave before with PR_SET_PTRACER is
 *   lost then.
 * - The helper process is nobody's child that the program would wait for: it
 *   raises no SIGCHLD, and wait() and waitpid() do not find it (but with __WALL or
 *   __WCLONE).
 * - Nothing is printed, no signal handler and no signal mask is changed. Memory
 *   is allocated.
 */
#ifndef REPOINT_LIVEPATCH_APPLY_H
#define REPOINT_LIVEPATCH_APPLY_H

#include <repoint/compiler.h>

#define RP_LIVEPATCH_MESSAGE_SIZE	512

RP__BEGIN_DECLS

/**
 * struct rp_livepatch_options - 0 and NULL mean the default.
 * @tool:       path of the program `repoint`; as it was installed
 * @timeout_ms: how long to wait for functions that are in use; 10,000
 * @reserved:   0
 */
struct rp_livepatch_options {
	const char *tool;
	unsigned int timeout_ms;
	unsigned int reserved[5];
};

/**
 * rp_livepatch_apply() - apply a payload to this process.
 * @path:    of the payload
 * @options: NULL: the defaults
 * @message: what `repoint` said, cut to @size bytes, terminated; NULL: not asked
 * @size:    of @message, in bytes
 *
 * Return: 0; -EAGAIN: refused, the process is not in a state for it (a function
 * is in use, a hook vetoed, another build): nothing was changed; -ENOENT: the
 * tool cannot be run; -EINVAL: any other error, see @message; -ENOMEM, -EMFILE,
 * -ENFILE. In all cases but 0 nothing is applied, unless @message says that a
 * hook failed after it.
 *
 * Thread safe: of several at once, all but one are refused. Not
 * async-signal-safe.
 */
int rp_livepatch_apply(const char *path,
		       const struct rp_livepatch_options *options,
		       char *message, size_t size);

/** rp_livepatch_replace() - apply it in place of all others of its target, in
 *  one stop. As rp_livepatch_apply(). */
int rp_livepatch_replace(const char *path,
			 const struct rp_livepatch_options *options,
			 char *message, size_t size);

/**
 * rp_livepatch_revert() - take a payload away.
 * @name: of the payload; NULL: all of them
 *
 * Otherwise as rp_livepatch_apply().
 */
int rp_livepatch_revert(const char *name,
			const struct rp_livepatch_options *options,
			char *message, size_t size);

/**
 * rp_livepatch_list() - what is applied to this process.
 * @options: NULL: the defaults
 * @text:    JSON, as `repoint patch list --json` prints it, terminated
 * @size:    of @text, in bytes
 *
 * Return: 0; -ENOSPC: @text is too small; else as rp_livepatch_apply().
 */
int rp_livepatch_list(const struct rp_livepatch_options *options, char *text,
		      size_t size);

RP__END_DECLS

#endif /* REPOINT_LIVEPATCH_APPLY_H */
