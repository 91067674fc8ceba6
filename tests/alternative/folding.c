// SPDX-License-Identifier: MIT
/*
 * Functions whose code is the same, and whose replacements or keys are not:
 * linkers that fold identical code must not take them for one.
 */
#include <repoint/alternative.h>
#include <repoint/static_key.h>

#include "../text/check.h"

RP_DEFINE_STATIC_KEY_FALSE(one);
RP_DEFINE_STATIC_KEY_FALSE(other);

#define NOINLINE	__attribute__((noinline))

NOINLINE static int by_one(void)
{
	return rp_static_branch_unlikely(&one) ? 7 : 0;
}

NOINLINE static int by_other(void)
{
	return rp_static_branch_unlikely(&other) ? 7 : 0;
}

#define CHOICE(name, n)							\
	NOINLINE static int name(void)					\
	{								\
		int r;							\
									\
		rp_alternative_io("movl $1, %0", "movl $" #n ", %0",	\
				  RP_FEATURE_ALWAYS, RP_OUTPUTS("=r" (r)), \
				  RP_NONE, RP_NONE);			\
		return r;						\
	}

CHOICE(two, 2)
CHOICE(three, 3)

NOINLINE static int plain(void)
{
	int r;

	__asm__ volatile("movl $1, %0" : "=r" (r) : : "memory");
	return r;
}

int main(void)
{
	CHECK_EQ(rp_static_key_enable(&one), 0);
	CHECK_EQ(by_one(), 7);
	CHECK_EQ(by_other(), 0);
#ifdef RP_GENERIC
	CHECK_EQ(two() + three(), 2);
#else
	CHECK_EQ(two(), 2);
	CHECK_EQ(three(), 3);
#endif
	CHECK_EQ(plain(), 1);
	return check_status();
}
