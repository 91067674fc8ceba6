// SPDX-License-Identifier: MIT
/* A call whose key is NULL evaluates its arguments and does nothing. */
#include "site.h"
#include "check.h"

static int calls;

static void count(int n)
{
	calls += n;
}

RP_DEFINE_STATIC_CALL_NULL(of_type, void(int));
RP_DEFINE_STATIC_CALL_NULL(of_function, count);
RP_DEFINE_STATIC_CALL(later, count);

static NOINLINE int call_all(int n)
{
	rp_static_call(of_type)(++n);
	rp_static_call(of_function)(++n);
	rp_static_call(later)(++n);
	return n;
}

static NOINLINE void tail_call(int n)
{
	rp_static_call(of_type)(n);
}

int main(void)
{
	CHECK_EQ(call_all(0), 3);
	CHECK_EQ(calls, 3);
	CHECK_EQ(rp_static_call_update(later, NULL), 0);
	CHECK_EQ(call_all(0), 3);
	tail_call(7);
	CHECK_EQ(calls, 3);
	CHECK_EQ(rp_static_call_update(of_type, count), 0);
	CHECK_EQ(rp_static_call_update(of_function, count), 0);
	CHECK_EQ(call_all(0), 3);
	CHECK_EQ(calls, 3 + 1 + 2);
	tail_call(7);
	CHECK_EQ(calls, 13);
	return check_status();
}
