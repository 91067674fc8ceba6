// SPDX-License-Identifier: MIT
/* What the functions of forms.c call, and its inline functions once more. */
#include "forms.h"

NOINLINE long hidden_old(long a, long b)
{
	return a * 10 + b;
}

NOINLINE long hidden_new(long a, long b)
{
	return a * 10 - b;
}

NOINLINE int other_copies(void)
{
	int r = copied(0);

#ifdef __cplusplus
	if (group_member<100>() != group_member<200>())
		return -1;
	r += 10 * inline_member();
#endif
	return r;
}
