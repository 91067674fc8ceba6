// SPDX-License-Identifier: MIT
/* RET0 returns 0, by definition and by update, as a call and as a tail call. */
#include "site.h"
#include "check.h"

static long seven(int a)
{
	return 7 + a;
}

static const char *name(void)
{
	return "name";
}

RP_DEFINE_STATIC_CALL_RET0(of_type, long(int));
RP_DEFINE_STATIC_CALL_RET0(of_function, seven);
RP_DEFINE_STATIC_CALL(pointer, name);

static NOINLINE long call_type(void)
{
	return rp_static_call(of_type)(-1) + 1;
}

static NOINLINE long tail_function(int a)
{
	return rp_static_call(of_function)(a);
}

static NOINLINE const char *call_pointer(void)
{
	return rp_static_call(pointer)();
}

int main(void)
{
	CHECK_EQ(call_type(), 1);
	CHECK_EQ(tail_function(3), 0);
	CHECK_EQ(rp_static_call_update(of_type, seven), 0);
	CHECK_EQ(rp_static_call_update(of_function, seven), 0);
	CHECK_EQ(call_type(), 7);
	CHECK_EQ(tail_function(3), 10);
	CHECK_EQ(rp_static_call_update(of_type, RP_STATIC_CALL_RET0(seven)), 0);
	CHECK_EQ(rp_static_call_update(of_function,
				       RP_STATIC_CALL_RET0(long(int))), 0);
	CHECK_EQ(call_type(), 1);
	CHECK_EQ(tail_function(3), 0);

	CHECK(call_pointer() != NULL);
	CHECK_EQ(rp_static_call_update(pointer, RP_STATIC_CALL_RET0(name)), 0);
	CHECK(call_pointer() == NULL);
	CHECK(rp_static_call_query(pointer) == RP_STATIC_CALL_RET0(name));
	return check_status();
}
