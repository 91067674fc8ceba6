/* SPDX-License-Identifier: MIT */
/* The keys of the matrix program, and an inline function that uses them. */
#ifndef MATRIX_H
#define MATRIX_H

#include "../text/site.h"

#include <stdarg.h>

struct small {
	int a;
	int b;
};

struct big {
	long v[6];
};

/* What is called across the objects of the slice "shared". */
#pragma GCC visibility push(default)

int add(int a, int b);
int sub(int a, int b);
long sum10(int a, long b, int c, long d, int e, long f, int g, long h, int i,
	   long j);
long alt10(int a, long b, int c, long d, int e, long f, int g, long h, int i,
	   long j);
struct small swap_small(struct small s);
struct small keep_small(struct small s);
struct big reverse_big(struct big s, int n);
struct big same_big(struct big s, int n);
double mean(double a, float b, int c);
double product(double a, float b, int c);
double sum_all(int n, ...);
double last_of(int n, ...);
int booted(void);
int not_booted(void);

int call_op(int a, int b);
int tail_op(int a, int b);
int cond_op(int a, int b);
long call_ten(void);
struct small call_small(int a, int b);
struct big call_big(long first, int n);
double call_mean(double a, float b, int c);
double call_all(int n, double a, double b);
int call_cond(int *evaluated);
int call_maybe(void);
int call_boot(void);
int branches(void);
int user_failures(enum site_mode mode, int (*func)(int, int));

#pragma GCC visibility pop

RP_DECLARE_STATIC_CALL(op, add);
RP_DECLARE_STATIC_CALL(tail, add);
RP_DECLARE_STATIC_CALL(condition, add);
RP_DECLARE_STATIC_CALL(ten, sum10);
RP_DECLARE_STATIC_CALL(small, swap_small);
RP_DECLARE_STATIC_CALL(big, reverse_big);
RP_DECLARE_STATIC_CALL(floating, mean);
RP_DECLARE_STATIC_CALL(variadic, sum_all);
RP_DECLARE_STATIC_CALL(maybe, int(int));
RP_DECLARE_STATIC_CALL(boot, not_booted);

/* The executable of the slice "shared" has the keys of the library. */
#ifdef MATRIX_IMPORT
RP_IMPORT_STATIC_KEY_FALSE(off);
RP_IMPORT_STATIC_KEY_TRUE(on);
#else
RP_DECLARE_STATIC_KEY_FALSE(off);
RP_DECLARE_STATIC_KEY_TRUE(on);
#endif

static inline int inline_op(int a, int b)
{
	if (rp_static_branch_unlikely(&off))
		return 1000;
	return rp_static_call(op)(a, b);
}

#endif
