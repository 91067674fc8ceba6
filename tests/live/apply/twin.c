// SPDX-License-Identifier: MIT
/* Functions that are replaced together, and a variable that is set with them. */
#include "serve.h"

#if VERSION > 1
# include <repoint/livepatch.h>
#endif

volatile int setting = VERSION;
#if VERSION > 1
RP_LIVEPATCH_SET(setting);
#endif

/* Not to be known by callers, which are another function's business. */
static inline int number(void)
{
	int n = VERSION;

	__asm__("" : "+r"(n));
	return n;
}

OPAQUE int version(void)
{
	return number();
}

OPAQUE int left(void)
{
	return number();
}

OPAQUE int right(void)
{
	return number();
}

OPAQUE int pair(struct seen *seen)
{
	seen->left = left();
	seen->right = right();
	seen->setting = setting;
	return number();
}
