// SPDX-License-Identifier: MIT
/*
 * Which variants this processor gets: "NAME CHOSEN" for each, or a failure if
 * that is not what the library and the compiler say of the processor.
 */
#include <repoint/alternative.h>

#include "../text/check.h"

static void check(const char *name, int chosen, int has, int builtin)
{
	printf("%s %d\n", name, chosen);
	CHECK_EQ(chosen, has);
	if (builtin >= 0)
		CHECK_EQ(chosen, builtin);
	if (chosen != has || (builtin >= 0 && chosen != builtin))
		fprintf(stderr, "%s\n", name);
}

#define CHOSEN(feature)							\
	__extension__ ({						\
		int r_;							\
		__asm__ volatile(RP_ALTERNATIVE("xorl %0, %0",		\
						"movl $1, %0",		\
						RP_FEATURE_##feature)	\
				 : "=r" (r_) : : "cc");			\
		r_;							\
	})
#define CHECK_FEATURE(feature, name)					\
	check(name, CHOSEN(feature), rp_cpu_has(RP_FEATURE_##feature), -1)
#define CHECK_BUILTIN(feature, name)					\
	check(name, CHOSEN(feature), rp_cpu_has(RP_FEATURE_##feature),	\
	      !!__builtin_cpu_supports(name))

/* The best of three, of which the last that is there is taken. */
static int best(void)
{
	int r;

	__asm__ volatile(RP_ALTERNATIVE_3("movl $0, %0",
					  "movl $1, %0; nop",
					  RP_FEATURE_SSE4_2,
					  "movl $2, %0", RP_FEATURE_AVX2,
					  "movl $3, %0; nop; nop",
					  RP_FEATURE_AVX512F)
			 : "=r" (r));
	return r;
}

/* Instructions that a model without them refuses. */
static unsigned long population(unsigned long x)
{
	unsigned long n = 0;

	rp_alternative_io("1: testq %[x], %[x]; jz 2f; "
			  "leaq -1(%[x]), %%rax; andq %%rax, %[x]; "
			  "incq %[n]; jmp 1b; 2:",
			  "popcntq %[x], %[n]", RP_FEATURE_POPCNT,
			  RP_OUTPUTS([n] "+r" (n), [x] "+r" (x)), RP_NONE,
			  RP_CLOBBERS("rax", "cc"));
	return n;
}

static unsigned long shift(unsigned long x, unsigned long by)
{
	unsigned long r;

	rp_alternative_io("movq %[x], %[r]; shlq %%cl, %[r]",
			  "shlxq %[by], %[x], %[r]", RP_FEATURE_BMI2,
			  RP_OUTPUTS([r] "=&r" (r)),
			  RP_INPUTS([x] "r" (x), [by] "c" (by)),
			  RP_CLOBBERS("cc"));
	return r;
}

int main(void)
{
	__builtin_cpu_init();
	CHECK_BUILTIN(SSE4_2, "sse4.2");
	CHECK_BUILTIN(POPCNT, "popcnt");
	CHECK_BUILTIN(AVX2, "avx2");
	CHECK_BUILTIN(BMI2, "bmi2");
	CHECK_BUILTIN(AVX512F, "avx512f");
	CHECK_FEATURE(ERMS, "erms");
	CHECK_FEATURE(FSRM, "fsrm");
	printf("best %d\n", best());
	CHECK_EQ(population(0xf0f0000000000001), 9);
	CHECK_EQ(shift(5, 40), 5ul << 40);
	return check_status();
}
