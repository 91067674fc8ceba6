// SPDX-License-Identifier: MIT
/* Branches and calls in inline functions; in C++, in templates and lambdas. */
#include "site.h"
#include "check.h"

static int plain(int a)
{
	return a;
}

static int negated(int a)
{
	return -a;
}

RP_DEFINE_STATIC_KEY_FALSE(key);
RP_DEFINE_STATIC_CALL(call, plain);

static inline __attribute__((always_inline)) int look(int a)
{
	if (rp_static_branch_unlikely(&key))
		return a * 100;
	return rp_static_call(call)(a);
}

static NOINLINE int first(int a)
{
	return look(a) + look(a + 1);
}

static NOINLINE int second(int a)
{
	int sum = 0;

	for (int i = 0; i < 3; i++)
		sum += look(a);
	return sum;
}

#ifdef __cplusplus
template<typename T, int factor = 7> static NOINLINE T scaled(T a)
{
	if (rp_static_branch_likely(&key))
		return a * factor;
	return (T)rp_static_call(call)((int)a);
}

struct holder {
	int value;

	int get() const
	{
		auto lambda = [this] { return look(value); };

		return lambda();
	}
};

static void check_templates(int plainly, int hundred)
{
	holder h = { 5 };

	CHECK_EQ(h.get(), hundred ? 500 : 5 * plainly);
	CHECK_EQ((scaled<int, 3>(5)), hundred ? 15 : 5 * plainly);
	CHECK_EQ((scaled<long, 4>(5)), hundred ? 20 : 5 * plainly);
	CHECK(scaled<double>(2.0) == (hundred ? 14 : 2 * plainly));
}
#else
# define check_templates(plainly, hundred)
#endif

int main(void)
{
	CHECK_EQ(first(1), 3);
	CHECK_EQ(second(4), 12);
	check_templates(1, 0);
	CHECK_EQ(rp_static_call_update(call, negated), 0);
	CHECK_EQ(first(1), -3);
	CHECK_EQ(second(4), -12);
	check_templates(-1, 0);
	CHECK_EQ(rp_static_key_enable(&key), 0);
	CHECK_EQ(first(1), 300);
	CHECK_EQ(second(4), 1200);
	check_templates(1, 1);
	return check_status();
}
