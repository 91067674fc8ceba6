/* SPDX-License-Identifier: MIT */
/* Numbers that look random, the same in each run. */
#ifndef TEST_DRAW_H
#define TEST_DRAW_H

#include <stdint.h>

static unsigned int draw(void)
{
	static uint64_t seed = 1;

	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(seed >> 33);
}

#endif
