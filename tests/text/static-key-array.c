// SPDX-License-Identifier: MIT
/* Keys of an array are independent; any index changes, a constant branches. */
#include "site.h"
#include "check.h"

#define KEYS	4

RP_DEFINE_STATIC_KEY_ARRAY_TRUE(ons, KEYS);
static RP_DEFINE_STATIC_KEY_ARRAY_FALSE(offs, KEYS);

static NOINLINE int taken(void)
{
	int bits = 0;

	bits |= rp_static_branch_likely(&ons[0]) ? 1 : 0;
	bits |= rp_static_branch_likely(&ons[1]) ? 2 : 0;
	bits |= rp_static_branch_unlikely(&ons[2]) ? 4 : 0;
	bits |= rp_static_branch_unlikely(&ons[KEYS - 1]) ? 8 : 0;
	bits |= rp_static_branch_likely(&offs[0]) ? 16 : 0;
	bits |= rp_static_branch_likely(&offs[1]) ? 32 : 0;
	bits |= rp_static_branch_unlikely(&offs[2]) ? 64 : 0;
	bits |= rp_static_branch_unlikely(&offs[KEYS - 1]) ? 128 : 0;
	return bits;
}

int main(void)
{
	int expected = 15;

	CHECK_EQ(taken(), expected);
	for (int i = 0; i < KEYS; i++) {
		CHECK_EQ(rp_static_key_enable(&offs[i]), 0);
		expected |= 16 << i;
		CHECK_EQ(taken(), expected);
		CHECK_EQ(rp_static_key_dec(&ons[i]), 0);
		expected &= ~(1 << i);
		CHECK_EQ(taken(), expected);
	}
	CHECK_EQ(expected, 0xf0);
	return check_status();
}
