// SPDX-License-Identifier: MIT
// c: incompatible (function )?pointer
// c++: invalid conversion|no matching function
/* A maker returns whether it could. */
#include <repoint/livepatch.h>

#ifdef RIGHT
static int init(const void *object, void *data, void *arg)
#else
static void init(const void *object, void *data, void *arg)
#endif
{
	*(const void **)data = arg ? arg : object;
#ifdef RIGHT
	return 0;
#endif
}

void *f(void)
{
	return rp_shadow_alloc(NULL, 1, sizeof(void *), init, NULL);
}
