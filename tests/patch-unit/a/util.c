/* SPDX-License-Identifier: MIT */
/* Its twin in b/ has the same names, and the same code but for one constant. */
#ifndef ENTRY
#define ENTRY	a_entry
#define NUMBER	3
#endif

int ENTRY(int v);

static int counter = 1;
static int table[4] = { NUMBER, 2, 3, 4 };

static __attribute__((noinline, noclone)) int helper(int v)
{
	__asm__ volatile("" : "+r"(v));
	return v * 7 + 1;
}

static __attribute__((noinline, noclone)) int bump(int v)
{
	static int calls;

	calls += v;
	counter += helper(v);
	return calls + table[v & 3];
}

static __attribute__((noinline, noclone)) int other(int v)
{
	static int calls = 5;

	calls ^= v;
	return calls;
}

int ENTRY(int v)
{
	return bump(v) + helper(counter) + other(v) + NUMBER;
}
