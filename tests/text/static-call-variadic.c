// SPDX-License-Identifier: MIT
/* Variadic functions: the count of vector registers (AL) arrives. */
#include "site.h"
#include "check.h"

#include <stdarg.h>

static double sum(const char *types, ...)
{
	double result = 0;
	va_list list;

	va_start(list, types);
	for (; *types; types++)
		result += *types == 'd' ? va_arg(list, double)
					: va_arg(list, int);
	va_end(list);
	return result;
}

static double greatest(const char *types, ...)
{
	double result = -1e9, value;
	va_list list;

	va_start(list, types);
	for (; *types; types++) {
		value = *types == 'd' ? va_arg(list, double)
				      : va_arg(list, int);
		result = value > result ? value : result;
	}
	va_end(list);
	return result;
}

RP_DEFINE_STATIC_CALL(of_many, sum);

static NOINLINE double call_doubles(void)
{
	return rp_static_call(of_many)("dddd", 1.5, 2.0, 30.0, 4.0);
}

static NOINLINE double call_more(void)
{
	return rp_static_call(of_many)("didididdddddi", 1.0, 2, 3.0, 4, 5.0, 6,
				       7.0, 8.0, 9.0, 10.0, 11.0, 12.0, -50);
}

static NOINLINE double call_ints(void)
{
	return rp_static_call(of_many)("iii", 1, 2, 3);
}

int main(void)
{
	CHECK(call_doubles() == 37.5);
	CHECK(call_more() == 28);
	CHECK(call_ints() == 6);
	CHECK_EQ(rp_static_call_update(of_many, greatest), 0);
	CHECK(call_doubles() == 30);
	CHECK(call_more() == 12);
	CHECK(call_ints() == 3);
	return check_status();
}
