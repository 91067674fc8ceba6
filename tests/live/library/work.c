// SPDX-License-Identifier: MIT
/* Compiled with ANSWER as 1 for the program, 2 and 3 for the payloads. */
#include "work.h"

static volatile int calls;

__attribute__((noinline)) int answer(void)
{
	calls++;
	return ANSWER;
}

__attribute__((noinline)) int around(int (*inside)(void *context),
				     void *context)
{
	int ret = inside(context);

	calls += ANSWER;
	return ret;
}
