// SPDX-License-Identifier: MIT
/* rp_static_call_cond() drops the value and may be used as a statement. */
#include "site.h"
#include "check.h"

static int calls;

static int count(int n)
{
	return calls += n;
}

RP_DEFINE_STATIC_CALL_NULL(maybe, count);

static NOINLINE int run(int n)
{
	if (n)
		rp_static_call_cond(maybe)(n++);
	else
		rp_static_call_cond(maybe)(100);
	return n;
}

int main(void)
{
	CHECK_EQ(run(1), 2);
	CHECK_EQ(run(0), 0);
	CHECK_EQ(calls, 0);
	CHECK_EQ(rp_static_call_update(maybe, count), 0);
	CHECK_EQ(run(1), 2);
	CHECK_EQ(run(0), 0);
	CHECK_EQ(calls, 101);
	return check_status();
}
