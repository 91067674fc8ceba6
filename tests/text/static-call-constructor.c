// SPDX-License-Identifier: MIT
/*
 * Updates from a constructor of the same priority as ours, in the file that is
 * linked first: the tables of this object are not registered yet. The keys are
 * in static-call-constructor-keys.c.
 */
#include "check.h"

#include <repoint/static_call.h>
#include <repoint/static_key.h>

int initial(void);
int updated(void);
int call_defined(void);
int is_enabled(void);
void early(void);

RP_DECLARE_STATIC_CALL(early_call, initial);
RP_DECLARE_STATIC_KEY_FALSE(early_key);

int updated(void)
{
	return 2;
}

static int state_was_null, before, update_result, enable_result, after;

/* Called by the constructor in static-call-constructor-first.c. */
void early(void)
{
	state_was_null = rp__object.state == NULL;
	before = call_defined() * 10 + is_enabled();
	update_result = rp_static_call_update(early_call, updated);
	enable_result = rp_static_key_enable(&early_key);
	after = call_defined() * 10 + is_enabled();
}

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
