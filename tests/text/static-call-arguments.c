// SPDX-License-Identifier: MIT
/* More arguments than there are registers: 10 and 13. */
#include "site.h"
#include "check.h"

static long sum10(int a, long b, char c, short d, int e, long f, int g,
		  long h, signed char i, long j)
{
	return a + b * 2 + c * 3 + d * 4 + e * 5 + f * 6 + g * 7 + h * 8 +
	       i * 9 + j * 10;
}

static long last10(int a, long b, char c, short d, int e, long f, int g,
		   long h, signed char i, long j)
{
	(void)a, (void)b, (void)c, (void)d, (void)e, (void)f, (void)g, (void)h;
	return i * 100 + j;
}

static double mix13(int a, double b, long c, float d, const char *e, double f,
		    int g, double h, long i, double j, int k, double l, int m)
{
	return a + b + c + d + *e + f + g + h + i + j + k + l + m;
}

static double less13(int a, double b, long c, float d, const char *e, double f,
		     int g, double h, long i, double j, int k, double l, int m)
{
	return m - l + k - j + i - h + g - f + *e - d + c - b + a;
}

RP_DEFINE_STATIC_CALL(ten, sum10);
RP_DEFINE_STATIC_CALL(thirteen, mix13);

static NOINLINE long call_ten(void)
{
	return rp_static_call(ten)(1, 2, 3, 4, 5, 6, 7, 8, -9, 10);
}

static NOINLINE double call_thirteen(const char *e)
{
	return rp_static_call(thirteen)(1, 2.5, 3, 4.25f, e, 6, 7, 8, 9, 10,
					11, 12, 13);
}

int main(void)
{
	CHECK_EQ(call_ten(), sum10(1, 2, 3, 4, 5, 6, 7, 8, -9, 10));
	CHECK_EQ(rp_static_call_update(ten, last10), 0);
	CHECK_EQ(call_ten(), -890);
	CHECK(call_thirteen("\5") == 91.75);
	CHECK_EQ(rp_static_call_update(thirteen, less13), 0);
	CHECK(call_thirteen("\5") == 1 - 2.5 + 3 - 4.25 + 5 - 6 + 7 - 8 + 9 -
				     10 + 11 - 12 + 13);
	return check_status();
}
