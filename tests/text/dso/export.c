// SPDX-License-Identifier: MIT
/* A full export: the executable calls, updates and asks; both see it. */
#include "library.h"
#include "../check.h"

SITE_SECTION(exe_call);

static int of_exe(void)
{
	return 7;
}

IN_SECTION(exe_call) int exe_call(void);
int exe_call(void)
{
	return rp_static_call(shared_call)() + 10;
}

static void check_sites(int (*func)(void))
{
	CHECK(SITE_EXPECT(TEST_CROSS_MODE, exe_call, shared_call, func));
	CHECK(lib_calls_as(TEST_MODE, func));
}

int main(void)
{
	CHECK_EQ(exe_call(), 11);
	CHECK_EQ(lib_call(), 101);
	check_sites(lib_one);
	CHECK_EQ(rp_static_call_update(shared_call, lib_two), 0);
	CHECK_EQ(exe_call(), 12);
	CHECK_EQ(lib_call(), 102);
	check_sites(lib_two);
	/* Far for the library. */
	CHECK_EQ(rp_static_call_update(shared_call, of_exe), 0);
	CHECK_EQ(exe_call(), 17);
	CHECK_EQ(lib_call(), 107);
	check_sites(of_exe);
	CHECK(rp_static_call_query(shared_call) == of_exe);
	CHECK_EQ(rp_static_call_update(shared_call,
				       RP_STATIC_CALL_RET0(of_exe)), 0);
	CHECK_EQ(exe_call(), 10);
	CHECK_EQ(lib_call(), 100);
	return check_status();
}
