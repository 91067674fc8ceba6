// SPDX-License-Identifier: MIT
/* A library with sites, whose keys are in another one, loaded before it. */
#include "shared.h"

RP_IMPORT_STATIC_KEY_FALSE(loaded_flag);

static int call(int x)
{
	return rp_static_call(loaded_op)(x) + 1;
}

static int set(bool two)
{
	return rp_static_call_update(loaded_op, two ? loaded_two : loaded_one);
}

static bool flag(void)
{
	if (rp_static_branch_unlikely(&loaded_flag))
		return true;
	return false;
}

extern const struct consumer consumer;
const struct consumer consumer = { call, set, flag };
