/* SPDX-License-Identifier: MIT */
/* Other processes that run in the target's memory: vfork(), clone(CLONE_VM). */
#ifndef REPOINT_LIVE_SHARING_H
#define REPOINT_LIVE_SHARING_H

#include "threads.h"

/**
 * rp_sharing_find() - a process that shares the target's memory without being
 * one of its threads: its parent, or a child of one of its threads. Its stack is
 * nobody's that is looked at.
 *
 * Return: its number; 0 if there is none, or if the kernel does not tell
 * (CONFIG_KCMP, CONFIG_PROC_CHILDREN).
 */
pid_t rp_sharing_find(const struct rp_threads *threads);

#endif /* REPOINT_LIVE_SHARING_H */
