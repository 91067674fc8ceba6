/* SPDX-License-Identifier: MIT */
/* Options that commands for objects share. */
#include "options.h"
#include "../parallel.h"
#include "../tool.h"

const struct rp_abi *rp_option_abi(const char *command, const char *word)
{
	const struct rp_abi *abi = word ? rp_abi_by_name(word) :
					  rp_abi(RP_ABI_REPOINT);

	if (!abi)
		rp_misuse(command, "--abi takes repoint, linux-6.1 or "
			  "linux-6.12, not \"%s\"", word);
	return abi;
}

bool rp_option_jobs(const char *command, const char *word, unsigned int *ret)
{
	if (!word || rp_parallel_jobs(word, ret))
		return true;
	rp_misuse(command, "-j takes a number from 1 to %u, not \"%s\"",
		  RP_PARALLEL_MAX, word);
	return false;
}
