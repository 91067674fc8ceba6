// SPDX-License-Identifier: MIT
/* A plugin with sites on the program's keys, and keys of its own. */
#include "shared.h"

RP_IMPORT_STATIC_KEY_FALSE(host_flag);

static int own(int x)
{
	return x * 3;
}

RP_DEFINE_STATIC_CALL(own_op, own);
RP_DEFINE_STATIC_KEY_FALSE(own_key);

static int call_host(int x)
{
	int result = rp_static_call(host_op)(x);

	__asm__ volatile("" : "+r" (result));
	return result;
}

static int tail_host(int x)
{
	return rp_static_call(host_op)(x);
}

static bool get_host_flag(void)
{
	if (rp_static_branch_unlikely(&host_flag))
		return true;
	return false;
}

static int call_own(int x)
{
	return rp_static_call(own_op)(x) + 1;
}

static int set_own(op_fn *function)
{
	return rp_static_call_update(own_op, function ? function : own);
}

static bool own_flag(void)
{
	if (rp_static_branch_likely(&own_key))
		return true;
	return false;
}

static int enable_own(bool enabled)
{
	return enabled ? rp_static_key_enable(&own_key)
		       : rp_static_key_disable(&own_key);
}

/* Protected: of several plugins each means its own. */
extern struct plugin plugin __attribute__((visibility("protected")));
struct plugin plugin = {
	.call_host = call_host, .tail_host = tail_host,
	.host_flag = get_host_flag, .call_own = call_own, .set_own = set_own,
	.own_flag = own_flag, .enable_own = enable_own,
};

/* Code of an object runs only when its sites are known and right. */
__attribute__((constructor)) static void on_load(void)
{
	plugin.constructed_call = call_host(0);
	plugin.constructed_flag = get_host_flag();
	rp_static_key_enable(&own_key);
}

__attribute__((destructor)) static void on_unload(void)
{
	rp_static_key_disable(&own_key);
	call_host(0);
}
