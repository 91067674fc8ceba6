// SPDX-License-Identifier: MIT
/* A library with keys, that is loaded when the program runs. */
#include "shared.h"

int loaded_one(int x)
{
	return x + 1000;
}

int loaded_two(int x)
{
	return x + 2000;
}

RP_DEFINE_STATIC_CALL(loaded_op, loaded_one);
RP_EXPORT_STATIC_CALL(loaded_op);
RP_DEFINE_STATIC_KEY_FALSE(loaded_flag);
RP_EXPORT_STATIC_KEY(loaded_flag);

static int set(bool two)
{
	return rp_static_call_update(loaded_op, two ? loaded_two : loaded_one);
}

static int enable(bool enabled)
{
	return enabled ? rp_static_key_enable(&loaded_flag)
		       : rp_static_key_disable(&loaded_flag);
}

static int call(int x)
{
	return rp_static_call(loaded_op)(x);
}

extern const struct loaded loaded;
const struct loaded loaded = { set, enable, call };
