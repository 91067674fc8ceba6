// SPDX-License-Identifier: MIT
/* What is no key is refused, and nothing is read through it. */
#include "site.h"
#include "check.h"

#include <errno.h>

#include <repoint/batch.h>

static void nothing(void)
{
}

int main(void)
{
	static struct rp_static_call_key no_call_key;
	static struct rp_static_key no_key;
	void *func = (void *)nothing;
	struct rp_batch *batch;

	CHECK_EQ(rp_static_call_key_update(NULL, func), -EINVAL);
	CHECK_EQ(rp_static_call_key_update(&no_call_key, func), -EINVAL);
	CHECK(no_call_key.func == NULL);
	CHECK_EQ(rp_static_key_key_enable(NULL), -EINVAL);
	CHECK_EQ(rp_static_key_key_enable(&no_key), -EINVAL);
	CHECK_EQ(rp_static_key_key_dec(&no_key), -EINVAL);
	CHECK_EQ(rp__static_key_count(&no_key), 0);

	/* A batch refuses as a whole, with the first error. */
	CHECK_EQ(rp_batch_begin(&batch, NULL), 0);
	CHECK_EQ(rp_batch_key_update(batch, &no_call_key, func), -EINVAL);
	CHECK_EQ(rp_batch_key_set(batch, &no_key, 1), -EINVAL);
	CHECK_EQ(rp_batch_commit(batch), -EINVAL);
	return check_status();
}
