// SPDX-License-Identifier: MIT
/*
 * {TRUE, FALSE} x {likely, unlikely} x {enable, disable, inc, dec}, each done
 * twice: what is returned, counted and branched.
 */
#include "site.h"
#include "check.h"

#include <errno.h>

RP_DEFINE_STATIC_KEY_TRUE(key_true);
RP_DEFINE_STATIC_KEY_FALSE(key_false);

/* Bit 0: unlikely, bit 1: likely, as `if` and as a value. */
static NOINLINE int branches_true(void)
{
	int taken = 0;

	if (rp_static_branch_unlikely(&key_true))
		taken |= 1;
	if (rp_static_branch_likely(&key_true))
		taken |= 2;
	taken |= rp_static_branch_unlikely(&key_true) ? 4 : 0;
	taken |= !rp_static_branch_likely(&key_true) ? 0 : 8;
	return taken;
}

static NOINLINE int branches_false(void)
{
	int taken = 0;

	if (rp_static_branch_unlikely(&key_false))
		taken |= 1;
	if (rp_static_branch_likely(&key_false))
		taken |= 2;
	taken |= rp_static_branch_unlikely(&key_false) ? 4 : 0;
	taken |= !rp_static_branch_likely(&key_false) ? 0 : 8;
	return taken;
}

enum change { ENABLE, DISABLE, INC, DEC };

static int change(struct rp_static_key *key, enum change what)
{
	switch (what) {
	case ENABLE:
		return rp_static_key_key_enable(key);
	case DISABLE:
		return rp_static_key_key_disable(key);
	case INC:
		return rp_static_key_key_inc(key);
	default:
		return rp_static_key_key_dec(key);
	}
}

/* struct row - from @count, @what twice: results, and counts after each. */
struct row {
	int count;
	enum change what;
	int result[2];
	int after[2];
};

static const struct row table[] = {
	{ 0, ENABLE,  { 0, 0 },			{ 1, 1 } },
	{ 0, DISABLE, { 0, 0 },			{ 0, 0 } },
	{ 0, INC,     { 0, 0 },			{ 1, 2 } },
	{ 0, DEC,     { -ERANGE, -ERANGE },	{ 0, 0 } },
	{ 1, ENABLE,  { 0, 0 },			{ 1, 1 } },
	{ 1, DISABLE, { 0, 0 },			{ 0, 0 } },
	{ 1, INC,     { 0, 0 },			{ 2, 3 } },
	{ 1, DEC,     { 0, -ERANGE },		{ 0, 0 } },
	{ 2, ENABLE,  { -ERANGE, -ERANGE },	{ 2, 2 } },
	{ 2, DISABLE, { -ERANGE, -ERANGE },	{ 2, 2 } },
	{ 2, INC,     { 0, 0 },			{ 3, 4 } },
	{ 2, DEC,     { 0, 0 },			{ 1, 0 } },
};

static void set_count(struct rp_static_key *key, int count)
{
	int error = 0;

	while (rp__static_key_count(key) < count && !error)
		error = rp_static_key_key_inc(key);
	while (rp__static_key_count(key) > count && !error)
		error = rp_static_key_key_dec(key);
	CHECK_EQ(error, 0);
}

static void check_row(const struct row *row, struct rp_static_key *key,
		      int (*branches)(void))
{
	set_count(key, row->count);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(change(key, row->what), row->result[i]);
		CHECK_EQ(rp__static_key_count(key), row->after[i]);
		CHECK_EQ(branches(), row->after[i] ? 15 : 0);
	}
}

int main(void)
{
	CHECK_EQ(branches_true(), 15);
	CHECK_EQ(branches_false(), 0);
	CHECK(rp_static_key_enabled(&key_true));
	CHECK(!rp_static_key_enabled(&key_false));
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
			check_row(&table[i], &key_true.key, branches_true);
			check_row(&table[i], &key_false.key, branches_false);
		}
	return check_status();
}
