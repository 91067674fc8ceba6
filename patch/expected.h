/* SPDX-License-Identifier: MIT */
/* What is expected where a function is replaced. */
#ifndef REPOINT_PATCH_EXPECTED_H
#define REPOINT_PATCH_EXPECTED_H

#include "patch_internal.h"

/* @masks: by offset, apart from each other; their bytes are zero for @hash */
struct rp_expected {
	struct rp_payload_range *masks;
	size_t nmasks;
	uint8_t hash[32];
};

/* To be freed also after a failure. Return: 0 or a negative errno value. */
int rp_patch_expect(struct rp_patch *p, struct rp_unit *u, uint32_t twin,
		    struct rp_expected *ret);
void rp_expected_deinit(struct rp_expected *expected);

/* Bytes of the landing pad that a function of the binary begins with, or 0. */
unsigned int rp_patch_landing(const struct rp_patch *p,
			      const struct rp_match *m);

#endif /* REPOINT_PATCH_EXPECTED_H */
