/* SPDX-License-Identifier: MIT */
/*
 * Cases: each runs in a process of its own, so that what it does to itself
 * (filters, limits, a crash, a deadlock) ends with it.
 *
 * The parent forks, the child calls the case's setup and then executes the
 * program again: the environment is hostile before the library's constructors
 * run. A case that crashes, hangs or leaves a check false has failed.
 *
 *   PROGRAM            all cases, as TAP
 *   PROGRAM NAME...    some
 */
#ifndef CASE_H
#define CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * struct test_case
 * @setup:   in the child, before it executes the program; may be NULL, may
 *           call SKIP()
 * @run:     the case itself
 * @seconds: limit; 0 is 60
 * @data:    for @setup and @run, see case_data()
 */
struct test_case {
	const char *name;
	void (*setup)(void);
	void (*run)(void);
	unsigned int seconds;
	const void *data;
};

/* What main() calls and returns. */
int cases_main(const struct test_case *cases, size_t nr, int argc, char **argv);

/* @data of the case that is being set up or run. */
const void *case_data(void);

/* /proc as it was before the setup: a directory, for openat(). */
int case_proc(void);

/* Mappings of this process. */
unsigned int case_count_maps(void);

/* The directory that this program lies in. */
const char *case_directory(void);

__attribute__((format(printf, 4, 5)))
bool case_check(bool holds, const char *file, int line, const char *format,
		...);
__attribute__((noreturn, format(printf, 1, 2)))
void case_skip(const char *format, ...);
/* Ends the case now; checks that were false count. */
__attribute__((noreturn)) void case_end(void);

/** CHECK() - @condition holds; goes on if not. Value: whether it does. */
#define CHECK(condition)						\
	case_check(!!(condition), __FILE__, __LINE__, "%s", #condition)
/** CHECKF() - the same, with more to say. */
#define CHECKF(condition, ...)						\
	case_check(!!(condition), __FILE__, __LINE__, __VA_ARGS__)
/** CHECK_EQ() - integers: @found is @wanted. */
#define CHECK_EQ(found, wanted)						\
	__extension__ ({						\
		long case_found = (long)(found);			\
		long case_wanted = (long)(wanted);			\
		case_check(case_found == case_wanted, __FILE__,		\
			   __LINE__, "%s is %ld, not %ld", #found,	\
			   case_found, case_wanted);			\
	})
/** REQUIRE() - as CHECK(); without it the case makes no sense. */
#define REQUIRE(condition)						\
	do {								\
		if (!CHECK(condition))					\
			case_end();					\
	} while (0)
#define SKIP(...)	case_skip(__VA_ARGS__)

/* Monotonic seconds. */
double case_now(void);

#endif
