// SPDX-License-Identifier: MIT
/* rp_static_call_query() tells what was set last, with its type. */
#include "site.h"
#include "check.h"

static int one(void)
{
	return 1;
}

static int two(void)
{
	return 2;
}

RP_DEFINE_STATIC_CALL(defined, one);
RP_DEFINE_STATIC_CALL_NULL(null, one);
RP_DEFINE_STATIC_CALL_RET0(ret0, one);

int main(void)
{
	CHECK(rp_static_call_query(defined) == one);
	CHECK(rp_static_call_query(null) == NULL);
	CHECK(rp_static_call_query(ret0) == RP_STATIC_CALL_RET0(one));
	CHECK_EQ(rp_static_call_update(defined, two), 0);
	CHECK(rp_static_call_query(defined) == two);
	CHECK_EQ(rp_static_call_query(defined)(), 2);
	CHECK_EQ(rp_static_call_update(defined, NULL), 0);
	CHECK(rp_static_call_query(defined) == NULL);
	return check_status();
}
