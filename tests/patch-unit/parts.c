/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <errno.h>
#include <math.h>

__thread int shared_tls = 9;
__thread long big_tls[5];
__attribute__((visibility("hidden"))) int hidden_value = 5;

static int choose_one(int v)
{
	return v + 1;
}

static int choose_two(int v)
{
	return v + hidden_value;
}

static int (*resolve(void))(int)
{
	return hidden_value ? choose_one : choose_two;
}

int chosen(int v) __attribute__((ifunc("resolve")));

int compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int part_of(int v)
{
	big_tls[v & 3] += v;
	errno = 0;
	return (int)big_tls[1] + compare_ints(&v, &hidden_value) + errno;
}
