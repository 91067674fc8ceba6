/* SPDX-License-Identifier: MIT */
/*
 * Ctrl-C, and what must not be cut short by it.
 *
 * SIGINT, SIGTERM, SIGHUP and SIGPIPE end the program at once, but for a thread
 * that is replacing a file: they wait for it, and no other one begins.
 *
 *   rp_interrupt_hold(&hold);
 *   ... write a temporary file, rename it ...
 *   rp_interrupt_release(&hold);
 *
 * A program with several threads blocks these signals in all of them, and one
 * thread asks now and then.
 */
#ifndef REPOINT_TOOLS_INTERRUPT_H
#define REPOINT_TOOLS_INTERRUPT_H

#include <signal.h>

/** struct rp_interrupt_hold - what the thread's signal mask was. */
struct rp_interrupt_hold {
	sigset_t mask;
};

void rp_interrupt_hold(struct rp_interrupt_hold *hold);
void rp_interrupt_release(const struct rp_interrupt_hold *hold);

/** rp_interrupt_block() - in the calling thread, and in those that it will start;
 *  @old: for pthread_sigmask(). */
void rp_interrupt_block(sigset_t *old);

/** rp_interrupt_ask() - if one of the signals waits, end the program by it, when no
 *  thread holds it. */
void rp_interrupt_ask(void);

#endif /* REPOINT_TOOLS_INTERRUPT_H */
