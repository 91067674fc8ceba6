// SPDX-License-Identifier: MIT
/*
 * Compiled as the program has it, and with FIX_TINY or FIX_LONG: what is
 * different takes no instruction more.
 */
#include "live_work.h"

#ifdef FIX_TINY
# define SMALL_STEP	LIVE_FIXED
#else
# define SMALL_STEP	1
#endif
#ifdef FIX_LONG
# define LONG_STEP	LIVE_FIXED
#else
# define LONG_STEP	1
#endif

#define PLACED	__attribute__((noinline, aligned(64)))

PLACED uint64_t live_tiny(uint64_t x)
{
	return x + SMALL_STEP;
}

PLACED uint64_t live_jumped(uint64_t x)
{
	return x + 1;
}

/* One step of splitmix64. */
PLACED uint64_t live_ten(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u * SMALL_STEP;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

PLACED uint64_t live_long(uint64_t turns)
{
	uint64_t x = 0;

	for (uint64_t i = 0; i < turns; i++) {
		x += LONG_STEP;
		__asm__ volatile("" : "+r"(x));
	}
	return x;
}

__asm__(".pushsection .text.live_jump,\"ax\",@progbits\n\t"
	".p2align 6\n\t"
	".globl live_jump\n\t"
	".type live_jump, @function\n"
	"live_jump:\n\t"
	"jmp live_jumped\n\t"
	"ud2\n\t"
	".size live_jump, . - live_jump\n\t"
	".popsection");
