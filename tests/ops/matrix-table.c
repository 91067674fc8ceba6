// SPDX-License-Identifier: MIT
/* The tables of the behaviour matrix, and the functions in them. */
#include <stdarg.h>
#include <stdlib.h>

#include "matrix.h"

#define FUNCTIONS(n)							\
	static int none_##n(void)					\
	{								\
		return n;						\
	}								\
	static int one_##n(int x)					\
	{								\
		return x + n;						\
	}								\
	static long six_##n(int a, long b, short c, signed char d,	\
			    unsigned int e, long f)			\
	{								\
		return a + 2 * b + 3 * c + 4 * d + 5 * (long)e + 6 * f + n; \
	}								\
	static long ten_##n(int a, long b, short c, signed char d,	\
			    unsigned int e, long f, int g, long h,	\
			    short i, const long *j)			\
	{								\
		return six_##n(a, b, c, d, e, f) + 7 * g + 8 * h + 9 * i + \
		       10 * *j;						\
	}								\
	static struct pair pair_##n(struct pair p, int x)		\
	{								\
		struct pair ret = { p.b + x, p.a + n };			\
									\
		return ret;						\
	}								\
	static struct big big_##n(struct big b, int x)			\
	{								\
		for (int i = 0; i < 5; i++)				\
			b.v[i] += x * i + n;				\
		return b;						\
	}								\
	static int sum_##n(int nr, ...)					\
	{								\
		va_list ap;						\
		int total = n;						\
									\
		va_start(ap, nr);					\
		while (nr--)						\
			total += va_arg(ap, int);			\
		va_end(ap);						\
		return total;						\
	}								\
	static double mixed_##n(double a, float b, int c)		\
	{								\
		return a + 2 * (double)b + 3 * c + n;			\
	}								\
	static float half_##n(float a)					\
	{								\
		return a / 2 + n;					\
	}

FUNCTIONS(1)
FUNCTIONS(2)

static void act(int *p)
{
	*p += 1;
}

/* Members in their order: C++ has no other initialisers for arrays. */
RP_DEFINE_OPS(struct matrix_ops, matrix, none_1, one_1, "first", six_1, ten_1,
	      pair_1, big_1, sum_1, mixed_1, half_1,
	      { one_1, { one_1, one_1 } }, { one_1, one_1, one_1 }, act,
	      one_1, abs, NULL, one_1);

/* In .bss. */
RP_DEFINE_OPS(struct matrix_small, matrix_bare);

#define SET(n)								\
	do {								\
		rp_op_set(matrix, none, none_##n);			\
		rp_op_set(matrix, one, one_##n);			\
		rp_op_set(matrix, six, six_##n);			\
		rp_op_set(matrix, ten, ten_##n);			\
		rp_op_set(matrix, pair, pair_##n);			\
		rp_op_set(matrix, big, big_##n);			\
		rp_op_set(matrix, sum, sum_##n);			\
		rp_op_set(matrix, mixed, mixed_##n);			\
		rp_op_set(matrix, half, half_##n);			\
		rp_op_set(matrix, inner.one, one_##n);			\
		rp_op_set(matrix, inner.two[0], one_1);			\
		rp_op_set(matrix, inner.two[1], one_##n);		\
		rp_op_set(matrix, array[0], one_##n);			\
		rp_op_set(matrix, array[2], one_##n);			\
		rp_op_set(matrix_bare, f, one_##n);			\
		rp_op_set(matrix_bare, g, one_##n);			\
		rp_op_set(matrix, few, one_##n);			\
	} while (0)

void matrix_first(void)
{
	SET(1);
	rp_op_set(matrix, act, act);
	rp_op_set(matrix, zero, one_1);
	rp_op_set(matrix, far, abs);
}

void matrix_second(void)
{
	SET(2);
	rp_op_set(matrix, act, RP_OP_NOP(struct matrix_ops, act));
	rp_op_set(matrix, zero, RP_OP_RETURN0(struct matrix_ops, zero));
	rp_op_set(matrix, far, one_2);
}
