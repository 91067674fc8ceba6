// SPDX-License-Identifier: MIT
/* Structs by value: in registers, in memory, mixed classes. */
#include "site.h"
#include "check.h"

struct small {
	short a;
	int b;
};

struct mixed {
	double x;
	long n;
};

struct big {
	long v[9];
};

static struct small swap(struct small s)
{
	struct small result = { (short)s.b, s.a };

	return result;
}

static struct small same(struct small s)
{
	return s;
}

static struct mixed twice(struct mixed m)
{
	m.x *= 2;
	m.n *= 2;
	return m;
}

static struct mixed half(struct mixed m)
{
	m.x /= 2;
	m.n /= 2;
	return m;
}

static struct big reverse(struct big b, int from)
{
	struct big result = b;

	for (int i = from; i < 9; i++)
		result.v[i] = b.v[8 - i];
	return result;
}

static struct big fill(struct big b, int from)
{
	for (int i = from; i < 9; i++)
		b.v[i] = -i;
	return b;
}

RP_DEFINE_STATIC_CALL(small, swap);
RP_DEFINE_STATIC_CALL(mixed, twice);
RP_DEFINE_STATIC_CALL(big, reverse);

static NOINLINE struct small call_small(struct small s)
{
	return rp_static_call(small)(s);
}

static NOINLINE struct mixed call_mixed(struct mixed m)
{
	return rp_static_call(mixed)(m);
}

static NOINLINE long call_big(const struct big *b, int from, int index)
{
	return rp_static_call(big)(*b, from).v[index];
}

int main(void)
{
	struct small s = { 1, 2 };
	struct mixed m = { 1.5, 4 };
	struct big b = { { 0, 1, 2, 3, 4, 5, 6, 7, 8 } };

	CHECK_EQ(call_small(s).a, 2);
	CHECK_EQ(call_small(s).b, 1);
	CHECK(call_mixed(m).x == 3 && call_mixed(m).n == 8);
	CHECK_EQ(call_big(&b, 1, 0), 0);
	CHECK_EQ(call_big(&b, 1, 1), 7);

	CHECK_EQ(rp_static_call_update(small, same), 0);
	CHECK_EQ(rp_static_call_update(mixed, half), 0);
	CHECK_EQ(rp_static_call_update(big, fill), 0);
	CHECK_EQ(call_small(s).a, 1);
	CHECK_EQ(call_small(s).b, 2);
	CHECK(call_mixed(m).x == 0.75 && call_mixed(m).n == 2);
	CHECK_EQ(call_big(&b, 4, 3), 3);
	CHECK_EQ(call_big(&b, 4, 8), -8);
	return check_status();
}
