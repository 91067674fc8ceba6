/* SPDX-License-Identifier: MIT */
/*
 * What a thread does that meets a breakpoint on the site, and what one leaves
 * behind that is killed by a torn instruction.
 */
#ifndef LITMUS_TRAP_H
#define LITMUS_TRAP_H

#include "site.h"

struct litmus_shared;
struct litmus_executor;

/** litmus_crash_init() - record crashes in @shared and end the process. */
int litmus_crash_init(const struct litmus_site *site,
		      struct litmus_shared *shared);

/** litmus_trap_init() - emulate breakpoints on @site from now on. */
int litmus_trap_init(const struct litmus_site *site);

/** litmus_trap_expect() - which state threads shall behave as. */
void litmus_trap_expect(enum litmus_state state);

/** litmus_trap_thread() - say that this thread is an executor. */
void litmus_trap_thread(struct litmus_executor *executor);

#endif /* LITMUS_TRAP_H */
