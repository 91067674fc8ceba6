// SPDX-License-Identifier: MIT
/* Updates before any constructor ran, the library's own included. */
#include "check.h"

#include <repoint/static_call.h>
#include <repoint/static_key.h>

int initial(void);
int updated(void);
int call_defined(void);
int is_enabled(void);

RP_DECLARE_STATIC_CALL(early_call, initial);
RP_DECLARE_STATIC_KEY_FALSE(early_key);

int updated(void)
{
	return 2;
}

static int before, update_result, enable_result, after, state_was_null;

static void preinit(void)
{
	state_was_null = rp__object.state == NULL;
	before = call_defined() * 10 + is_enabled();
	update_result = rp_static_call_update(early_call, updated);
	enable_result = rp_static_key_enable(&early_key);
	after = call_defined() * 10 + is_enabled();
}

__attribute__((section(".preinit_array"), used))
static void (*preinit_entry)(void) = preinit;

int main(void)
{
	CHECK(state_was_null);
	CHECK_EQ(before, 10);
	CHECK_EQ(update_result, 0);
	CHECK_EQ(enable_result, 0);
	CHECK_EQ(after, 21);
	CHECK_EQ(call_defined() * 10 + is_enabled(), 21);
	return check_status();
}
