// SPDX-License-Identifier: MIT
/* Where nothing can be patched, the engine says so, and keys work. */
#include "../text/check.h"

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
RP_EXPORT_STATIC_CALL(call);
RP_DEFINE_STATIC_KEY_FALSE(key);
RP_EXPORT_STATIC_KEY(key);

static int look(void)
{
	return rp_static_call(call)() * 10 +
	       (rp_static_branch_unlikely(&key) ? 1 : 0);
}

int main(void)
{
	struct rp_text_poke_batch *poke = NULL;
	struct rp_text_poke_stats stats;
	struct rp_batch *batch;
	unsigned char byte = 0;

	CHECK_EQ(rp_text_poke_single(&byte, "\0", "\1", 1, NULL), -ENOTSUP);
	CHECK_EQ(rp_text_poke_batch_begin(&poke, NULL), -ENOTSUP);
	CHECK(poke == NULL);
	CHECK_EQ(byte, 0);

	CHECK_EQ(look(), 10);
	CHECK_EQ(rp_batch_begin(&batch, NULL), 0);
	CHECK_EQ(rp_batch_static_call_update(batch, call, two), 0);
	CHECK_EQ(rp_batch_static_key_enable(batch, &key), 0);
	CHECK_EQ(rp_batch_commit(batch), 0);
	CHECK_EQ(look(), 21);

	stats.sz = sizeof(stats);
	rp_text_poke_get_stats(&stats);
	CHECK_EQ(stats.commits, 0);
	CHECK_EQ(stats.mprotects, 0);
	CHECK(rp__object.key_sites == rp__object.key_sites_end);
	CHECK(rp__object.call_keys == rp__object.call_keys_end);
	return check_status();
}
