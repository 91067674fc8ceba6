// SPDX-License-Identifier: MIT
/* Counts end at INT_MAX and at 0: an error, never a wrap. */
#include "site.h"
#include "check.h"

#include <errno.h>
#include <limits.h>

RP_DEFINE_STATIC_KEY_FALSE(key);

static NOINLINE int taken(void)
{
	return rp_static_branch_unlikely(&key) ? 1 : 0;
}

int main(void)
{
	CHECK_EQ(rp_static_key_dec(&key), -ERANGE);
	CHECK_EQ(rp_static_key_count(&key), 0);
	CHECK_EQ(rp_static_key_inc(&key), 0);
	/* Nobody has the time to count there. */
	key.key.count = INT_MAX - 1;
	CHECK_EQ(rp_static_key_inc(&key), 0);
	CHECK_EQ(rp_static_key_count(&key), INT_MAX);
	CHECK_EQ(rp_static_key_inc(&key), -ERANGE);
	CHECK_EQ(rp_static_key_count(&key), INT_MAX);
	CHECK_EQ(taken(), 1);
	CHECK_EQ(rp_static_key_dec(&key), 0);
	CHECK_EQ(rp_static_key_count(&key), INT_MAX - 1);
	CHECK_EQ(rp_static_key_disable(&key), -ERANGE);
	CHECK_EQ(taken(), 1);
	key.key.count = 1;
	CHECK_EQ(rp_static_key_dec(&key), 0);
	CHECK_EQ(taken(), 0);
	return check_status();
}
