// SPDX-License-Identifier: MIT
/* An object that includes the header, and has no alternatives. */
#include <repoint/alternative.h>

int none_apply(void);

int none_apply(void)
{
	return rp_cpu_has(RP_FEATURE_ALWAYS) ? rp_alternatives_apply(NULL) : -1;
}
