// SPDX-License-Identifier: MIT
/*
 * Branches with declarations between them: a branch jumps within itself, so
 * that nothing that is initialised or destroyed is in its way.
 */
#include "site.h"
#include "check.h"

RP_DEFINE_STATIC_KEY_FALSE(a);
RP_DEFINE_STATIC_KEY_TRUE(b);

static int destroyed;

#ifdef __cplusplus
struct guard {
	int value;

	explicit guard(int v) : value(v) {}
	~guard() { destroyed++; }
};
# define GUARD(name, n)	guard name(n)
# define GUARDED(name)	(name.value)
#else
# define GUARD(name, n)	int name = n
# define GUARDED(name)	(name)
#endif

static NOINLINE int look(int n)
{
	int sum = 0;

	if (rp_static_branch_unlikely(&a))
		sum += 1;
	GUARD(outer, n);

	for (int i = n; i > 0; i--) {
		int square = i * i;

		if (rp_static_branch_likely(&b)) {
			GUARD(inner, square);

			if (rp_static_branch_unlikely(&a))
				sum += 10 * GUARDED(inner);
		}
		switch (i) {
		case 1:
			sum += rp_static_branch_likely(&b) ? 100 : 0;
			break;
		default:
			if (rp_static_branch_unlikely(&a))
				continue;
			sum += 1000;
		}
	}
	return sum + GUARDED(outer);
}

int main(void)
{
	CHECK_EQ(look(3), 2103);
	CHECK_EQ(rp_static_key_enable(&a), 0);
	CHECK_EQ(look(3), 1 + 10 * (9 + 4 + 1) + 100 + 3);
	CHECK_EQ(rp_static_key_disable(&b), 0);
	CHECK_EQ(look(3), 4);
#ifdef __cplusplus
	CHECK_EQ(destroyed, 3 + 3 + 3);
#else
	CHECK_EQ(destroyed, 0);
#endif
	return check_status();
}
