/* SPDX-License-Identifier: MIT */
/*
 * A program that is stopped again and again, and judges whether it can tell.
 *
 *   target CLASS
 *
 * It does the class's operation over and over until its standard input ends, and
 * then writes "ok ROUNDS"; or at once what it should not have seen, and exits 1.
 */
#ifndef TARGET_H
#define TARGET_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MS	1000000ll

/**
 * struct target_class - one kind of system call, or of life.
 * @start: before "ready" is written; may be NULL
 * @once:  one operation
 * @feed:  called every few milliseconds by another thread; may be NULL
 * @end:   when it is over; may be NULL
 */
struct target_class {
	const char *name;
	void (*start)(void);
	void (*once)(void);
	void (*feed)(void);
	void (*end)(void);
};

/* Each ends with one that has no name. */
extern const struct target_class time_classes[];
extern const struct target_class data_classes[];
extern const struct target_class signal_classes[];
extern const struct target_class task_classes[];

/* It is what should not have been seen. */
void bad(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/** good() - a result that is not -1. Return: it. */
long good(const char *what, long result);
#define GOOD(call)	good(#call, (long)(call))

/** fails() - a result that is -1 with just this error. */
void fails(const char *what, long result, int error);
#define FAILS(error, call)	fails(#call, (long)(call), error)

int64_t now_ns(void);
struct timespec in_ns(int64_t ns);

/** took() - since @start at least @ns have passed. Rounding in the kernel, at each
 *  stop, is permitted; and so is a busy machine. */
void took(const char *what, int64_t start, int64_t ns);

/** is_over() - the driver has had enough. */
bool is_over(void);

/** directory() - a temporary one of this process; removed at the end. */
const char *directory(void);

#endif /* TARGET_H */
