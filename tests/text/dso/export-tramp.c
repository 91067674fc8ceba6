// SPDX-License-Identifier: MIT
/* An export of the trampoline only: the executable follows the updates. */
#include "library.h"
#include "../check.h"

static int of_exe(void)
{
	return 7;
}

static NOINLINE int call(void)
{
	return rp_static_call(tramp_call)() + 10;
}

static NOINLINE int tail_call(void)
{
	return rp_static_call(tramp_call)();
}

int main(void)
{
	CHECK_EQ(call(), 11);
	CHECK_EQ(tail_call(), 1);
	CHECK_EQ(lib_set_tramp(lib_two), 0);
	CHECK_EQ(call(), 12);
	CHECK_EQ(tail_call(), 2);
	CHECK_EQ(lib_call_tramp(), 102);
	CHECK_EQ(lib_set_tramp(of_exe), 0);
	CHECK_EQ(call(), 17);
	CHECK_EQ(tail_call(), 7);
	CHECK_EQ(lib_call_tramp(), 107);
	CHECK_EQ(lib_set_tramp(RP_STATIC_CALL_RET0(of_exe)), 0);
	CHECK_EQ(call(), 10);
	CHECK_EQ(tail_call(), 0);
	return check_status();
}
