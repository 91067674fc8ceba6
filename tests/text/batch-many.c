// SPDX-License-Identifier: MIT
/* A batch changes calls and keys together; until the commit, nothing. */
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

#define KEYS	50

RP_DEFINE_STATIC_CALL(a, one);
RP_DEFINE_STATIC_CALL(b, one);
RP_DEFINE_STATIC_CALL_NULL(c, one);
RP_DEFINE_STATIC_KEY_FALSE(off);
RP_DEFINE_STATIC_KEY_TRUE(on);
RP_DEFINE_STATIC_KEY_ARRAY_FALSE(many, KEYS);

static NOINLINE int look(void)
{
	return rp_static_call(a)() * 1000 + rp_static_call(b)() * 100 +
	       (rp_static_branch_unlikely(&off) ? 10 : 0) +
	       (rp_static_branch_likely(&on) ? 1 : 0);
}

static struct rp_batch *fill(void)
{
	struct rp_batch *batch = NULL;

	CHECK_EQ(rp_batch_begin(&batch, NULL), 0);
	CHECK_EQ(rp_batch_static_call_update(batch, a, two), 0);
	CHECK_EQ(rp_batch_static_call_update(batch, b,
					     RP_STATIC_CALL_RET0(one)), 0);
	CHECK_EQ(rp_batch_static_call_update(batch, c, two), 0);
	CHECK_EQ(rp_batch_static_key_enable(batch, &off), 0);
	CHECK_EQ(rp_batch_static_key_disable(batch, &on), 0);
	for (int i = 0; i < KEYS; i++)
		CHECK_EQ(rp_batch_static_key_enable(batch, &many[i]), 0);
	return batch;
}

int main(void)
{
	struct rp_batch *batch;

	rp_batch_abort(NULL);
	rp_batch_abort(fill());
	CHECK_EQ(look(), 1101);
	batch = fill();
	CHECK_EQ(look(), 1101);
	CHECK_EQ(rp_batch_commit(batch), 0);
	CHECK_EQ(look(), 2010);
	CHECK(rp_static_call_query(c) == two);
	for (int i = 0; i < KEYS; i++)
		CHECK_EQ(rp_static_key_count(&many[i]), 1);

	/* An empty one is fine. */
	CHECK_EQ(rp_batch_begin(&batch, NULL), 0);
	CHECK_EQ(rp_batch_commit(batch), 0);
	CHECK_EQ(look(), 2010);
	return check_status();
}
