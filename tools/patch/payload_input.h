/* SPDX-License-Identifier: MIT */
/* A payload file that is to be applied: whom is it from, and may it? */
#ifndef REPOINT_TOOLS_PATCH_PAYLOAD_INPUT_H
#define REPOINT_TOOLS_PATCH_PAYLOAD_INPUT_H

#include "../../payload/payload.h"
#include "policy.h"

/**
 * struct rp_payload_input - a payload that was read.
 * @policy: what the system permits
 */
struct rp_payload_input {
	struct rp_payload payload;
	struct rp_policy policy;
	uint8_t *image;
	size_t size;
};

/** struct rp_payload_demands - what the command line asks for. */
struct rp_payload_demands {
	bool force;			/* others may write the file */
	bool allow_active;		/* --allow-active is used */
	const char *require_signature;	/* directory of keys, or NULL */
};

/**
 * rp_payload_input_open() - read, check, parse.
 * Return: 0; -EINVAL with a message printed. rp_payload_input_close() in any
 * case.
 */
int rp_payload_input_open(struct rp_payload_input *input, const char *path,
			  const struct rp_payload_demands *demands);
void rp_payload_input_close(struct rp_payload_input *input);

#endif /* REPOINT_TOOLS_PATCH_PAYLOAD_INPUT_H */
