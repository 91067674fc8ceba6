// SPDX-License-Identifier: MIT
#include "plugin.h"

RP_IMPORT_STATIC_KEY_FALSE(exe_off);
RP_IMPORT_STATIC_KEY_TRUE(exe_on);

NOINLINE int plugin_call(void)
{
	return rp_static_call(exe_key_call)() + 100;
}

NOINLINE int plugin_tail(void)
{
	return rp_static_call(exe_key_call)();
}

NOINLINE int plugin_branches(void)
{
	return (rp_static_branch_unlikely(&exe_off) ? 1 : 0) +
	       (rp_static_branch_likely(&exe_on) ? 2 : 0);
}

int plugin_two(void)
{
	return 2;
}

int plugin_update(void)
{
	return rp_static_call_update(exe_key_call, plugin_two);
}
