/* SPDX-License-Identifier: MIT */
/* What has to be known of a batch before anything is written. */
#ifndef RP_SRC_INSPECT_H
#define RP_SRC_INSPECT_H

#include "poke.h"

/*
 * Find the page runs of a sorted batch, compare the text with what is
 * expected, drop the sites that are as wanted, choose a protocol for each of
 * the others. Returns 0, -EFAULT, -EPERM, -EILSEQ, -ENOTSUP or -ENOMEM.
 */
int rp__inspect(struct rp_text_poke_batch *batch);

/* Choose again, for another backend than at first. Returns 0 or -ENOTSUP. */
int rp__choose_all(struct rp_text_poke_batch *batch);

#endif
