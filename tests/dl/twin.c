// SPDX-License-Identifier: MIT
/* A shared object that contains the library, with its symbols hidden. */
#include <repoint/static_call.h>
#include <repoint/static_key.h>

#include "twin.h"

static int one(int x)
{
	return x + 1;
}

static int two(int x)
{
	return x + 2;
}

RP_DEFINE_STATIC_CALL(op, one);
RP_DEFINE_STATIC_KEY_FALSE(key);

static void set_hook(void (*hook)(enum rp__inject_point point))
{
	__atomic_store_n(&rp__inject_hook, hook, __ATOMIC_SEQ_CST);
}

static int set(bool to_two)
{
	return rp_static_call_update(op, to_two ? two : one);
}

static int call(int x)
{
	return rp_static_call(op)(x);
}

static int enable(bool enabled)
{
	return enabled ? rp_static_key_enable(&key) : rp_static_key_disable(&key);
}

static bool flag(void)
{
	if (rp_static_branch_unlikely(&key))
		return true;
	return false;
}

extern const struct twin twin __attribute__((visibility("protected")));
const struct twin twin = {
	set_hook, rp_text_poke_single, rp_text_poke_get_stats, set, call, enable,
	flag
};
