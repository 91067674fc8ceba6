/* SPDX-License-Identifier: MIT */
/* Mapping regions: memory of ours in the target, see record.h. */
#ifndef REPOINT_LIVE_REGION_H
#define REPOINT_LIVE_REGION_H

#include "inject.h"
#include "record.h"

/**
 * rp_region_map() - map a region at exactly @address, write how it begins, and
 * make it readable only. @inject has begun.
 *
 * It is known for ours from the first moment on: until its first lines are
 * written, it is memory that can only be executed and holds zeros, which is of
 * no use to anybody else.
 *
 * Return: 0; -EEXIST: something is there; -EINVAL, see @diag. After a failure
 * nothing is left.
 */
int rp_region_map(struct rp_inject *inject, uint64_t address, uint64_t size,
		  enum rp_region_kind kind, struct rp_diag *diag);

#endif /* REPOINT_LIVE_REGION_H */
