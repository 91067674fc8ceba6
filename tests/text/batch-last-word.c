// SPDX-License-Identifier: MIT
/* Of several words on one key in a batch, the last one counts. */
#include "site.h"
#include "check.h"

#include <repoint/batch.h>

static int one(void)
{
	return 1;
}

static int two(void)
{
	return 2;
}

static int three(void)
{
	return 3;
}

RP_DEFINE_STATIC_CALL(call, one);
RP_DEFINE_STATIC_KEY_FALSE(key);

static NOINLINE int look(void)
{
	return rp_static_call(call)() * 10 +
	       (rp_static_branch_unlikely(&key) ? 1 : 0);
}

int main(void)
{
	struct rp_batch *batch;

	CHECK_EQ(rp_batch_begin(&batch, NULL), 0);
	CHECK_EQ(rp_batch_static_call_update(batch, call, NULL), 0);
	CHECK_EQ(rp_batch_static_key_enable(batch, &key), 0);
	CHECK_EQ(rp_batch_static_call_update(batch, call, three), 0);
	CHECK_EQ(rp_batch_static_key_disable(batch, &key), 0);
	CHECK_EQ(rp_batch_static_call_update(batch, call, two), 0);
	CHECK_EQ(rp_batch_commit(batch), 0);
	CHECK_EQ(look(), 20);

	/* Back to what it is already. */
	CHECK_EQ(rp_batch_begin(&batch, NULL), 0);
	CHECK_EQ(rp_batch_static_call_update(batch, call, one), 0);
	CHECK_EQ(rp_batch_static_call_update(batch, call, two), 0);
	CHECK_EQ(rp_batch_static_key_disable(batch, &key), 0);
	CHECK_EQ(rp_batch_static_key_enable(batch, &key), 0);
	CHECK_EQ(rp_batch_commit(batch), 0);
	CHECK_EQ(look(), 21);
	return check_status();
}
