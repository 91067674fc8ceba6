// SPDX-License-Identifier: MIT
/* Architectures whose features have no numbers yet: RP_FEATURE_ALWAYS only. */
#include "../../feature.h"

void rp__arch_cpu_facts(struct rp__cpu_facts *ret)
{
	rp__feature_set(ret->has, RP_FEATURE_ALWAYS);
	rp__feature_set(ret->usable, RP_FEATURE_ALWAYS);
}
