// SPDX-License-Identifier: MIT
/* A shared object with keys that it exports, wholly or in part. */
#include "library.h"

SITE_SECTION(lib_call);

int lib_one(void)
{
	return 1;
}

int lib_two(void)
{
	return 2;
}

RP_DEFINE_STATIC_CALL(shared_call, lib_one);
RP_EXPORT_STATIC_CALL(shared_call);
RP_DEFINE_STATIC_CALL(tramp_call, lib_one);
RP_EXPORT_STATIC_CALL_TRAMP(tramp_call);
RP_DEFINE_STATIC_KEY_FALSE(shared_off);
RP_EXPORT_STATIC_KEY(shared_off);
RP_DEFINE_STATIC_KEY_TRUE(shared_on);
RP_EXPORT_STATIC_KEY(shared_on);
/* For tests/nocompile: nobody else may use them. */
RP_DEFINE_STATIC_CALL(private_call, lib_one);
RP_DEFINE_STATIC_KEY_FALSE(private_key);

IN_SECTION(lib_call) int lib_call(void)
{
	return rp_static_call(shared_call)() + 100;
}

NOINLINE int lib_call_tramp(void)
{
	return rp_static_call(tramp_call)() + 100;
}

int lib_set_tramp(int (*func)(void))
{
	return rp_static_call_update(tramp_call, func);
}

NOINLINE int lib_branches(void)
{
	return (rp_static_branch_unlikely(&shared_off) ? 1 : 0) +
	       (rp_static_branch_likely(&shared_on) ? 2 : 0);
}

int lib_enable_off(void)
{
	return rp_static_key_enable(&shared_off);
}

bool lib_calls_as(enum site_mode mode, int (*func)(void))
{
	return SITE_EXPECT(mode, lib_call, shared_call, func);
}
