/* SPDX-License-Identifier: MIT */
/*
 * Each form of the macros as a function that says which code ran: 1 for the
 * old code, 2 for the first replacement, and so on. C and C++.
 */
#ifndef FORMS_H
#define FORMS_H

#include <repoint/alternative.h>

#ifdef __cplusplus
# define FORMS_C	extern "C"
#else
# define FORMS_C	extern
#endif
#ifdef __clang__
# define NOINLINE	__attribute__((noinline))
#else
# define NOINLINE	__attribute__((noipa))
#endif
#define HIDDEN		__attribute__((visibility("hidden")))
#define EXPORTED	__attribute__((visibility("default")))

#define FA	RP_FEATURE_SYNTHETIC(0)
#define FB	RP_FEATURE_SYNTHETIC(1)
#define FC	RP_FEATURE_SYNTHETIC(63)

/* In the program or library under test: failures, printed. */
FORMS_C EXPORTED int forms_check(const char *state);

/* Called by alternatives; in another file, or another shared object. */
FORMS_C EXPORTED long other_old(long a, long b);
FORMS_C EXPORTED long other_new(long a, long b);
FORMS_C HIDDEN long hidden_old(long a, long b);
FORMS_C HIDDEN long hidden_new(long a, long b);

/* assembly.S */
FORMS_C HIDDEN int assembly_1(void);
FORMS_C HIDDEN int assembly_2(void);
FORMS_C HIDDEN int assembly_3(void);
FORMS_C HIDDEN int assembly_ternary(void);
FORMS_C HIDDEN int assembly_not(void);
FORMS_C HIDDEN int assembly_jump(void);

/* Copied wherever it is used, in both files. */
static inline int copied(int base)
{
	int r = base;

	rp_alternative_io("addl $1, %[r]", "addl $2, %[r]; nop; nop", FA,
			  RP_OUTPUTS([r] "+r" (r)), RP_NONE,
			  RP_CLOBBERS("cc"));
	return r;
}

#ifdef __cplusplus
/* In a section group of its own, in both files: one of them is dropped. */
template <int N> NOINLINE int group_member(void)
{
	int r;

	__asm__ volatile(RP_ALTERNATIVE_2("movl %[one], %[r]",
					  "movl %[two], %[r]; nopl (%%rax)", FA,
					  "movl %[three], %[r]", FB)
			 : [r] "=r" (r)
			 : [one] "i" (N + 1), [two] "i" (N + 2),
			   [three] "i" (N + 3));
	return r - N;
}

inline NOINLINE int inline_member(void)
{
	int r;

	rp_alternative_io("movl $1, %[r]", "movl $2, %[r]", RP_NOT(FC),
			  RP_OUTPUTS([r] "=r" (r)), RP_NONE, RP_NONE);
	return r;
}
#endif

FORMS_C HIDDEN int other_copies(void);

#endif
