// SPDX-License-Identifier: MIT
/*
 * A detector that uses a key of its own object: refused, because the object's
 * alternatives would be applied before all features are known.
 */
#include <errno.h>

#include <repoint/alternative.h>
#include <repoint/static_key.h>

#include "../text/check.h"

#define FIRST	RP_FEATURE_SYNTHETIC(0)
#define SECOND	RP_FEATURE_SYNTHETIC(1)

RP_DEFINE_STATIC_KEY_FALSE(key);

static int answer;

static int uses_key(void)
{
	answer = rp_static_key_enable(&key);
	return 1;
}

static int is_there(void)
{
	return 1;
}

RP_DEFINE_FEATURE(FIRST, "first", uses_key);
RP_DEFINE_FEATURE(SECOND, "second", is_there);

static int value(void)
{
	int r = 0;

	rp_alternative_io("movl $1, %0", "movl $2, %0", SECOND,
			  RP_OUTPUTS("=r" (r)), RP_NONE, RP_NONE);
	return r;
}

int main(void)
{
	CHECK_EQ(answer, -EDEADLK);
	CHECK_EQ(rp_static_key_enabled(&key), 0);
	CHECK_EQ(rp_cpu_has(FIRST), 1);
	CHECK_EQ(value(), 2);
	CHECK_EQ(rp_static_key_enable(&key), 0);
	CHECK(rp_static_branch_unlikely(&key));
	return check_status();
}
