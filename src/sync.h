/* SPDX-License-Identifier: MIT */
/* Making other threads see new instructions. */
#ifndef RP_SRC_SYNC_H
#define RP_SRC_SYNC_H

#include <repoint/text_poke.h>

/* Choose a way, once per process. Returns 0 or -EPERM. */
int rp__sync_init(void);

/*
 * When this returns 0, every thread of the process has executed a serialising
 * instruction since the call, or will before its next instruction in user
 * mode. Returns -EPERM if no way is left.
 */
int rp__sync(void);

enum rp_sync rp__sync_method(void);

#endif
