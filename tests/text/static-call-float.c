// SPDX-License-Identifier: MIT
/* Floating-point arguments and results: float, double, long double. */
#include "site.h"
#include "check.h"

static float addf(float a, int b)
{
	return a + (float)b;
}

static float mulf(float a, int b)
{
	return a * (float)b;
}

static double nine(double a, double b, double c, double d, double e, double f,
		   double g, double h, double i)
{
	return a + b + c + d + e + f + g + h + i;
}

static double ninth(double a, double b, double c, double d, double e, double f,
		    double g, double h, double i)
{
	(void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
	return i;
}

static long double addl(long double a, double b)
{
	return a + b;
}

static long double subl(long double a, double b)
{
	return a - b;
}

RP_DEFINE_STATIC_CALL(of_float, addf);
RP_DEFINE_STATIC_CALL(of_double, nine);
RP_DEFINE_STATIC_CALL(of_long_double, addl);

static NOINLINE float call_float(float a)
{
	return rp_static_call(of_float)(a, 3);
}

static NOINLINE double call_double(double a)
{
	return rp_static_call(of_double)(a, 2, 3, 4, 5, 6, 7, 8, 9.5);
}

static NOINLINE long double call_long_double(long double a)
{
	return rp_static_call(of_long_double)(a, 0.5);
}

int main(void)
{
	CHECK(call_float(1.5f) == 4.5f);
	CHECK(call_double(1) == 45.5);
	CHECK(call_long_double(2) == 2.5L);
	CHECK_EQ(rp_static_call_update(of_float, mulf), 0);
	CHECK_EQ(rp_static_call_update(of_double, ninth), 0);
	CHECK_EQ(rp_static_call_update(of_long_double, subl), 0);
	CHECK(call_float(1.5f) == 4.5f);
	CHECK(call_float(2) == 6);
	CHECK(call_double(1) == 9.5);
	CHECK(call_long_double(2) == 1.5L);
	return check_status();
}
