// SPDX-License-Identifier: MIT
/* Static keys of a library, imported: one state, whoever changes it. */
#include "library.h"
#include "../check.h"

#include <repoint/batch.h>

RP_IMPORT_STATIC_KEY_FALSE(shared_off);
RP_IMPORT_STATIC_KEY_TRUE(shared_on);

static NOINLINE int branches(void)
{
	return (rp_static_branch_unlikely(&shared_off) ? 1 : 0) +
	       (rp_static_branch_likely(&shared_on) ? 2 : 0);
}

int main(void)
{
	struct rp_batch *batch;

	CHECK_EQ(branches(), 2);
	CHECK_EQ(rp_static_key_inc(&shared_off), 0);
	CHECK_EQ(branches(), 3);
	CHECK_EQ(lib_branches(), 3);
	CHECK_EQ(lib_enable_off(), 0);
	CHECK_EQ(rp_static_key_count(&shared_off), 1);
	CHECK_EQ(rp_static_key_dec(&shared_off), 0);
	CHECK_EQ(lib_branches(), 2);
	CHECK_EQ(lib_enable_off(), 0);
	CHECK_EQ(branches(), 3);
	CHECK(rp_static_key_enabled(&shared_off));

	CHECK_EQ(rp_batch_begin(&batch, NULL), 0);
	CHECK_EQ(rp_batch_static_key_disable(batch, &shared_off), 0);
	CHECK_EQ(rp_batch_static_key_disable(batch, &shared_on), 0);
	CHECK_EQ(rp_batch_commit(batch), 0);
	CHECK_EQ(branches(), 0);
	CHECK_EQ(lib_branches(), 0);
	CHECK_EQ(rp_static_key_count(&shared_on), 0);
	return check_status();
}
