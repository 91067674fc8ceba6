// SPDX-License-Identifier: MIT
/* Hooks that write down when they run, veto, hang and crash: see hooks.sh. */
#include "serve.h"

#if VERSION > 1
# include <repoint/livepatch.h>

# include <errno.h>
# include <stdlib.h>
# include <unistd.h>

extern char hook_log[4096];
extern volatile int hook_mode;
int program_version(void);

/* Without anything that takes a lock. */
static void note(char kind)
{
	int i = 0;

	while (hook_log[i])
		i++;
	hook_log[i] = '0' + program_version();
	hook_log[i + 1] = kind;
	hook_log[i + 2] = ' ';
	hook_log[i + 3] = 0;
}

static int misbehave(int mode)
{
	if (hook_mode == mode + 1)
		return -EBUSY;
	if (hook_mode == mode + 2) {
		for (;;)
			pause();
	}
	if (hook_mode == mode + 3)
		*(volatile int *)16 = 1;
	if (hook_mode == mode + 4)
		abort();
	if (hook_mode == mode + 5) {
		for (;;)
			__asm__ volatile("");
	}
	return 0;
}

static int pre_apply(void)
{
	note('a');
	return misbehave(10);
}
RP_LIVEPATCH_PRE_APPLY(pre_apply);

static int pre_apply_two(void)
{
	note('b');
	return 0;
}
RP_LIVEPATCH_PRE_APPLY(pre_apply_two);

static void at_apply(void)
{
	note('c');
	misbehave(20);
}
RP_LIVEPATCH_APPLY(at_apply);

static void post_apply(void)
{
	/* Other threads may hold its lock for a while only. */
	free(malloc(100));
	note('d');
	misbehave(30);
}
RP_LIVEPATCH_POST_APPLY(post_apply);

static int pre_revert(void)
{
	note('e');
	return misbehave(40);
}
RP_LIVEPATCH_PRE_REVERT(pre_revert);

static void at_revert(void)
{
	note('f');
	misbehave(50);
}
RP_LIVEPATCH_REVERT(at_revert);

static void post_revert(void)
{
	free(malloc(100));
	note('g');
	misbehave(60);
}
RP_LIVEPATCH_POST_REVERT(post_revert);

# define ITEM	7
#endif

/* A count for each object, from the second version on: a shadow variable. */
OPAQUE int count(void *object)
{
#if VERSION > 1
	int *n = rp_shadow_get_or_alloc(object, ITEM, sizeof(*n), 0, 0);

	return n ? ++*n : -1;
#else
	return object ? 0 : -1;
#endif
}
