/* SPDX-License-Identifier: MIT */
/* Tables in .data, .bss and .data.rel.ro (or .rodata). */
#include "ops.h"

struct ops data = { .first = add1, .second = add2, .array = { add1, add2 } };
struct ops bss;
const struct ops ro = { .second = add2, .array = { add2, add1 } };

int add1(int x)
{
	return x + 1;
}

int add2(int x)
{
	return x + 2;
}

void fill_tables(void)
{
	bss = data;
}
