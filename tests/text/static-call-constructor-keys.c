// SPDX-License-Identifier: MIT
/* The keys that static-call-constructor.c and -preinit.c update early. */
#include "site.h"

int initial(void);
int call_defined(void);
int is_enabled(void);

int initial(void)
{
	return 1;
}

RP_DEFINE_STATIC_CALL(early_call, initial);
RP_DEFINE_STATIC_KEY_FALSE(early_key);

NOINLINE int call_defined(void)
{
	return rp_static_call(early_call)();
}

NOINLINE int is_enabled(void)
{
	return rp_static_branch_unlikely(&early_key) ? 1 : 0;
}
