/* SPDX-License-Identifier: MIT */
/* The other threads of this process. */
#ifndef RP_SRC_THREADS_H
#define RP_SRC_THREADS_H

#include <stdbool.h>

/* True if the caller is certainly the only thread. */
bool rp__threads_single(void);

/*
 * A thread that has @signal blocked: its id; 0 if there is none; -ENOTSUP if
 * it cannot be told (no /proc).
 */
int rp__threads_blocking(int signal);

#endif
