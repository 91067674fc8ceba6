// SPDX-License-Identifier: MIT
/* Defines the keys, and what they call. */
#include "matrix.h"

/* A promise that there are no exports. */
#ifdef RP_STATIC_CALL_HIDDEN
# undef RP_EXPORT_STATIC_CALL
# define RP_EXPORT_STATIC_CALL(name)	struct small
#endif

int add(int a, int b)
{
	return a + b;
}

int sub(int a, int b)
{
	return a - b;
}

long sum10(int a, long b, int c, long d, int e, long f, int g, long h, int i,
	   long j)
{
	return a + b + c + d + e + f + g + h + i + j;
}

long alt10(int a, long b, int c, long d, int e, long f, int g, long h, int i,
	   long j)
{
	return a - b + c - d + e - f + g - h + i - j;
}

struct small swap_small(struct small s)
{
	struct small result = { s.b, s.a };

	return result;
}

struct small keep_small(struct small s)
{
	return s;
}

struct big reverse_big(struct big s, int n)
{
	struct big result = s;

	for (int i = 0; i < n; i++)
		result.v[i] = s.v[n - 1 - i];
	return result;
}

struct big same_big(struct big s, int n)
{
	s.v[0] += n;
	return s;
}

double mean(double a, float b, int c)
{
	return (a + b + c) / 3;
}

double product(double a, float b, int c)
{
	return a * b * c;
}

double sum_all(int n, ...)
{
	double sum = 0;
	va_list list;

	va_start(list, n);
	for (int i = 0; i < n; i++)
		sum += va_arg(list, double);
	va_end(list);
	return sum;
}

double last_of(int n, ...)
{
	double last = 0;
	va_list list;

	va_start(list, n);
	for (int i = 0; i < n; i++)
		last = va_arg(list, double);
	va_end(list);
	return last;
}

int booted(void)
{
	return 1;
}

int not_booted(void)
{
	return 0;
}

RP_DEFINE_STATIC_CALL(op, add);
RP_EXPORT_STATIC_CALL(op);
RP_DEFINE_STATIC_CALL(tail, add);
RP_EXPORT_STATIC_CALL(tail);
RP_DEFINE_STATIC_CALL(condition, add);
RP_EXPORT_STATIC_CALL(condition);
RP_DEFINE_STATIC_CALL(ten, sum10);
RP_EXPORT_STATIC_CALL(ten);
RP_DEFINE_STATIC_CALL(small, swap_small);
RP_EXPORT_STATIC_CALL(small);
RP_DEFINE_STATIC_CALL(big, reverse_big);
RP_EXPORT_STATIC_CALL(big);
RP_DEFINE_STATIC_CALL(floating, mean);
RP_EXPORT_STATIC_CALL(floating);
RP_DEFINE_STATIC_CALL(variadic, sum_all);
RP_EXPORT_STATIC_CALL(variadic);
RP_DEFINE_STATIC_CALL_NULL(maybe, int(int));
RP_EXPORT_STATIC_CALL(maybe);
RP_DEFINE_STATIC_CALL(boot, not_booted);
RP_DEFINE_STATIC_KEY_FALSE(off);
RP_EXPORT_STATIC_KEY(off);
RP_DEFINE_STATIC_KEY_TRUE(on);
RP_EXPORT_STATIC_KEY(on);
