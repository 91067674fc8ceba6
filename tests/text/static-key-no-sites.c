// SPDX-License-Identifier: MIT
/* Keys that no branch uses, or that dropped code used, are counters still. */
#include "site.h"
#include "check.h"

RP_DEFINE_STATIC_KEY_FALSE(unused);
static RP_DEFINE_STATIC_KEY_TRUE(in_dead_code);

int main(void)
{
	CHECK_EQ(rp_static_key_inc(&unused), 0);
	CHECK_EQ(rp_static_key_inc(&unused), 0);
	CHECK_EQ(rp_static_key_count(&unused), 2);
	CHECK_EQ(rp_static_key_dec(&unused), 0);
	CHECK_EQ(rp_static_key_disable(&unused), 0);
	CHECK(!rp_static_key_enabled(&unused));
	if (0 && rp_static_branch_likely(&in_dead_code))
		return 1;
	CHECK_EQ(rp_static_key_disable(&in_dead_code), 0);
	CHECK(!rp_static_key_enabled(&in_dead_code));
	return check_status();
}
