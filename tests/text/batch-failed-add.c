// SPDX-License-Identifier: MIT
/* A batch with an add that failed, or a key that cannot, changes nothing. */
#include "site.h"
#include "check.h"

#include <errno.h>

#include <repoint/batch.h>

static int one(void)
{
	return 1;
}

static int two(void)
{
	return 2;
}

RP_DEFINE_STATIC_CALL(call, one);
RP_DEFINE_STATIC_KEY_FALSE(key);
RP_DEFINE_STATIC_KEY_FALSE(counted);

static NOINLINE int look(void)
{
	return rp_static_call(call)() * 100 +
	       (rp_static_branch_unlikely(&key) ? 10 : 0) +
	       (rp_static_branch_unlikely(&counted) ? 1 : 0);
}

int main(void)
{
	static struct rp_static_call_key no_key;
	static struct rp_error error;
	static struct rp_text_poke_opts opts;
	struct rp_batch *batch;

	opts.sz = sizeof(opts);
	opts.error = &error;
	CHECK_EQ(rp_batch_begin(&batch, &opts), 0);
	CHECK_EQ(rp_batch_static_call_update(batch, call, two), 0);
	CHECK_EQ(rp_batch_key_update(batch, &no_key, NULL), -EINVAL);
	CHECK_EQ(rp_batch_static_key_enable(batch, &key), 0);
	CHECK_EQ(rp_batch_commit(batch), -EINVAL);
	CHECK_EQ(error.code, -EINVAL);
	CHECK(error.message[0] != '\0');
	CHECK_EQ(look(), 100);

	/* Somebody counts: it cannot be switched. */
	CHECK_EQ(rp_static_key_inc(&counted), 0);
	CHECK_EQ(rp_static_key_inc(&counted), 0);
	CHECK_EQ(rp_batch_begin(&batch, NULL), 0);
	CHECK_EQ(rp_batch_static_call_update(batch, call, two), 0);
	CHECK_EQ(rp_batch_static_key_enable(batch, &key), 0);
	CHECK_EQ(rp_batch_static_key_disable(batch, &counted), 0);
	CHECK_EQ(rp_batch_commit(batch), -ERANGE);
	CHECK_EQ(look(), 101);
	CHECK_EQ(rp_static_key_count(&key), 0);
	CHECK_EQ(rp_static_key_count(&counted), 2);
	CHECK(rp_static_call_query(call) == one);
	return check_status();
}
