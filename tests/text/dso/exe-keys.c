// SPDX-License-Identifier: MIT
/* Keys in the executable, sites in a library that is linked to it. */
#include "plugin.h"
#include "../check.h"

static int one(void)
{
	return 1;
}

RP_DEFINE_STATIC_CALL(exe_key_call, one);
RP_EXPORT_STATIC_CALL(exe_key_call);
RP_DEFINE_STATIC_KEY_FALSE(exe_off);
RP_EXPORT_STATIC_KEY(exe_off);
RP_DEFINE_STATIC_KEY_TRUE(exe_on);
RP_EXPORT_STATIC_KEY(exe_on);

static NOINLINE int call(void)
{
	return rp_static_call(exe_key_call)() + 10;
}

int main(void)
{
	CHECK_EQ(call(), 11);
	CHECK_EQ(plugin_call(), 101);
	CHECK_EQ(plugin_branches(), 2);
	CHECK_EQ(plugin_update(), 0);
	CHECK_EQ(call(), 12);
	CHECK_EQ(plugin_call(), 102);
	CHECK_EQ(plugin_tail(), 2);
	CHECK_EQ(rp_static_call_update(exe_key_call, RP_STATIC_CALL_RET0(one)),
		 0);
	CHECK_EQ(plugin_call(), 100);
	CHECK_EQ(plugin_tail(), 0);
	CHECK_EQ(rp_static_key_enable(&exe_off), 0);
	CHECK_EQ(rp_static_key_disable(&exe_on), 0);
	CHECK_EQ(plugin_branches(), 1);
	return check_status();
}
