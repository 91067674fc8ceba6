/* SPDX-License-Identifier: MIT */
/* Checks of a test program: it goes on after a failure, and exits with 1. */
#ifndef CHECK_H
#define CHECK_H

#include <stdint.h>
#include <stdio.h>

static int check_failures;

static inline void check_that(int holds, const char *text, const char *file,
			      int line)
{
	if (holds)
		return;
	check_failures++;
	fprintf(stderr, "%s:%d: not true: %s\n", file, line, text);
}

static inline void check_equal(intmax_t found, intmax_t wanted,
			       const char *text, const char *file, int line)
{
	if (found == wanted)
		return;
	check_failures++;
	fprintf(stderr, "%s:%d: %s is %jd, not %jd\n", file, line, text, found,
		wanted);
}

/** CHECK() - @condition holds. */
#define CHECK(condition)						\
	check_that(!!(condition), #condition, __FILE__, __LINE__)

/** CHECK_EQ() - integers: @found is @wanted. */
#define CHECK_EQ(found, wanted)						\
	check_equal((intmax_t)(found), (intmax_t)(wanted), #found, __FILE__, \
		    __LINE__)

/** check_status() - what main() returns; 77 is "skipped" to Meson. */
static inline int check_status(void)
{
	return check_failures != 0;
}

static inline int check_skip(const char *reason)
{
	printf("SKIP: %s\n", reason);
	return 77;
}

#endif
