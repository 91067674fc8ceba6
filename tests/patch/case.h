/* SPDX-License-Identifier: MIT */
/* For the sources of cases. */
#ifndef REPOINT_TESTS_PATCH_CASE_H
#define REPOINT_TESTS_PATCH_CASE_H

#include <stdio.h>

#define NOINLINE	__attribute__((noinline))

/* Callers know nothing of it, not even which registers it leaves alone: they do
 * not change with it. */
#ifdef __clang__
# define ALONE		__attribute__((noinline))
#else
# define ALONE		__attribute__((noipa))
#endif

/* The value that a source has before and after the fix. */
#ifdef FIXED
# define WAS_IS(was, is)	is
#else
# define WAS_IS(was, is)	was
#endif

/* The compiler cannot know what it returns. */
#define OPAQUE(x)							\
	__extension__({ __typeof__((x) + 0) opaque_ = (x);			\
			__asm__ volatile("" : "+r"(opaque_)); opaque_; })

/* Makes a function long enough for a detour. */
#define LONG_ENOUGH	__asm__ volatile(".nops 9")

#ifdef __cplusplus
extern "C"
#endif
void show(void);

#endif /* REPOINT_TESTS_PATCH_CASE_H */
