// SPDX-License-Identifier: MIT
/*
 * Under threads, a batch of many keys costs one synchronisation, and two
 * mprotect calls for each run of pages, here one or two runs.
 */
#include "site.h"
#include "check.h"

#include <pthread.h>

#include <repoint/batch.h>

#define KEYS	100
#define BRANCH(i)	sum += rp_static_branch_unlikely(&keys[i]) ? 1 : 0
#define BRANCHES(i)							\
	BRANCH(i); BRANCH(i + 1); BRANCH(i + 2); BRANCH(i + 3); BRANCH(i + 4)

RP_DEFINE_STATIC_KEY_ARRAY_FALSE(keys, KEYS);

static NOINLINE int look(void)
{
	int sum = 0;

	BRANCHES(0); BRANCHES(5); BRANCHES(10); BRANCHES(15);
	BRANCHES(20); BRANCHES(25); BRANCHES(30); BRANCHES(35);
	return sum;
}

static volatile int stop;

static void *spin(void *unused)
{
	while (!stop)
		if (look() < 0)
			return unused;
	return unused;
}

static void commit(bool enabled)
{
	struct rp_text_poke_stats before, after;
	struct rp_batch *batch = NULL;

	before.sz = after.sz = sizeof(before);
	CHECK_EQ(rp_batch_begin(&batch, NULL), 0);
	for (int i = 0; i < KEYS; i++)
		CHECK_EQ(enabled ? rp_batch_static_key_enable(batch, &keys[i])
				 : rp_batch_static_key_disable(batch, &keys[i]),
			 0);
	rp_text_poke_get_stats(&before);
	CHECK_EQ(rp_batch_commit(batch), 0);
	rp_text_poke_get_stats(&after);
	CHECK_EQ(after.syncs - before.syncs, 1);
	CHECK_EQ(after.mprotects - before.mprotects, 2);
	CHECK_EQ(after.commits - before.commits, 1);
	CHECK_EQ(after.sites[RP_PROTOCOL_ATOMIC] -
		 before.sites[RP_PROTOCOL_ATOMIC], 40);
	CHECK_EQ(after.sites[RP_PROTOCOL_BREAKPOINT], 0);
	CHECK_EQ(look(), enabled ? 40 : 0);
}

int main(void)
{
	struct rp_text_poke_info info;
	pthread_t thread;

	info.sz = sizeof(info);
	rp_text_poke_get_info(&info);
	if (info.sync == RP_SYNC_AUTO)
		return check_skip("no way to synchronise threads is permitted");
	CHECK_EQ(pthread_create(&thread, NULL, spin, NULL), 0);
	for (int i = 0; i < 20; i++) {
		commit(true);
		commit(false);
	}
	stop = 1;
	pthread_join(thread, NULL);
	return check_status();
}
