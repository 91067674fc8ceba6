/* SPDX-License-Identifier: MIT */
/* The record of a payload that is about to be applied. */
#ifndef REPOINT_LIVE_BUILD_RECORD_H
#define REPOINT_LIVE_BUILD_RECORD_H

#include "session.h"

/**
 * rp_record_build() - make @p->record, for a region at @p->base; an earlier one
 * is freed. Its size is the same whatever the base is.
 * @image: bytes of the image; NULL: not known yet, zeros
 * @root:  of the process, or 0
 *
 * Return: 0; -EINVAL, see the session's diag; -ENOMEM.
 */
int rp_record_build(struct rp_prepared *p, struct rp_session *s,
		    const uint8_t *image, uint64_t root);

#endif /* REPOINT_LIVE_BUILD_RECORD_H */
