// SPDX-License-Identifier: MIT
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "subject.h"

#define NOINLINE	__attribute__((noinline))
/* Nothing that is behind a call becomes a jump to it. */
#define STAY()		__asm__ volatile("" : : : "memory")
#define USE(p)		__asm__ volatile("" : : "r" (p) : "memory")

typedef void kind_fn(unsigned int depth, leaf_fn *leaf, void *data);

static NOINLINE void plain(unsigned int depth, leaf_fn *leaf, void *data)
{
	subject_mixed(depth, leaf, data);
	STAY();
}

static NOINLINE void saves_registers(unsigned int depth, leaf_fn *leaf,
				     void *data)
{
	uintptr_t a = depth, b = (uintptr_t)leaf, c = (uintptr_t)data;

	__asm__ volatile("" : "+r" (a), "+r" (b), "+r" (c));
	subject_mixed(depth, leaf, data);
	__asm__ volatile("" : : "r" (a), "r" (b), "r" (c) : "memory");
}

/* Uses %rbp, as all functions here do, for something else than frames. */
static NOINLINE void clobbers_bp(unsigned int depth, leaf_fn *leaf, void *data)
{
	__asm__ volatile("" : : : "rbx", "r12", "r13", "r14", "r15", "rbp");
	subject_mixed(depth, leaf, data);
	__asm__ volatile("" : : : "rbx", "r12", "r13", "r14", "r15", "rbp",
			 "memory");
}

static NOINLINE void variable(unsigned int depth, leaf_fn *leaf, void *data)
{
	char *array = __builtin_alloca(depth * 24 + 1);

	USE(array);
	subject_mixed(depth, leaf, data);
	USE(array);
}

static NOINLINE void realigned(unsigned int depth, leaf_fn *leaf, void *data)
{
	char array[64] __attribute__((aligned(64)));

	USE(array);
	subject_mixed(depth, leaf, data);
	USE(array);
}

static NOINLINE void realigned_variable(unsigned int depth, leaf_fn *leaf,
					void *data)
{
	char array[64] __attribute__((aligned(64)));
	char *more = __builtin_alloca(depth + 1);

	USE(array);
	USE(more);
	subject_mixed(depth, leaf, data);
	USE(array);
	USE(more);
}

static NOINLINE void large(unsigned int depth, leaf_fn *leaf, void *data)
{
	char array[40000];

	USE(array);
	subject_mixed(depth, leaf, data);
	USE(array);
}

static NOINLINE void many_arguments(unsigned int depth, leaf_fn *leaf,
				    void *data, int a, int b, int c, int d,
				    int e)
{
	__asm__ volatile("" : : "r" (a), "m" (b), "m" (c), "m" (d), "m" (e));
	subject_mixed(depth, leaf, data);
	STAY();
}

static NOINLINE void pushes(unsigned int depth, leaf_fn *leaf, void *data)
{
	many_arguments(depth, leaf, data, 1, 2, 3, 4, 5);
	STAY();
}

struct call {
	unsigned int depth;
	leaf_fn *leaf;
	void *data;
};

static int compare(const void *key, const void *member)
{
	const struct call *call = key;

	(void)member;
	subject_mixed(call->depth, call->leaf, call->data);
	STAY();
	return 0;
}

static NOINLINE void through_libc(unsigned int depth, leaf_fn *leaf, void *data)
{
	struct call call = { depth, leaf, data };

	USE(bsearch(&call, "x", 1, 1, compare));
}

NOINLINE void subject_mixed(unsigned int depth, leaf_fn *leaf, void *data)
{
	static kind_fn *const kinds[] = {
		plain, saves_registers, clobbers_bp, variable, realigned,
		realigned_variable, large, pushes, through_libc,
	};

	if (depth)
		kinds[depth % (sizeof(kinds) / sizeof(*kinds))](depth - 1, leaf,
								data);
	else
		leaf(data);
	STAY();
}

NOINLINE void subject_deep(unsigned int depth, leaf_fn *leaf, void *data)
{
	if (depth > 1)
		subject_deep(depth - 1, leaf, data);
	else
		leaf(data);
	STAY();
}

static NOINLINE unsigned long sum(unsigned long n)
{
	char bytes[256];

	memset(bytes, (int)n, sizeof(bytes));
	USE(bytes);
	return (n ? sum(n - 1) : 0) + (unsigned long)bytes[n % sizeof(bytes)];
}

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

NOINLINE unsigned long subject_work(unsigned long x)
{
	int values[64];
	char text[64];

	for (unsigned int i = 0; i < 64; i++)
		values[i] = (int)((x * 2654435761u) >> (i % 16)) & 0xffff;
	qsort(values, 64, sizeof(*values), by_value);
	memcpy(text, "12345678901234567890", 21);
	x += strtoul(text, NULL, 10) + strlen(text);
	return x + (unsigned long)values[x % 64] + sum(x % 20);
}
