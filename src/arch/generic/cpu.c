// SPDX-License-Identifier: MIT
/* Architectures of which nothing is known. */
#include "../../arch.h"

struct rp__cpu_policy rp__arch_cpu_policy(void)
{
	struct rp__cpu_policy policy = {
		8, "no engine for this architecture: text is never written"
	};

	return policy;
}
