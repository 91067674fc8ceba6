// SPDX-License-Identifier: MIT
/* Several branches on one line, in one expression, in copies of one loop. */
#include "site.h"
#include "check.h"

RP_DEFINE_STATIC_KEY_FALSE(a);
RP_DEFINE_STATIC_KEY_FALSE(b);

#define BOTH	(rp_static_branch_unlikely(&a) && rp_static_branch_likely(&b))
#define EITHER	(rp_static_branch_unlikely(&a) || rp_static_branch_likely(&b))
#define COUNT()								\
	do { if (BOTH) both++; if (EITHER) either++; } while (0)

static NOINLINE int look(void)
{
	int both = 0, either = 0;

	COUNT(); COUNT();
	for (int i = 0; i < 8; i++)
		COUNT();
	return both * 100 + either;
}

int main(void)
{
	CHECK_EQ(look(), 0);
	CHECK_EQ(rp_static_key_enable(&a), 0);
	CHECK_EQ(look(), 10);
	CHECK_EQ(rp_static_key_enable(&b), 0);
	CHECK_EQ(look(), 1010);
	CHECK_EQ(rp_static_key_disable(&a), 0);
	CHECK_EQ(look(), 10);
	CHECK_EQ(rp_static_key_disable(&b), 0);
	CHECK_EQ(look(), 0);
	return check_status();
}
