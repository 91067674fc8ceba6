// SPDX-License-Identifier: MIT
/* Functions that threads stay in. */
#include "held.h"

static inline int opaque(int n)
{
	__asm__("" : "+r"(n));
	return n;
}

OPAQUE int held(void (*stay)(void *), void *arg)
{
	stay(arg);
	return opaque(VERSION);
}

OPAQUE int held_deep(int depth, void (*stay)(void *), void *arg)
{
	if (!depth) {
		stay(arg);
		return opaque(VERSION);
	}
	return held_deep(depth - 1, stay, arg) + opaque(0);
}

OPAQUE int held_compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	x->stay(x->arg);
	return x->key - y->key + opaque(VERSION) - VERSION;
}

OPAQUE void held_handler(int sig)
{
	(void)sig;
	handler_stay();
	handler_version = opaque(VERSION);
}

OPAQUE int callee(void)
{
	return opaque(VERSION);
}

OPAQUE int caller(void (*stay)(void *), void *arg)
{
	int before = callee(), after;

	stay(arg);
	after = callee();
	return opaque(VERSION) * 100 + before * 10 + after;
}

OPAQUE int tiny(void)
{
	return opaque(VERSION);
}

OPAQUE int works_for_ms(void)
{
	long until = now_us() + 1000 + opaque(0);

	while (now_us() < until)
		;
	return opaque(VERSION);
}

OPAQUE int sleeps_5ms(void)
{
	sleep_us(5000);
	return opaque(VERSION);
}
