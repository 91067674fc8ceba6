// SPDX-License-Identifier: MIT
/*
 * Functions that payloads replace one by one: VERSION has a digit for each. From
 * a second digit of 2 on there is a helper(), which the third one uses as well
 * from 3 on: a payload for that needs the one that brought it.
 */
#include "serve.h"

int parts(void);

static inline int opaque(int n)
{
	__asm__("" : "+r"(n));
	return n;
}

OPAQUE int first(void)
{
	return opaque(VERSION / 100);
}

#if VERSION / 10 % 10 > 1
OPAQUE int helper(int n)
{
	return opaque(n);
}
#else
# define helper	opaque
#endif

OPAQUE int second(void)
{
	return helper(VERSION / 10 % 10) + opaque(0);
}

OPAQUE int third(void)
{
#if VERSION % 10 > 2
	return helper(VERSION % 10) + opaque(0);
#else
	return opaque(VERSION % 10);
#endif
}

OPAQUE int parts(void)
{
	return first() * 100 + second() * 10 + third();
}
