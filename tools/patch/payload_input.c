/* SPDX-License-Identifier: MIT */
/* A payload file that is to be applied. */
#include "payload_input.h"

#include "../tool.h"
#include "keyring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beside the limit of what it maps: symbols, debug information. */
#define FILE_MAX	((size_t)4 * RP_PAYLOAD_SIZE_MAX)

static int check_policy(struct rp_payload_input *input,
			const struct rp_payload_demands *demands)
{
	struct rp_diag diag = { 0 };
	int ret = rp_policy_read(&input->policy, rp_policy_path(), &diag);

	if (!ret && demands->force)
		ret = rp_policy_check_force(&input->policy, &diag);
	if (!ret && demands->allow_active)
		ret = rp_policy_check_allow_active(&input->policy, &diag);
	if (ret)
		rp_error("repoint", &diag);
	return ret;
}

static int read_file(struct rp_payload_input *input, const char *path,
		     bool force, struct rp_diag *diag)
{
	int fd;
	int ret = rp_trusted_file_open(path, force, &fd, diag);

	if (ret)
		return ret;
	ret = rp_descriptor_read(fd, FILE_MAX, &input->image, &input->size,
				 diag);
	close(fd);
	return ret;
}

static int check_signatures(struct rp_payload_input *input, const char *path,
			    const char *keys, struct rp_diag *diag)
{
	const struct rp_signed_payload what = {
		.path = path, .image = input->image, .size = input->size,
	};
	int ret = rp_policy_check_signature(&input->policy, &what, diag);

	if (!ret && keys)
		ret = rp_payload_verify(&what, keys, RP_TRUST_USER, diag);
	return ret;
}

int rp_payload_input_open(struct rp_payload_input *input, const char *path,
			  const struct rp_payload_demands *demands)
{
	struct rp_diag diag = { 0 };
	int ret;

	*input = (struct rp_payload_input){ 0 };
	ret = check_policy(input, demands);
	if (ret)
		return ret;
	ret = read_file(input, path, demands->force, &diag);
	/* Before the parser sees it. */
	if (!ret)
		ret = check_signatures(input, path, demands->require_signature,
				       &diag);
	if (!ret)
		ret = rp_payload_open(&input->payload, input->image,
				      input->size, &diag);
	if (ret)
		rp_error(path, &diag);
	return ret;
}

void rp_payload_input_close(struct rp_payload_input *input)
{
	if (input->image)
		rp_payload_close(&input->payload);
	rp_policy_free(&input->policy);
	free(input->image);
}
