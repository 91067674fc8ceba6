/* SPDX-License-Identifier: MIT */
/* Uses of ops tables, of every kind; all(3) is 48. */
#include "ops.h"

#define NOINLINE __attribute__((noinline))

static struct ops local NAMED(local);
struct ops same NAMED(same) HIDDEN = { .second = add1 };
int first_use(int x);
int unused(int x);
int (*loaded(void))(int);

NOINLINE void fill_local(void)
{
	local.second = add2;
	local.array[0] = add1;
	same.array[1] = add2;
}

struct ops *local_table(void)
{
	return &local;
}

int (*loaded(void))(int)
{
	return data.second;
}

/* Before any other code, so that the first site is early. */
NOINLINE int first_use(int x)
{
	return data.first(x) * 2;
}

static NOINLINE int locals(int x)
{
	return local.second(x) + local.array[0](x + 1);
}

static NOINLINE int tail(int x)
{
	return bss.array[1](x);
}

static NOINLINE int local_tail(int x)
{
	return local.second(x);
}

static __attribute__((cold, noinline)) int unlikely(int x)
{
	return ro.array[1](x) + 1;
}

static __attribute__((section(".init.text"), noinline)) int early(int x)
{
	return same.array[1](x) + same.second(x);
}

int unused(int x)
{
	return data.first(x) + 7;
}

int all(int x)
{
	return first_use(x) + locals(x) + tail(x) + local_tail(x) +
	       unlikely(x) + early(x) + data.second(x) + 1;
}
