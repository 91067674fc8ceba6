/* SPDX-License-Identifier: MIT */
/* Between the files of the behaviour matrix. */
#ifndef MATRIX_H
#define MATRIX_H

#include <repoint/ops.h>

struct pair {
	long a, b;
};

struct big {
	long v[5];
};

struct inner {
	int (*one)(int);
	int (*two[2])(int);
};

struct matrix_ops {
	int (*none)(void);
	int (*one)(int);
	const char *name;
	long (*six)(int, long, short, signed char, unsigned int, long);
	long (*ten)(int, long, short, signed char, unsigned int, long, int,
		    long, short, const long *);
	struct pair (*pair)(struct pair, int);
	struct big (*big)(struct big, int);
	int (*sum)(int, ...);
	double (*mixed)(double, float, int);
	float (*half)(float);
	struct inner inner;
	int (*array[3])(int);
	void (*act)(int *);
	int (*zero)(int);
	int (*far)(int);
	int (*null)(int);
	int (*few)(int);
};

struct matrix_small {
	int (*f)(int);
	int (*g)(int);
};

RP_DECLARE_OPS(struct matrix_ops, matrix);
RP_DECLARE_OPS(struct matrix_small, matrix_bare);

RP__BEGIN_DECLS

/* What the tables' members are set to: the first or the second set. */
void matrix_first(void);
void matrix_second(void);

/* @bound: whether sites are expected to be direct once bound. */
RP_API int matrix_run(int bound);

RP__END_DECLS

#endif
