/* SPDX-License-Identifier: MIT */
/*
 * A tool that dies at its n-th call that acts on a process: link with
 * -Wl,--wrap=ptrace,--wrap=waitpid,--wrap=pwrite.
 */
#ifndef TEST_KILL_AT_H
#define TEST_KILL_AT_H

/** kill_at - which call: SIGKILL before it is made; 0: none. */
extern long kill_at;

/** kill_calls - how many there were. */
extern long kill_calls;

#endif
